"""Types, bounds and defaults of a site file's keys, as the reference page words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from firmware_cfg.wording import PATTERNS

if TYPE_CHECKING:
    from pydantic import JsonValue

    Schema = dict[str, JsonValue]

_NAMES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false"}


def type_in_words(schema: Schema) -> str:
    """Type of a key.

    >>> type_in_words({"type": "array", "items": {"type": "string"}})
    'array of text'
    """
    one = _given(schema)
    if "enum" in one:
        return ", ".join(f"`{toml_literal(value)[1:-1]}`" for value in _values(one, "enum"))
    if one.get("format") == "date":
        return "date"
    if one.get("type") == "object":
        return "table of arrays by weekday"
    if "prefixItems" in one:
        parts = _values(one, "prefixItems")
        return f"[{', '.join(type_in_words(cast('Schema', part)) for part in parts)}]"
    if one.get("type") == "array":
        return f"array of {type_in_words(cast('Schema', one['items']))}"
    return _NAMES[str(one["type"])]


def bounds_in_words(schema: Schema) -> str:
    """Bounds of a key, or nothing.

    >>> bounds_in_words({"type": "integer", "minimum": 5, "maximum": 1000})
    '5 … 1000'
    """
    one = _given(schema)
    if "prefixItems" in one:
        return bounds_in_words(cast("Schema", _values(one, "prefixItems")[0]))
    if one.get("type") == "array":
        lengths = _range(one, "minItems", "maxItems", " elements")
        inner = one["items"]
        parts = lengths, bounds_in_words(inner) if isinstance(inner, dict) else ""
        return "; ".join(part for part in parts if part)
    if "pattern" in one:
        return PATTERNS[str(one["pattern"])]
    lengths = _range(one, "minLength", "maxLength", " characters")
    return lengths or _range(one, "minimum", "maximum", "")


def toml_literal(value: object) -> str:
    """A default as it stands in TOML, between backquotes; `none` where there is none.

    >>> toml_literal(("11:00", 2.0, True)), toml_literal(None)
    ('`["11:00", 2, true]`', 'none')
    """
    return "none" if value is None else f"`{_bare(value)}`"


def _bare(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_bare, value))}]"
    return str(value)


def _given(schema: Schema) -> Schema:
    """`schema` itself, or its only alternative to null."""
    choices = [cast("Schema", one) for one in _values(schema, "anyOf")]
    return next((one for one in choices if one.get("type") != "null"), schema)


def _range(schema: Schema, least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if low == high:
        return f"{low}{unit}"
    if low is None:
        return f"≤ {high}{unit}"
    return f"≥ {low}{unit}" if high is None else f"{low} … {high}{unit}"


def _values(schema: Schema, key: str) -> list[JsonValue]:
    return cast("list[JsonValue]", schema.get(key, []))
