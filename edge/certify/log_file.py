"""A stopwatch log as a table, and its erasure.

Header `arrived,greeted,served,left`; a row a party. A cell is one of, the same all through:

| form | example |
|---|---|
| seconds of the record | `754.2` |
| time of day, in the store's zone | `14:03:09` |
| date and time, in the store's zone | `2027-03-01 14:03:09` |
| date and time with a zone of its own | `2027-03-01T14:03:09+08:00` |

`greeted` and `served` may be empty. Nothing else is taken: a further column could be a name.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.certify.values import Logged
from edge.errors import EdgeError, InputFileError, UsageError

HEADER = "arrived,greeted,served,left"
COLUMNS = tuple(HEADER.split(","))
MOST_ROWS = 2000
MOST_BYTES = 1_000_000
EARLY = timedelta(minutes=10)  # an observer's clock may be behind the device's
DAY = timedelta(days=1)
BLOCK_BYTES = 65_536
SECONDS = re.compile(r"\d{1,8}(\.\d+)?", re.ASCII)
CLOCK = re.compile(r"\d{1,2}:\d{2}:\d{2}(\.\d+)?", re.ASCII)
DATED = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}.*", re.ASCII)
EXPECTED = "expected seconds, HH:MM:SS or YYYY-MM-DD HH:MM:SS"


class Form(StrEnum):
    """How a log writes times."""

    SECONDS = "seconds"
    CLOCK = "a time of day"
    DATED = "a date and time"


@dataclass(slots=True)
class _Reader:
    """Turns cells into seconds since `start`, and holds the file to one form."""

    path: Path
    start: datetime
    zone: ZoneInfo
    form: Form | None = None

    def seconds(self, line: int, column: str, text: str) -> float:
        """A cell in seconds after the start."""
        form = _form(text)
        if form is None:
            raise self.wrong(line, f"{column}: {EXPECTED}, found {text[:40]!r}")
        if self.form not in (None, form):
            raise self.wrong(line, f"{column}: expected {self.form} as above, found {text[:40]!r}")
        self.form = form
        try:
            return self._since_start(form, text)
        except (ValueError, OverflowError):
            raise self.wrong(line, f"{column}: {EXPECTED}, found {text[:40]!r}") from None

    def _since_start(self, form: Form, text: str) -> float:
        if form is Form.SECONDS:
            return float(text)
        if form is Form.DATED:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=self.zone)
            return (at.astimezone(UTC) - self.start).total_seconds()
        day = self.start.astimezone(self.zone).date()
        of_day = time.fromisoformat(f"0{text}" if text[1] == ":" else text)
        at = datetime.combine(day, of_day, self.zone).astimezone(UTC)
        if at < self.start - EARLY:
            at = datetime.combine(day + DAY, of_day, self.zone).astimezone(UTC)
        return (at - self.start).total_seconds()

    def wrong(self, line: int, message: str) -> InputFileError:
        return InputFileError(self.path, line, message)


def read_log(path: Path, start: datetime, zone: ZoneInfo) -> list[Logged]:
    """The rows of a stopwatch log, in seconds after `start`.

    Args:
        path: the table.
        start: the instant of the record's first frame.
        zone: the store's, for times without a zone of their own.

    Raises:
        InputFileError: it cannot be read, or a line is wrong; says which.
    """
    reader = _Reader(path, start.astimezone(UTC), zone)
    lines = _text(path).splitlines()
    if not lines or lines[0].replace(" ", "") != HEADER:
        found = repr(lines[0][:80]) if lines else "an empty file"
        raise reader.wrong(1, f"expected the header {HEADER} and no other column, found {found}")
    rows: list[Logged] = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            rows.append(_row(reader, number, line))
        if len(rows) > MOST_ROWS:
            raise reader.wrong(number, f"expected at most {MOST_ROWS} rows, found more")
    return rows


def _row(reader: _Reader, line: int, text: str) -> Logged:
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) != len(COLUMNS):
        raise reader.wrong(line, f"expected {HEADER}, found {len(cells)} columns")
    times: list[float | None] = []
    for column, cell in zip(COLUMNS, cells, strict=True):
        if not cell and column in ("arrived", "left"):
            raise reader.wrong(line, f"{column}: expected a time, found nothing")
        times.append(reader.seconds(line, column, cell) if cell else None)
    _check_order(reader, line, cells, times)
    arrived_s, greeted_s, served_s, left_s = times
    if arrived_s is None or left_s is None:
        raise reader.wrong(line, "expected arrived and left, found nothing")
    return Logged(arrived_s, greeted_s, served_s, left_s)


def _check_order(reader: _Reader, line: int, cells: list[str], times: list[float | None]) -> None:
    """Refuse moments that go back in time, and a stay of no length."""
    before, before_s = 0, times[0] or 0.0
    for index, at_s in enumerate(times):
        if at_s is None:
            continue
        late = at_s > before_s if COLUMNS[index] == "left" and not before else at_s >= before_s
        if index and not late:
            raise reader.wrong(
                line,
                f"{COLUMNS[index]}: expected a time after {COLUMNS[before]} {cells[before]}, "
                f"found {cells[index]}",
            )
        before, before_s = index, at_s


def _form(text: str) -> Form | None:
    patterns = ((SECONDS, Form.SECONDS), (CLOCK, Form.CLOCK), (DATED, Form.DATED))
    return next((form for pattern, form in patterns if pattern.fullmatch(text)), None)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputFileError(path, 1, f"expected at most {MOST_BYTES} bytes, found more")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise InputFileError(path, 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputFileError(
            path, 1, f"expected text, found byte {error.object[error.start]:#x}"
        ) from None


def check_erasable(path: Path) -> None:
    """Refuse a log that could not be erased, before anything is made of it.

    Raises:
        UsageError: it is a link, has a second name, or may not be written or removed.
    """
    try:
        state = path.lstat()
    except OSError as error:
        raise InputFileError(path, 1, f"cannot be read: {error.strerror}") from None
    keep = "; --keep-log leaves the log as it is"
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        raise UsageError(f"{path}: expected a plain file with one name, to erase it{keep}")
    if not os.access(path, os.W_OK) or not os.access(path.resolve().parent, os.W_OK):
        raise UsageError(f"{path}: expected a file that may be erased, found it protected{keep}")


def erase(path: Path) -> None:
    """Overwrite a file with zeros, sync, and remove it.

    On flash, and on file systems that copy or keep a journal, old cells can survive this.

    Raises:
        EdgeError: it could not be done; the file may be there still.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            left = file.seek(0, os.SEEK_END)
            file.seek(0)
            while left > 0:
                left -= file.write(bytes(min(left, BLOCK_BYTES))) or 0
            os.fsync(file.fileno())
        path.unlink()
        sync(path.parent)
    except OSError as error:
        raise EdgeError(f"{path}: could not be erased: {error.strerror}") from None


def sync(path: Path) -> None:
    """Have a file or folder on the disk before going on.

    Raises:
        EdgeError: the disk refuses.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EdgeError(f"{path}: could not be written to the disk: {error.strerror}") from None
