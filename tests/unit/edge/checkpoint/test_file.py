"""The file tells its size and its time, and those are always the same."""

import os
import zlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from edge.checkpoint.file import BASE_BYTES, HEAD, POINT_BYTES, Checkpoint
from edge.testing import a_visit
from edge.visits.values import PointId
from edge.windows.calendar import Period, StoreCalendar
from edge.windows.coverage import Seen
from edge.windows.join import Joiner
from edge.windows.keeper import Unfinished
from edge.windows.kept import Standing, to_bytes
from edge.windows.tally import Tally
from edge.windows.week import OpenWeeks
from firmware_cfg.messages import Level
from firmware_cfg.store import Store

KEY = bytes(range(32))
POINTS = 2
CHECKPOINT_BYTES = BASE_BYTES + POINTS * POINT_BYTES
BOUND = b"device, geometry, expectations, window"


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def checkpoint(tmp_path: Path, clock: Seconds) -> Checkpoint:
    return Checkpoint(tmp_path, KEY, clock, POINTS)


def test_it_is_read_again_with_its_age(checkpoint: Checkpoint, clock: Seconds) -> None:
    checkpoint.keep(7, BOUND, b"tallies")
    clock.now_s += 12.5
    assert checkpoint.find(7, BOUND) == (b"tallies", 12.5)


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(60_000), os.urandom(100_000)])
def test_its_size_tells_nothing(tmp_path: Path, checkpoint: Checkpoint, content: bytes) -> None:
    checkpoint.keep(0, BOUND, content)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [CHECKPOINT_BYTES]
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_its_bytes_tell_nothing(checkpoint: Checkpoint) -> None:
    files = []
    for content in (b"", b"", b"a" * 10_000):
        checkpoint.keep(0, BOUND, content)
        files.append(checkpoint.path(0).read_bytes())
    assert files[0] != files[1]
    for one in files:
        assert one.startswith(HEAD)
        assert len(zlib.compress(one[len(HEAD) :])) > CHECKPOINT_BYTES - len(HEAD)


def test_what_does_not_fit_is_not_kept_and_told_once(
    checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint.keep(0, BOUND, b"tallies")
    for _ in range(3):
        checkpoint.keep(0, BOUND, os.urandom(CHECKPOINT_BYTES))
        assert checkpoint.find(0, BOUND) is None
    checkpoint.keep(0, BOUND, b"tallies")
    assert checkpoint.find(0, BOUND) is not None
    checkpoint.keep(0, BOUND, os.urandom(CHECKPOINT_BYTES))
    assert [one.message.split()[0] for one in caplog.records] == ["checkpoint_too_large"]


def a_busy_week_after_a_thin_one() -> bytes:
    """Two points, 9 to 18 h, 900 s windows: 600 visits a day, which wait for the week's end."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    store = Store(opening=dict.fromkeys(days, ("09:00-18:00",)), day_starts="00:00")
    calendar, random = StoreCalendar(store, 900), Random(1)  # noqa: S311 -- repeatable
    monday = datetime(2027, 3, 1, tzinfo=UTC)
    first = list(calendar.windows(Period(monday, monday + timedelta(days=14))))
    opened = [one for one in first if 9 <= one.start.hour < 18]
    units = {}
    for point in ("counter-1", "queue-1"):
        joiner = Joiner(10, Level.QUARTER_HOUR)
        for number, (window, following) in enumerate(pairwise(opened)):
            visits = 8 if number >= len(opened) // 2 else int(number == 0)
            tally = sum((some_visit(random) for _ in range(visits)), Tally())
            joiner.take(window, tally, calendar.path(window), calendar.path(following))
        units[PointId(point)] = joiner.open_units()
    assert sum(len(unit.cells) for of in units.values() for unit in of) > 200
    windows = Unfinished(None, {}, Seen(None, None, ()))
    return to_bytes(Standing(opened[-1].end, windows, units, OpenWeeks()))


def some_visit(random: Random) -> Tally:
    served = random.random() < 0.7
    return Tally.of_visit(
        a_visit(
            0.0,
            stay_s=round(random.uniform(45, 400), 3),
            greeted_after_s=round(random.uniform(1, 40), 3) if served else None,
            served_after_s=round(random.uniform(20, 240), 3) if served else None,
            flawless=served and random.random() < 0.6,
        )
    )


def test_a_busy_week_after_a_thin_one_fits(
    checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    content = a_busy_week_after_a_thin_one()
    assert len(zlib.compress(content)) > 16_384
    checkpoint.keep(0, BOUND, content)
    found = checkpoint.find(0, BOUND)
    assert found is not None
    assert found[0] == content
    assert caplog.records == []


@pytest.mark.parametrize(
    ("generation", "bound", "key"),
    [(9, BOUND, KEY), (8, BOUND, KEY), (7, BOUND + b".", KEY), (7, BOUND, KEY[::-1])],
    ids=["later", "other file", "other terms", "other key: the power was cut"],
)
def test_nothing_else_reads_it(
    tmp_path: Path, clock: Seconds, generation: int, bound: bytes, key: bytes
) -> None:
    Checkpoint(tmp_path, KEY, clock, POINTS).keep(7, BOUND, b"tallies")
    assert Checkpoint(tmp_path, key, clock, POINTS).find(generation, bound) is None


@pytest.mark.parametrize("at", [0, 7, 8, 25, 3000, CHECKPOINT_BYTES - 1])
def test_a_changed_byte_is_noticed(checkpoint: Checkpoint, at: int) -> None:
    checkpoint.keep(7, BOUND, b"tallies")
    whole = bytearray(checkpoint.path(7).read_bytes())
    whole[at] ^= 1
    checkpoint.path(7).write_bytes(whole)
    assert checkpoint.find(7, BOUND) is None


def test_a_file_cut_short_or_none_is_nothing(checkpoint: Checkpoint) -> None:
    assert checkpoint.find(7, BOUND) is None
    checkpoint.keep(7, BOUND, b"tallies")
    checkpoint.path(7).write_bytes(checkpoint.path(7).read_bytes()[:-1])
    assert checkpoint.find(7, BOUND) is None


def test_the_files_take_turns_and_there_are_two(tmp_path: Path, checkpoint: Checkpoint) -> None:
    for generation in range(9):
        checkpoint.keep(generation, BOUND, str(generation).encode())
        if generation:
            found = checkpoint.find(generation - 1, BOUND)
            assert found is not None
            assert found[0] == str(generation - 1).encode()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_of_an_earlier_power_on_is_not_from_the_future(
    checkpoint: Checkpoint, clock: Seconds
) -> None:
    checkpoint.keep(7, BOUND, b"tallies")
    clock.now_s = 3.0
    assert checkpoint.find(7, BOUND) is None


def test_a_folder_that_is_gone_is_told_once(
    tmp_path: Path, clock: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Checkpoint(tmp_path / "gone", KEY, clock, POINTS)
    lost.keep(0, BOUND, b"tallies")
    lost.keep(0, BOUND, b"tallies")
    assert [record.message.split()[0] for record in caplog.records] == ["checkpoint_failed"]
