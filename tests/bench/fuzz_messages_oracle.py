"""What a reader may accept, said a second time: the published schemas, and the stated invariants.

Nothing of the reader is used to judge it. An accepted message must be JSON without NaN and without
a doubled key, meet its schema in `docs/schema/` (a key that has a default may be absent), keep the
invariants of a window, and say the same when it is written again. A refusal must be one short,
printable line.
"""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import cast

import jsonschema

from tests.bench.fuzz_messages_grammar import KINDS, OUTCOMES, Json, Table, schema_of

MOST_TEXT_BYTES = 1 << 18
MOST_SAID = 600
MOST_REPEATED = 100
ABSENT: tuple[Json, ...] = (None, "", 0, [], {}, [1])  # every default of a message
STATED = ("kind", "schema_version")


def plain(payload: bytes) -> bytes | None:
    """The text of a payload; None if it is too long, or sealed and damaged."""
    if len(payload) > MOST_TEXT_BYTES:
        return None
    if not payload.startswith(b"\x78"):
        return payload
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(payload, 2 * MOST_TEXT_BYTES)
    except zlib.error:
        return None
    whole = stream.eof and len(text) <= MOST_TEXT_BYTES
    return text if whole and not any(stream.unused_data) else None


def parsed(payload: bytes, *, constants: bool = False) -> Json:
    """The value of a payload as the standard library reads it; with NaN only if `constants`.

    Raises:
        ValueError: no JSON in UTF-8, or with NaN or Infinity in it, or a key twice in an object.
    """
    text = plain(payload)
    if text is None:
        raise ValueError("damaged seal")
    constant = float if constants else _no_constant
    told = json.loads(text.decode("utf-8"), parse_constant=constant, object_pairs_hook=_each_once)
    return cast("Json", told)


def _each_once(pairs: list[tuple[str, Json]]) -> Json:
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"a key twice among {[key for key, _ in pairs]!r:.200}")
    return dict(pairs)


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


class Judge:
    """Judges messages of every kind."""

    def __init__(self) -> None:
        self._validators = {
            kind: jsonschema.Draft202012Validator(_relaxed(schema_of(kind))) for kind in KINDS
        }

    def complaint(self, kind: str, payload: bytes, written: str) -> str:
        """Why `payload` should not have been accepted as `written`; empty if it should.

        Args:
            kind: of the message.
            payload: what was read.
            written: the accepted message as JSON text.
        """
        try:
            told = parsed(payload)
        except ValueError as why:
            return f"accepted what is no JSON: {why}"
        for error in self._validators[kind].iter_errors(told):
            where = ".".join(map(str, error.absolute_path))
            return f"accepted against the schema: {where}: {error.message[:200]}"
        if kind == "window" and (broken := _broken(cast("Table", told))):
            return f"accepted against an invariant: {broken}"
        if not _same(told, json.loads(written)):
            return f"accepted and changed: {told!r:.300} became {written:.300}"
        return ""


def refusal_complaint(said: str, payload: bytes) -> str:
    """What is wrong with the line that a refusal says; empty if nothing is."""
    if len(said) > MOST_SAID:
        return f"a refusal of {len(said)} characters"
    if not said.isprintable():
        return f"a refusal with control characters: {said!r:.300}"
    text = (plain(payload) or payload).decode("utf-8", "replace")
    for at in range(len(said) - MOST_REPEATED):
        if said[at : at + MOST_REPEATED + 1] in text:
            return f"a refusal that repeats what was sent: {said!r:.300}"
    return ""


def _broken(window: Table) -> str:
    """The first invariant that a window breaks; empty if none."""
    cells = cast("list[Table]", window.get("cells", []))
    for span in [window, *cast("list[Table]", window.get("invalid", [])), *cells]:
        if _at(span["end"]) <= _at(span["start"]):
            return f"a span that ends {span['end']} and begins {span['start']}"
    return next((found for cell in cells if (found := _broken_cell(cell))), "")


def _broken_cell(cell: Table) -> str:
    visits, k = cast("int", cell["visits"]), cast("int", cell["k"])
    outcomes = cast("dict[str, int]", cell["outcomes"])
    week, is_store = cell.get("week"), cell["kind"] == "store"
    if k < 5 or visits < k:
        return f"{visits} visits with k = {k}"
    if sum(outcomes.get(name, 0) for name in OUTCOMES) != visits:
        return f"outcomes {outcomes} of {visits} visits"
    if is_store != (week is not None):
        return f"{cell['kind']} with week {week}"
    if is_store and (cell["level"] != "week" or cell["staff"] is not None):
        return f"a store's {cell['level']} with staff {cell['staff']}"
    for name, parts in cast("Table", week or {}).items():
        if isinstance(parts, dict) and min(cast("dict[str, int]", parts).values()) < k:
            return f"{name}: {parts} with k = {k}"
    return ""


def _at(text: Json) -> datetime:
    return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S%z")


def _same(told: Json, written: Json) -> bool:
    """Whether `written` says what was told; what was not told has its default."""
    if isinstance(told, dict) and isinstance(written, dict):
        known = all(key in written and _same(told[key], written[key]) for key in told)
        return known and all(
            any(written[key] == default for default in ABSENT) for key in written.keys() - told
        )
    if isinstance(told, list) and isinstance(written, list):
        return len(told) == len(written) and all(map(_same, told, written))
    if isinstance(written, float) and isinstance(told, int) and not isinstance(told, bool):
        return written == float(told)
    return isinstance(told, bool) == isinstance(written, bool) and told == written


def _relaxed(node: Json) -> Table:
    """A schema whose keys with a default may be absent, but for what names the message."""
    relaxed = cast("Table", _relax(node))
    relaxed["required"] = [*cast("list[Json]", relaxed.get("required", [])), *STATED]
    return relaxed


def _relax(node: Json) -> Json:
    if isinstance(node, list):
        return [_relax(one) for one in node]
    if not isinstance(node, dict):
        return node
    relaxed = {key: _relax(one) for key, one in node.items()}
    if isinstance(required := relaxed.get("required"), list):
        properties = cast("dict[str, Table]", relaxed["properties"])
        relaxed["required"] = [one for one in required if "default" not in properties[str(one)]]
    return relaxed
