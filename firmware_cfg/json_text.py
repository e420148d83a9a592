"""JSON texts of the wire in which each key of an object stands once.

RFC 8259 leaves open what a doubled key means: one reader takes the first value, another the last.
So two ends, or a reader and an auditor, could see two messages in the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

from pydantic_core import from_json, to_json

from firmware_cfg.errors import MessageError

SHOWN = 40


def check_single_keys(text: bytes, name: str) -> None:
    r"""Refuse a text in which an object, at any depth, has a key twice; `name` is for the message.

    Keys are compared as read: `k` and `\u006b` are one. No number is converted.

    >>> check_single_keys(b'{"a": {"k": 1, "k": 2}}', "desired")
    Traceback (most recent call last):
    ...
    firmware_cfg.errors.MessageError: desired: key 'k' is given twice in one object, expected once

    Raises:
        MessageError: no JSON in UTF-8, or a key is given twice.
    """
    if _is_written_back(text):
        return

    def once(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found = f"key '{shown(key)}' is given twice in one object"
                raise MessageError(f"{name}: {found}, expected once")
            seen.add(key)

    _walk(text, name, once)


def _is_written_back(text: bytes) -> bool:
    """Whether a text is, byte for byte, what is written of the value that is read from it.

    Then no key was read over another one: what is written has as many keys as were kept. Texts
    of our own ends are such; any other is looked through, key by key.
    """
    try:
        return to_json(from_json(text)) == text
    except ValueError:
        return False


def doubled_at_top(text: bytes) -> frozenset[str]:
    """Keys that the outermost object of a JSON text has more than once.

    >>> doubled_at_top(b'{"a": {"k": 1, "k": 2}, "b": 1, "b": 1}')
    frozenset({'b'})

    Raises:
        MessageError: no JSON in UTF-8.
    """
    latest: Counter[str] = Counter()

    def keep(pairs: list[tuple[str, object]]) -> None:
        latest.clear()  # the outermost object is the last to end
        latest.update(key for key, _ in pairs)

    _walk(text, "message", keep)
    return frozenset(key for key, count in latest.items() if count > 1)


def _walk(text: bytes, name: str, see: Callable[[list[tuple[str, object]]], None]) -> None:
    """Show every object's pairs, inner ones first."""
    try:
        json.loads(text.decode(), object_pairs_hook=see, parse_int=_unread, parse_float=_unread)
    except (ValueError, RecursionError) as error:
        found = f"found {text[:SHOWN]!r} ({error})"
        raise MessageError(f"{name}: expected JSON, {found}") from None


def _unread(_digits: str) -> None:
    """A number is not looked at: one of many digits would be refused, or slow."""


def shown(part: str | int) -> str:
    """A key or index as it can be logged: its beginning, control characters escaped."""
    return str(part)[:SHOWN].encode("unicode_escape").decode()
