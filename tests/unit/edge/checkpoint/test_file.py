"""The file tells its size and its time, and those are always the same."""

import os
import zlib
from pathlib import Path

import pytest

from edge.checkpoint.file import BASE_BYTES, HEAD, POINT_BYTES, Checkpoint

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


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(12_000), os.urandom(100_000)])
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


def test_what_does_not_fit_is_not_kept(checkpoint: Checkpoint) -> None:
    checkpoint.keep(0, BOUND, b"tallies")
    checkpoint.keep(0, BOUND, os.urandom(CHECKPOINT_BYTES))
    assert checkpoint.find(0, BOUND) is None


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
