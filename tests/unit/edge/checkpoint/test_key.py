"""The key is in memory alone, and of this user alone."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.checkpoint.key import (
    KEY_BYTES,
    KEY_FILE,
    RAMFS,
    TMPFS,
    CheckpointKeyError,
    file_system,
    key_from_pipe,
    key_in,
)


@pytest.fixture
def in_memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


def given(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_a_key_comes_down_a_pipe() -> None:
    key = os.urandom(KEY_BYTES)
    reading = given(key)
    assert key_from_pipe(reading) == key
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


@pytest.mark.parametrize("length", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_pipe_with_anything_else_gives_none(length: int) -> None:
    with pytest.raises(CheckpointKeyError, match=f"expected {KEY_BYTES} bytes"):
        key_from_pipe(given(b"k" * length))


def test_the_first_process_draws_the_key_and_the_next_finds_it(in_memory: Path) -> None:
    key = key_in(in_memory)
    assert len(key) == KEY_BYTES
    assert key_in(in_memory) == key
    assert (in_memory / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_on_a_disk_is_refused(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    kind = file_system(descriptor)
    os.close(descriptor)
    if kind in {TMPFS, RAMFS}:
        pytest.skip("the folder for temporary files is in memory")
    with pytest.raises(CheckpointKeyError, match="expected a file system in memory"):
        key_in(tmp_path)


def test_a_key_that_others_can_read_is_refused(in_memory: Path) -> None:
    key_in(in_memory)
    (in_memory / KEY_FILE).chmod(0o640)
    with pytest.raises(CheckpointKeyError, match="expected mode 0600, found 0640"):
        key_in(in_memory)


def test_a_link_is_not_followed(in_memory: Path) -> None:
    (in_memory / "elsewhere").write_bytes(b"k" * KEY_BYTES)
    (in_memory / KEY_FILE).symlink_to("elsewhere")
    with pytest.raises(CheckpointKeyError, match="cannot be opened"):
        key_in(in_memory)


def test_half_a_key_is_refused(in_memory: Path) -> None:
    path = in_memory / KEY_FILE
    path.touch(mode=0o600)
    path.write_bytes(b"k" * 5)
    with pytest.raises(CheckpointKeyError, match="found 5"):
        key_in(in_memory)
