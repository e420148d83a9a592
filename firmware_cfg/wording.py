"""Schema errors in plain words: what was expected, and what was found."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from firmware_cfg.section import Section
from firmware_cfg.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from firmware_cfg.locate import Path

NESTED = "expected arrays and tables that are nested less deeply"
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of ordinary size",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "tuple_type": "an array [ … ]",
    "dict_type": "a table",
    "model_type": "a table",
    "date_type": "a date such as 2027-01-01",
    "date_parsing": "a date such as 2027-01-01",
    "date_from_datetime_inexact": "a date such as 2027-01-01",
    "date_from_datetime_parsing": "a date such as 2027-01-01",
}
_BOUNDS = {
    "greater_than_equal": "a number ≥ {ge:g}",
    "less_than_equal": "a number ≤ {le:g}",
    "too_short": "{min_length} elements or more",
    "too_long": "{max_length} elements or fewer",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}
PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$": (
        "1 to 63 letters, digits, - _ and ., beginning with a letter or digit"
    ),
    r"^[a-z0-9][a-z0-9-]{0,62}$": "1 to 63 of a–z, 0–9 and -, beginning with a letter or digit",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day such as 04:00",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
}


def explain(error: ErrorDetails, path: Path) -> str:
    """One schema error as `expected …, found …`; `path` is where it stands."""
    kind, context = error["type"], error.get("ctx", {})
    found = shown_value(error["input"])
    if "text" in context or kind == "json_invalid":
        return str(context.get("text", NESTED))
    if kind == "missing":
        return _missing(path)
    if kind == "extra_forbidden":
        return f"unknown key{_suggestion(path)}"
    if error["loc"][-1] == "[key]":
        near = get_close_matches(str(path[-1]), _words(context), 1)
        hint = f"; did you mean {near[0]}?" if near else f"; expected {context.get('expected')}"
        return f"unknown key{hint}"
    if kind in ("tuple_type", "model_type", "dict_type") and len(path) == 1:
        return f"expected {_header(path[0])}, found {found}"
    return f"expected {_expected(kind, context)}, found {found}"


def _expected(kind: str, context: Mapping[str, object]) -> str:
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map(context)
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), f"a text of the form {context['pattern']}")
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    return _KINDS.get(kind, f"another value ({kind})")


def _missing(path: Path) -> str:
    if isinstance(path[-1], int):
        return f"expected {path[-1] + 1} elements, found fewer"
    if len(path) > 1:
        return "missing: expected this key here"
    many = path[0] in _arrays()
    return f"missing: expected {'one or several tables' if many else 'a table'} {_header(path[0])}"


def _header(name: str | int) -> str:
    return f"[[{name}]]" if name in _arrays() else f"[{name}]"


def _arrays() -> set[str]:
    """Sections that stand in a site file as arrays of tables."""
    fields = Site.model_fields.items()
    return {name for name, field in fields if Ellipsis in get_args(field.annotation)}


def _words(context: Mapping[str, object]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def _suggestion(path: Path) -> str:
    """What the author of an unknown key may have meant."""
    name = str(path[-1])
    section = section_at(path[:-1])
    near = get_close_matches(name, section.model_fields if section else (), 1)
    if near:
        return f"; did you mean {near[0]}?"
    homes = [
        home
        for home, field in Site.model_fields.items()
        if (inner := section_in(field.annotation)) and name in inner.model_fields
    ]
    return f"; it belongs in {' or '.join(map(_header, homes))}" if homes else ""


def section_at(path: Path) -> type[Section] | None:
    """Schema of the table at `path`, if the schema knows one there."""
    section: type[Section] | None = Site
    for part in path:
        if isinstance(part, str):
            field = section.model_fields.get(part) if section else None
            section = section_in(field.annotation) if field else None
    return section


def section_in(annotation: object) -> type[Section] | None:
    """The section that a field's type holds, alone, optionally or in an array."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (section_in(argument) for argument in get_args(annotation))
    return next((section for section in inner if section), None)


def shown_value(value: object) -> str:
    """A value as it stands in TOML, shortened.

    >>> shown_value("a"), shown_value(True), shown_value([1, 2]), shown_value({})
    ('"a"', 'true', 'an array of 2', 'a table')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}…"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}" if value else "an empty array"
    return str(value)[:60]
