"""While vision opens its source: what strangers send is parsed, and only reading is permitted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.jail.escapes import DONE, EVERYTHING
from tests.integration.jail.setting import START, Setting

SIZE_PX = (320, 240)
BY_LANDLOCK = {"open to read", "open a folder"}
PERMITTED = {  # what opening needs, and closing after it
    "stat",
    "size and times of a file by its path",
    "read a link",
    "dup",
    "ioctl",
    "name a thread",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of the attempts, and what the process said after them."""

    outcomes: dict[str, str]
    after: list[str]
    status: int
    stderr: str


def transport_stream(path: Path) -> bytes:
    """Three seconds of grey, as MPEG-TS."""
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 10.0, SIZE_PX
    )
    for index in range(30):
        writer.write(np.full((SIZE_PX[1], SIZE_PX[0], 3), 60 + index, np.uint8))
    writer.release()
    return path.read_bytes()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A process that is told nothing until it has tried everything, and then gets its stream."""
    folder = tmp_path_factory.mktemp("opening")
    stream = transport_stream(folder / "s.ts")
    for name in ("file", "spare"):
        (folder / name).write_bytes(bytes(4096))
    file_fd = os.open(folder / "file", os.O_RDWR)
    reader, writer = os.pipe()
    setting = Setting(
        "opening", answers_fd=writer, folder=str(folder), file_fd=file_fd, other_pid=os.getpid()
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    with subprocess.Popen(
        [sys.executable, *START, setting.text()],
        env=environment,
        pass_fds=setting.kept_fds,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writer)
        os.close(file_fd)
        outcomes = {}
        with os.fdopen(reader) as answers:
            for line in answers:
                if line == "tried\n":
                    break
                name, _, came = line.strip().rpartition(": ")
                outcomes[name] = came
            _, stderr = process.communicate(stream, timeout=60)
            after = answers.read().splitlines()
    return Opened(outcomes, after, process.returncode, stderr.decode())


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_can_read_and_nothing_else(opened: Opened, name: str) -> None:
    assert name in opened.outcomes, opened.stderr
    if name in PERMITTED:
        assert opened.outcomes[name] == DONE
    else:
        refused = errno.EACCES if name in BY_LANDLOCK else EVERYTHING[name].refused
        assert opened.outcomes[name] == errno.errorcode[refused]


def test_the_source_opens_all_the_same_and_closing_follows(opened: Opened) -> None:
    assert (opened.status, opened.stderr) == (0, "")
    line, frame = opened.after
    assert line.startswith("jail_closed policy=vision ")
    assert frame == f"frame {SIZE_PX}"
