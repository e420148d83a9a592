"""Reading a site file: hardware profile's defaults, then what the file says, then the schema.

Every problem is reported at once, each at its line. The schema runs twice where it fails:
the second time without the values that it refused, so that checks between the keys of a
section are not hidden by a mistake in one of them.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from firmware_cfg.coherence import Found, incoherences
from firmware_cfg.errors import Problem, SiteFileError
from firmware_cfg.locate import key_lines, line_of
from firmware_cfg.profiles import with_profile_defaults
from firmware_cfg.site import Site
from firmware_cfg.wording import NESTED, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from firmware_cfg.locate import Path as KeyPath

MAX_BYTES = 1_000_000


def load_site(path: Path) -> Site:
    """Read and check a site file.

    Raises:
        SiteFileError: it cannot be used; carries every problem, in the order of its lines.
    """
    return parse_site(_read(Path(path)), str(path))


def parse_site(text: str, file: str = "site.toml") -> Site:
    """Read and check the text of a site file; `file` is its name in messages.

    Raises:
        SiteFileError: it cannot be used; carries every problem, in the order of its lines.
    """
    try:
        raw: dict[str, object] = tomllib.loads(text)
        site, mistakes = _validated(with_profile_defaults(raw))
    except RecursionError:
        raise SiteFileError((Problem(file, 1, "", NESTED),)) from None
    except ValueError as error:  # the parser's, or a number of thousands of digits
        raise SiteFileError((_syntax_problem(str(error), text, file),)) from None
    mistakes = list(dict.fromkeys([*mistakes, *incoherences(raw)]))
    if site is not None and not mistakes:
        return site
    lines = key_lines(text)
    found = [
        Problem(file, line_of(lines, path), shown_path(path), message) for path, message in mistakes
    ]
    raise SiteFileError(tuple(sorted(found, key=lambda problem: (problem.line, problem.key))))


def shown_path(path: KeyPath) -> str:
    """A path as it is written in messages, indices from 0.

    >>> shown_path(("queue", 1, "zone_px", 3))
    'queue[1].zone_px[3]'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise SiteFileError((Problem(str(path), 1, "", "expected a file, found a folder"),))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        found = error.strerror or type(error).__name__
        message = f"expected a file that can be read, found: {found}"
        raise SiteFileError((Problem(str(path), 1, "", message),)) from None
    if len(data) > MAX_BYTES:
        message = f"expected at most {MAX_BYTES} bytes, found more"
        raise SiteFileError((Problem(str(path), 1, "", message),))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"expected UTF-8, found byte 0x{data[error.start]:02x}"
        raise SiteFileError((Problem(str(path), line, "", message),)) from None


def _syntax_problem(error: str, text: str, file: str) -> Problem:
    """The parser's complaint, with its line taken out of its words."""
    place = re.search(r" ?\(at line (\d+), column (\d+)\)$", error)
    last = max(1, len(text.splitlines()))
    line = int(place[1]) if place else last
    words = re.sub(r" ?\(at .*\)$", "", error)
    where = f" (column {place[2]})" if place else ""
    return Problem(file, min(line, last), "", f"expected TOML, found: {words}{where}")


def _validated(raw: dict[str, object]) -> tuple[Site | None, list[Found]]:
    """The site, or what the schema has against it."""
    # JSON in between: strict about types, yet arrays may become tuples and texts dates
    try:
        return Site.model_validate_json(json.dumps(raw, default=str), strict=True), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    mistakes = [_found(detail, raw) for detail in details if not _miscounted(detail)]
    removed = {_key_at(detail["loc"]) for detail in details} - {()}
    rest = copy.deepcopy(raw)
    for path in removed:
        _remove(rest, path)
    try:
        Site.model_validate_json(json.dumps(rest, default=str), strict=True)
    except ValidationError as error:
        mistakes += _second_look(error.errors(include_url=False), rest, removed)
    return None, mistakes


def _second_look(
    details: list[ErrorDetails], rest: dict[str, object], removed: set[KeyPath]
) -> Iterator[Found]:
    """Mistakes that only show once `removed` is gone, and that are not about what is gone."""
    gone = {path[-1] for path in removed}
    for detail in details:
        found = _found(detail, rest)
        words = set(re.findall(r"\w+", found.message))
        if not _miscounted(detail) and found.path not in removed and not words & gone:
            yield found


def _found(detail: ErrorDetails, raw: dict[str, object]) -> Found:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    words = explain(detail, path)
    # a check between keys names the key that it is about as its type
    if "text" in detail.get("ctx", {}) and isinstance(_value_at(raw, path), dict):
        path = (*path, detail["type"])
    return Found(path, words)


def _miscounted(detail: ErrorDetails) -> bool:
    """Whether an array seems too short only because its elements have mistakes themselves."""
    least = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and len(detail["input"]) >= least


def _key_at(loc: KeyPath) -> KeyPath:
    """Path of the innermost key around `loc`; a table of an array is whole."""
    path = tuple(part for part in loc if part != "[key]")
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _value_at(raw: object, path: KeyPath) -> object:
    for part in path:
        if isinstance(raw, dict) and isinstance(part, str):
            raw = raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            raw = raw[part]
        else:
            return None
    return raw


def _remove(raw: dict[str, object], path: KeyPath) -> None:
    parent = _value_at(raw, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
