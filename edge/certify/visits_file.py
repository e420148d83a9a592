"""The device's visits as `run` and `replay` write them: one JSON object a line."""

from __future__ import annotations

import json
import math
from pathlib import Path

from edge.certify.values import Counter, Timed
from edge.errors import InputFileError
from edge.visits.values import Outcome

MOMENTS = ("arrived_s", "greeted_s", "service_started_s", "departed_s")


def read_visits(path: Path, counter: Counter) -> list[Timed]:
    """The visits of one service point.

    Raises:
        InputFileError: it cannot be read, or a line is no visit; says which.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputFileError(path, 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputFileError(path, 1, "expected text in UTF-8, found other bytes") from None
    visits: list[Timed] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            visit = _Line(path, number, line).visit(counter)
            visits += [visit] if visit else []
    return visits


class _Line:
    """One line, read field by field."""

    def __init__(self, path: Path, number: int, text: str) -> None:
        self._path = path
        self._number = number
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise self._wrong(f"expected a visit as a JSON object, found {text[:60]!r}")
        self._row: dict[str, object] = row

    def visit(self, counter: Counter) -> Timed | None:
        """The visit; None if it is another counter's."""
        own = counter.owns(self._name("service_point"), self._name("queue"))
        arrived_s, greeted_s, served_s, departed_s = (self._seconds(key) for key in MOMENTS)
        if arrived_s is None:
            raise self._wrong("arrived_s: expected seconds, found null")
        if departed_s is not None and departed_s < arrived_s:
            raise self._wrong(f"departed_s: expected at least {arrived_s:g}, found {departed_s:g}")
        censored, outcome = self._censored(), self._outcome()
        if own is None:
            return None
        return Timed(arrived_s, greeted_s, served_s, departed_s, censored, outcome, own)

    def _field(self, key: str) -> object:
        if key not in self._row:
            raise self._wrong(f"expected the field {key}, found none")
        return self._row[key]

    def _name(self, key: str) -> str | None:
        value = self._field(key)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(f"{key}: expected a name or null, found {value!r:.40}")

    def _seconds(self, key: str) -> float | None:
        value = self._field(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(f"{key}: expected seconds or null, found {value!r:.40}")
        if not math.isfinite(value):
            raise self._wrong(f"{key}: expected seconds or null, found {value}")
        return float(value)

    def _censored(self) -> bool:
        value = self._field("left_censored")
        if not isinstance(value, bool):
            raise self._wrong(f"left_censored: expected true or false, found {value!r:.40}")
        return value

    def _outcome(self) -> Outcome:
        value = self._field("outcome")
        try:
            return Outcome(str(value))
        except ValueError:
            outcomes = ", ".join(Outcome)
            raise self._wrong(f"outcome: expected one of {outcomes}, found {value!r:.40}") from None

    def _wrong(self, message: str) -> InputFileError:
        return InputFileError(self._path, self._number, message)
