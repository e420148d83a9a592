"""Messages drawn from their published JSON Schemas: most just inside, some just outside.

The schemas are read from `docs/schema/`, as another implementation would read them. A window
drawn at random is hardly ever coherent, so half of them are made so afterwards.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import TypeAlias, cast

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"
Table: TypeAlias = dict[str, Json]

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
KINDS = ("window", "health", "state", "reported", "ack", "desired")
OUTCOMES = ("served", "greeted_only", "abandoned", "passed", "still_present")
WILD = 0.004  # of the values: of another type, or one beyond a bound
MOST_ITEMS = 3
_MARKED = re.compile(r"\[([^\]]+)\](?:\{(\d+)(?:,(\d+))?\})?")


def schema_of(kind: str) -> Table:
    """The published schema of a kind of message."""
    return cast("Table", json.loads((SCHEMAS / f"{kind}.schema.json").read_text("utf-8")))


class Grammar:
    """Draws messages of one kind.

    Args:
        kind: as `KINDS`.
        chance: where chance comes from.
    """

    def __init__(self, kind: str, chance: Random) -> None:
        self._schema = schema_of(kind)
        self._definitions = _table(self._schema.get("$defs", {}))
        self._chance = chance

    def draw(self) -> Json:
        """A message, nearly of the schema."""
        value = self._value(self._schema)
        if self._chance.random() < 0.7:
            cohere(value, self._chance)
        return value

    def _value(self, node: Table) -> Json:
        chance = self._chance
        if chance.random() < WILD:
            return chance.choice([None, True, "", -1, 0, 2**63, 1e300, [], {}, "x" * 200])
        if "$ref" in node:
            return self._value(_table(self._definitions[str(node["$ref"]).rpartition("/")[2]]))
        if "anyOf" in node:
            return self._value(_table(chance.choice(_list(node["anyOf"]))))
        if "const" in node or "enum" in node:
            return chance.choice(_list(node.get("enum", [node.get("const")])))
        return self._of_type(str(node["type"]), node)

    def _of_type(self, kind: str, node: Table) -> Json:
        chance = self._chance
        match kind:
            case "object":
                return self._object(node) if "properties" in node else self._dictionary(node)
            case "array":
                return self._array(node)
            case "string":
                return a_text(str(node.get("pattern", "^[ -~]{0,20}$")), chance)
            case "integer" | "number":
                return self._number(node, whole=kind == "integer")
            case "boolean":
                return chance.random() < 0.5
            case _:
                return None

    def _object(self, node: Table) -> Table:
        made: Table = {}
        for name, inner in _table(node["properties"]).items():
            if "default" in _table(inner) and self._chance.random() < 0.02:
                continue
            made[name] = self._value(_table(inner))
        return made

    def _dictionary(self, node: Table) -> Table:
        names = _table(_list(_table(node["propertyNames"])["allOf"])[0])
        keys = [a_text(str(names["pattern"]), self._chance) for _ in range(MOST_ITEMS)]
        return {key: self._value(_table(node["additionalProperties"])) for key in keys}

    def _array(self, node: Table) -> list[Json]:
        if "prefixItems" in node:
            return [self._value(_table(one)) for one in _list(node["prefixItems"])]
        most = min(int(cast("int", node.get("maxItems", MOST_ITEMS))), MOST_ITEMS)
        count = self._chance.randint(0, most)
        return [self._value(_table(node["items"])) for _ in range(count)]

    def _number(self, node: Table, *, whole: bool) -> Json:
        least = int(cast("int", node.get("minimum", -(10**6))))
        most = int(cast("int", node.get("maximum", 10**6)))
        step = int(cast("int", node.get("multipleOf", 1)))
        value = self._chance.choice(
            [least, least + step, most, most - step, least + step * self._chance.randint(0, 9)]
        )
        if self._chance.random() < WILD:
            value = self._chance.choice([least - 1, most + 1, value + 1])
        return value if whole else value + self._chance.choice([0.0, 0.25, 0.1])


def a_text(pattern: str, chance: Random) -> str:
    """A text of a pattern: sets of characters with counts, or the few that are known here."""
    if "T[0-9]{2}:" in pattern:
        return an_instant(chance)
    if "800" in pattern:
        return str(chance.choice([0, 1, 9, 10, 99, 100, 799, 800, -1, -9, -10, -199, -200]))
    if pattern == "^ *$":
        return " " * chance.randint(0, 3)
    if pattern.startswith("^[^"):
        return chance.choice(["", "m", "nanodet-288x512", "门店", "x" * 80, "Asia/Shanghai"])
    made = ""
    for letters, low, high in _MARKED.findall(pattern):
        count = chance.randint(int(low or 1), min(int(high or low or 1), 128))
        made += "".join(chance.choices(_letters(letters), k=count))
    return made


def an_instant(chance: Random) -> str:
    """An instant of one of two days, or of the calendar's ends."""
    if chance.random() < 0.02:
        return chance.choice(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    return (
        f"2026-11-{chance.randint(2, 3):02}T{chance.randint(0, 23):02}:{chance.choice('0134')}5:00Z"
    )


def cohere(value: Json, chance: Random) -> None:
    """Put spans in order and make cells add up, in place, wherever there is enough to do so."""
    if isinstance(value, list):
        for one in value:
            cohere(one, chance)
    if not isinstance(value, dict):
        return
    start, end = value.get("start"), value.get("end")
    if isinstance(start, str) and isinstance(end, str):
        value["start"], value["end"] = min(start, end), max(start, end)
    if "outcomes" in value and "visits" in value:
        _cohere_cell(value, chance)
    for one in value.values():
        cohere(one, chance)


def _cohere_cell(cell: Table, chance: Random) -> None:
    k = chance.choice([5, 6, 10, 1000])
    counts = [chance.choice([0, 1, k, 2000]) for _ in OUTCOMES[1:]]
    cell["k"] = k
    cell["outcomes"] = dict(zip(OUTCOMES, [k, *counts], strict=True))
    cell["visits"] = k + sum(counts)
    if cell.get("kind") == "store":
        cell["level"], cell["staff"] = "week", None
        cell["week"] = {"flawless": {"yes": k, "no": k + chance.choice([0, 1])}}
    else:
        cell["week"] = None


def _letters(inside: str) -> str:
    """Characters of a set such as `a-z0-9_.`."""
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), inside)


def _table(value: Json) -> Table:
    assert isinstance(value, dict)
    return value


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
