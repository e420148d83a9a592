"""Hostile payloads, made from true messages and from their schemas.

| kind | what |
|---|---|
| true | a true message, unchanged: a reader that refuses everything proves nothing |
| grammar | drawn from the schema, most of it just inside or just outside |
| flipped, cut, doubled, spliced | bits, bytes and stretches of the text changed |
| numbers, texts | a number or a text replaced by a strange one: 1e400, NaN, 05, lone surrogates … |
| swapped, foreign, dropped | values of the same or of another message in the wrong place |
| added, nested | unknown and repeated keys, deep nesting |
| twice | a key of any object once more, anywhere in it, with its own value or another |
| version | another schema version or kind, with and without unknown keys |
| cell | cells below k, incoherent ones, backward spans, buckets out of range |
| seal | damaged seals: bombs, cut, several members, something behind the end |
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import cast

from tests.bench.fuzz_messages_grammar import KINDS, Grammar, Json, Table
from tests.bench.fuzz_messages_strange import ENDS, KEYS, NUMBERS, TEXTS

GOLDEN = Path(__file__).parents[1] / "unit" / "firmware_cfg" / "golden" / "v1"
SEALED_SHARE = 0.2
MARK = "@once more"
PLACE = re.compile(rb"[{[,:]")
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
TEXT = re.compile(rb'"[^"]*"')
BOMB = zlib.compress(b'{"kind":"window","a":"' + b" " * (1 << 24), 9)
Make = Callable[["Maker"], bytes]


class Maker:
    """Makes hostile payloads around messages of one kind.

    Args:
        kind: as `KINDS`.
        chance: where chance comes from.
        more: true messages beside the golden ones.
    """

    def __init__(self, kind: str, chance: Random, more: tuple[bytes, ...] = ()) -> None:
        self.chance = chance
        self._grammar = Grammar(kind, chance)
        self._true = [*more] or list(_true(kind))
        self._others = [one for other in KINDS for one in _true(other)]
        self._number = 0

    def make(self) -> tuple[str, bytes]:
        """Name of the kind, and the next payload; kinds take turns."""
        name, make = MAKERS[self._number % len(MAKERS)]
        self._number += 1
        payload = make(self)
        if name != "seal" and self.chance.random() < SEALED_SHARE:
            return name, zlib.compress(payload, 1) + bytes(self.chance.choice([0, 1, 500]))
        return name, payload

    def seal(self) -> bytes:
        """A true message sealed, and most often damaged."""
        return _seal(self)

    def true(self) -> bytes:
        """A true message."""
        return self.chance.choice(self._true)

    def value(self) -> Table:
        """The value of a true message, to be changed."""
        return cast("Table", json.loads(self.true()))

    def other(self) -> bytes:
        """A true message of any kind."""
        return self.chance.choice(self._others)

    def drawn(self) -> Json:
        """A message drawn from the schema."""
        return self._grammar.draw()


def _true(kind: str) -> Iterator[bytes]:
    """Golden messages of a kind; windows with one cell at a time, to be small."""
    for path in sorted(GOLDEN.glob(f"{kind}*.json")):
        value = json.loads(path.read_bytes())
        yield _dumped(value)
        for cell in value.get("cells", ()):
            yield _dumped(value | {"cells": [cell]})


def _dumped(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def places(value: Json) -> Iterator[tuple[Table | list[Json], str | int]]:
    """Every place of a value, as its container and the key there."""
    inside = value.items() if isinstance(value, dict) else ()
    listed = enumerate(value) if isinstance(value, list) else ()
    for key, one in (*inside, *listed):
        yield cast("Table | list[Json]", value), key
        yield from places(one)


def _flipped(maker: Maker) -> bytes:
    data = bytearray(maker.true())
    for _ in range(maker.chance.randint(1, 3)):
        data[maker.chance.randrange(len(data))] ^= 1 << maker.chance.randrange(8)
    return bytes(data)


def _cut(maker: Maker) -> bytes:
    data = maker.true()
    begin, end = sorted(maker.chance.randrange(len(data) + 1) for _ in range(2))
    return maker.chance.choice([data[:end], data[begin:], data[:begin] + data[end:]])


def _doubled(maker: Maker) -> bytes:
    data = maker.true()
    begin, end = sorted(maker.chance.randrange(len(data) + 1) for _ in range(2))
    return maker.chance.choice([data[:end] + data[begin:], data * 2, data + b"\n", data + b"\0"])


def _spliced(maker: Maker) -> bytes:
    one, other = maker.true(), maker.other()
    places_of = [[match.start() for match in PLACE.finditer(data)] for data in (one, other)]
    head, tail = (maker.chance.choice(found) for found in places_of)
    return one[:head] + other[tail:]


def _replaced(pattern: re.Pattern[bytes], strange: tuple[bytes, ...], maker: Maker) -> bytes:
    data = maker.true()
    found = maker.chance.choice(list(pattern.finditer(data)))
    return data[: found.start()] + maker.chance.choice(strange) + data[found.end() :]


def _set(container: Table | list[Json], key: str | int, value: Json) -> None:
    cast("dict[str | int, Json]", container)[key] = value


def _get(container: Table | list[Json], key: str | int) -> Json:
    return cast("dict[str | int, Json]", container)[key]


def _swapped(maker: Maker) -> bytes:
    value = maker.value()
    (one, a), (other, b) = (maker.chance.choice(list(places(value))) for _ in range(2))
    first, second = _get(one, a), _get(other, b)
    copies = json.loads(_dumped([first, second]))  # a value must not come to hold itself
    _set(one, a, copies[1])
    _set(other, b, copies[0])
    return _dumped(value)


def _foreign(maker: Maker) -> bytes:
    value = maker.value()
    here, there = list(places(value)), list(places(json.loads(maker.other())))
    _set(*maker.chance.choice(here), _get(*maker.chance.choice(there)))
    return _dumped(value)


def _dropped(maker: Maker) -> bytes:
    value = maker.value()
    container, key = maker.chance.choice(list(places(value)))
    del cast("dict[str | int, Json]", container)[key]
    return _dumped(value)


def _added(maker: Maker) -> bytes:
    """A key more in some object: unknown, repeated, very long, or with control characters."""
    data, chance = maker.true(), maker.chance
    at = chance.choice([found.start() for found in re.finditer(rb"\{", data)]) + 1
    key = chance.choice([*KEYS, b"x" * 9000, b"\\u0000\\nfalse line", "ключ".encode()])
    held = chance.choice([b"1", b"null", b'"' + b"y" * 9000 + b'"', b"[]", b"{}", b'"window"'])
    between = b"" if data[at : at + 1] == b"}" else b","
    return data[:at] + b'"' + key + b'":' + held + between + data[at:]


def _twice(maker: Maker) -> bytes:
    """A key once more in its object: nothing but its being doubled need be wrong."""
    value, chance = maker.value(), maker.chance
    found = [(one, key) for one, key in places(value) if isinstance(one, dict)]
    table, key = chance.choice(found)
    held = _get(table, key)
    if chance.random() < 0.5:
        held = _get(*chance.choice(list(places(value))))
    keys = [*table.items()]
    keys.insert(chance.randrange(len(keys) + 1), (MARK, json.loads(_dumped(held))))
    table.clear()
    table.update(keys)
    name = str(key)
    spelled = f"\\u{ord(name[0]):04x}{name[1:]}" if chance.random() < 0.2 else name
    return _dumped(value).replace(MARK.encode(), spelled.encode())


def _nested(maker: Maker) -> bytes:
    depth = maker.chance.choice([2, 50, 150, 199, 200, 201, 1000, 50_000])
    left, right = maker.chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inner = left * depth + b"1" + right * maker.chance.choice([depth, 0])
    data = maker.true()
    found = maker.chance.choice(list(NUMBER.finditer(data)))
    return data[: found.start()] + inner + data[found.end() :]


def _version(maker: Maker) -> bytes:
    value, chance = maker.value(), maker.chance
    version: Json = chance.choice([0, 2, 3, -1, 2**31, 10**300, 10**4200, 1.0, True, "1", None])
    value["schema_version"] = version
    if chance.random() < 0.3:
        value["kind"] = chance.choice([*KINDS, "", "Window", 3])
    if chance.random() < 0.3:
        value["unheard_of"] = version
    return _dumped(value)


def _cell(maker: Maker) -> bytes:
    """A number of a cell moved, or a span turned round; of other messages, any number."""
    value, chance = maker.value(), maker.chance
    found = [(one, key) for one, key in places(value) if type(_get(one, key)) is int]
    for container, key in chance.sample(found, min(len(found), chance.randint(1, 2))):
        moved = cast("int", _get(container, key))
        near = [moved - 1, moved + 1, -moved, 0, 4, 5, 9, 10, 10**6, 10**6 + 1, moved * 1000]
        _set(container, key, chance.choice(near))
    spans = [one for one, key in places(value) if key == "start"]
    if spans and chance.random() < 0.5:
        span = cast("Table", chance.choice(spans))
        turned = (span["end"], span["start"], "2026-11-02T01:00:00Z", "2026-11-09T00:00:00Z")
        ends: tuple[Json, ...] = turned if chance.random() < 0.7 else ENDS
        span["start"], span["end"] = chance.choice(ends), chance.choice(ends)
    return _dumped(value)


def _seal(maker: Maker) -> bytes:
    chance, text = maker.chance, maker.true()
    whole = zlib.compress(text, chance.choice([0, 1, 9]))
    at = chance.randrange(2, len(whole))
    damaged = bytearray(whole)
    damaged[at] ^= 1 << chance.randrange(8)
    dictionary = zlib.compressobj(zdict=b"window")
    whole_zip = zlib.compressobj(wbits=chance.choice([-15, 31]))
    return chance.choice(
        [
            *(whole, whole + bytes(9), bytes(damaged), whole[:at], whole[:-4] + b"\0\0\0\0"),
            *(whole + b"x", whole + bytes(900) + b"{", whole + whole, bytes(1) + whole, BOMB),
            *(BOMB[:500], zlib.compress(whole), zlib.compress(b""), b"\x78", b"\x78\xda"),
            b"\x78" + chance.randbytes(40),
            dictionary.compress(text) + dictionary.flush(),
            whole_zip.compress(text) + whole_zip.flush(),
            zlib.compress(text.ljust((1 << 18) + chance.choice([-1, 0, 1]))),
            text.ljust((1 << 18) + chance.choice([0, 1])),
        ]
    )


MAKERS: tuple[tuple[str, Make], ...] = (
    ("true", Maker.true),
    ("grammar", lambda maker: _dumped(maker.drawn())),
    ("flipped", _flipped),
    ("cut", _cut),
    ("doubled", _doubled),
    ("spliced", _spliced),
    ("numbers", lambda maker: _replaced(NUMBER, NUMBERS, maker)),
    ("texts", lambda maker: _replaced(TEXT, TEXTS, maker)),
    ("swapped", _swapped),
    ("foreign", _foreign),
    ("dropped", _dropped),
    ("added", _added),
    ("twice", _twice),
    ("nested", _nested),
    ("version", _version),
    ("cell", _cell),
    ("seal", _seal),
)
