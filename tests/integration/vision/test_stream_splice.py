"""A stream that another goes on in, as when the relay is started anew: the jail's side of it.

The pictures are a real camera's H.264, in the transport stream that the relay writes.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from itertools import count, pairwise
from typing import TYPE_CHECKING

import cv2
import pytest

from edge.relay.mpegts import TransportStream
from edge.relay.rtp import AccessUnit
from vision.errors import CameraLostError
from vision.sources.stream import PATIENCE_US, PipedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TICKS_HZ = 90_000
FRAME_TICKS = TICKS_HZ // 10
STEP_US = 100_000
FRAMES = 160


@pytest.fixture(scope="module")
def units(one_by_one: Path) -> list[AccessUnit]:
    """The first frames of the sample, coded as they are."""
    video = cv2.VideoCapture(str(one_by_one), cv2.CAP_FFMPEG)
    assert video.set(cv2.CAP_PROP_FORMAT, -1)  # packets, not pictures
    found = []
    for _ in range(FRAMES):
        done, packet = video.read()
        assert done
        ticks = round(video.get(cv2.CAP_PROP_PTS)) * FRAME_TICKS
        key = video.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
        found.append(AccessUnit(packet.tobytes(), ticks, key))
    return found


def coded(units: list[AccessUnit], later_ticks: int = 0) -> bytes:
    """What a relay writes of `units` from its start on."""
    stream = TransportStream("H264")
    later = (AccessUnit(unit.data, unit.ticks + later_ticks, unit.key) for unit in units)
    return b"".join(stream.packets(unit) for unit in later)


def all_at_once() -> int:
    """A clock by which no frame is late, however busy the machine is."""
    return 0


@contextmanager
def piped(data: bytes, now_ns: Callable[[], int] = all_at_once) -> Iterator[PipedStream]:
    """A source that reads `data`, then nothing more, though the pipe stays open."""
    reader, writer = os.pipe()

    def write() -> None:
        rest = memoryview(data)
        with suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(writer, rest) :]

    thread = threading.Thread(target=write)
    thread.start()
    source = PipedStream(reader, 1, now_ns)
    try:
        yield source
    finally:
        source.close()
        os.close(reader)
        thread.join()
        os.close(writer)


def given_up(source: PipedStream) -> tuple[list[int], str]:
    """Capture times until the camera counts as lost, and what is said then."""
    found: list[int] = []
    try:
        while (frame := source.read()) is not None:
            found.append(frame.t_us)
    except CameraLostError as lost:
        return found, str(lost)
    return found, ""


@pytest.mark.parametrize(
    "later_ticks", [0, 3600 * TICKS_HZ], ids=["a relay begun anew", "a clock set forward"]
)
def test_where_another_stream_goes_on_the_camera_is_lost(
    units: list[AccessUnit], later_ticks: int
) -> None:
    with piped(coded(units) + coded(units, later_ticks)) as source:
        found, said = given_up(source)
    assert found == [STEP_US * number for number in range(len(found))]
    assert FRAMES - 5 <= len(found) <= FRAMES  # a decoder may hold the last ones back
    assert "another clock" in said


def test_a_gap_of_the_camera_s_own_stays_a_gap(units: list[AccessUnit]) -> None:
    before, gap_s = units[:41], 2
    later_ticks = max(unit.ticks for unit in before) + gap_s * TICKS_HZ
    later = [AccessUnit(unit.data, unit.ticks + later_ticks, unit.key) for unit in units]
    stream = TransportStream("H264")
    with piped(b"".join(stream.packets(unit) for unit in (*before, *later))) as source:
        found = [frame.t_us for _ in range(100) if (frame := source.read()) is not None]
    assert len(found) == 100
    assert max(second - first for first, second in pairwise(found)) == gap_s * 1_000_000


def test_times_that_stood_still_are_no_backlog_for_long(units: list[AccessUnit]) -> None:
    stood_us, still = 2_000_000, 30
    clock = count()

    def now_ns() -> int:
        """Each frame comes in time, those after the first 30 by two seconds later."""
        number = next(clock)
        return 1000 * (STEP_US * number + (stood_us if number >= still else 0))

    with piped(coded(units), now_ns) as source:
        found = [frame.t_us // STEP_US for _ in range(50) if (frame := source.read()) is not None]
    missed = PATIENCE_US // STEP_US - stood_us // STEP_US
    assert found[:still] == list(range(still))
    assert still + missed <= found[still] <= still + missed + 2
    assert found[still:] == list(range(found[still], found[still] + 20))
