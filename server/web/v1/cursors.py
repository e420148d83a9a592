"""Cursors: where the next page of a list begins. Opaque to clients, checked when they come back.

A cursor is the key of the last thing on the page, so that pages neither repeat nor leave out
what was there all the while, whatever comes and goes between them.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query

from server.errors import ServerError

T = TypeVar("T")
LONGEST_CURSOR = 400
Cursor = Annotated[
    str | None,
    Query(max_length=LONGEST_CURSOR, description="`next_cursor` of the page before"),
]
Limit = Annotated[int, Query(ge=1, le=200, description="how many things on a page, at most")]


class CursorError(ServerError):
    """A cursor that no list gave out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `next_cursor` is none on the last one."""

    items: tuple[T, ...]
    next_cursor: str | None


def page_of(found: Sequence[T], limit: int, key: Callable[[T], Sequence[object]]) -> Page[T]:
    """The page of at most `limit` things, of which one more than that was read."""
    here = tuple(found[:limit])
    return Page(here, cursor_of(*key(here[-1])) if len(found) > limit else None)


def cursor_of(*key: object) -> str:
    """A key as a cursor.

    >>> parts_of(cursor_of("a", 7), 2)
    ['a', '7']
    """
    text = json.dumps([str(one) for one in key], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parts_of(cursor: str, count: int) -> list[str]:
    """The key of a cursor.

    Raises:
        CursorError: no list gave it out.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        raise _unknown() from None
    if not isinstance(found, list) or len(found) != count:
        raise _unknown()
    if not all(isinstance(one, str) and one.isprintable() for one in found):
        raise _unknown()
    return found


def after_id(cursor: str | None) -> UUID | None:
    """The id after which a page begins.

    Raises:
        CursorError: no list gave it out.
    """
    if cursor is None:
        return None
    try:
        return UUID(parts_of(cursor, 1)[0])
    except ValueError:
        raise _unknown() from None


def after_name(cursor: str | None) -> str | None:
    """The name after which a page begins.

    Raises:
        CursorError: no list gave it out.
    """
    return None if cursor is None else parts_of(cursor, 1)[0]


def after_entry(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The instant and the id after which a page of a log begins.

    Raises:
        CursorError: no list gave it out.
    """
    if cursor is None:
        return None
    at, entry_id = parts_of(cursor, 2)
    try:
        found = datetime.fromisoformat(at), UUID(entry_id)
    except ValueError:
        raise _unknown() from None
    if found[0].utcoffset() is None or found[0].year not in range(1971, 9999):
        raise _unknown()
    return found


def _unknown() -> CursorError:
    return CursorError("cursor: expected the `next_cursor` of a page of the same list")
