"""Overlapped and by turns: the same records; live: the newest frame; errors in their place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from firmware_cfg.record import CameraHealth, unpack
from firmware_cfg.region import Region
from vision.cores import Cores
from vision.detector import Detections
from vision.errors import BadInputError, CameraLostError
from vision.frames import Frame, Picture
from vision.letterbox import Letterbox
from vision.overlap import Prepared, Room, Worker
from vision.pipeline import FILE_AHEAD, Pipeline
from vision.scaling import Scaler
from vision.testing import ScriptedDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZE_PX = (64, 36)


class Shades:
    """A source whose every frame has a shade of its own, in one buffer that it reuses.

    `ends_with` is raised after the last frame; `on_read` is called before each.
    """

    def __init__(
        self,
        frames: int,
        ends_with: Exception | None = None,
        on_read: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._frames, self._ends_with, self._on_read = frames, ends_with, on_read
        self._picture: Picture = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
        self._index = 0
        self.threads: set[int] = set()

    @property
    def size_px(self) -> tuple[int, int]:
        return SIZE_PX

    def read(self, earliest_us: int = 0) -> Frame | None:
        self.threads.add(threading.get_ident())
        while self._index < self._frames:
            self._on_read(self._index)
            self._index += 1
            self._picture[:] = self._index % 251
            t_us = self._index * 20_000
            if t_us >= earliest_us:
                health = CameraHealth.FRAMES_LOST if self._index == 5 else CameraHealth.OK
                return Frame(self._index, t_us, self._picture, health)
        if self._ends_with is not None:
            raise self._ends_with
        return None

    def close(self) -> None:
        """Nothing to let go."""


class ShadeReader:
    """A detector whose box says which shade it saw; `on_detect` is called before it looks."""

    def __init__(self, on_detect: Callable[[], None] = lambda: None) -> None:
        self._on_detect = on_detect
        self.picture_bgr: Picture = np.zeros((36, 64, 3), np.uint8)
        self.threads: set[int] = set()
        self.seen: list[int] = []

    def detect(self, picture_bgr: Picture | None = None) -> Detections:
        self.threads.add(threading.get_ident())
        self._on_detect()
        picture = self.picture_bgr if picture_bgr is None else picture_bgr
        assert (picture == picture[0, 0, 0]).all()  # nobody writes while it is looked at
        shade = int(picture[0, 0, 0])
        self.seen.append(shade)
        boxes = np.array([[1 + shade % 16, 2, 30 + shade % 32, 30]], np.float32)
        return Detections(boxes, np.array([0.35 + shade % 12 / 20], np.float32))

    def detect_all(self, pictures_bgr: Sequence[Picture]) -> list[Detections]:
        return [self.detect(picture_bgr) for picture_bgr in pictures_bgr]


def pipeline(
    source: Shades, detector: ShadeReader, records: list[bytes], *, overlap: bool, live: bool
) -> Pipeline:
    letterbox = Letterbox.fit(Region(0, 0, *SIZE_PX), SIZE_PX, (64, 36))
    return Pipeline(
        source,
        detector,
        Scaler(letterbox),
        records.append,
        30.0,
        worker=Worker() if overlap else None,
        live=live,
    )


@pytest.mark.parametrize("frames", [0, 1, FILE_AHEAD - 1, FILE_AHEAD, FILE_AHEAD + 1, 400])
def test_a_file_gives_the_same_bytes_overlapped_by_turns_and_one_by_one(frames: int) -> None:
    made: dict[tuple[bool, bool], list[bytes]] = {}
    records: list[bytes]
    for overlap, live in ((False, True), (False, False), (True, False)):
        records = made[overlap, live] = []
        line = pipeline(Shades(frames), ShadeReader(), records, overlap=overlap, live=live)
        assert line.run() == len(records)
    one_by_one = made[False, True]
    assert 0.6 * frames <= len(one_by_one) <= 0.6 * frames + 2  # 50 a second, 30 may pass
    assert made[False, False] == one_by_one
    assert made[True, False] == one_by_one


def test_reading_and_inference_have_a_thread_each() -> None:
    source, detector = Shades(20), ShadeReader()
    pipeline(source, detector, [], overlap=True, live=False).run()
    assert source.threads == {threading.get_ident()}
    assert len(detector.threads) == 1
    assert source.threads.isdisjoint(detector.threads)


def test_a_frame_is_read_while_another_is_inferred() -> None:
    read_second = threading.Event()
    source = Shades(2, on_read=lambda before: read_second.set() if before == 1 else None)
    met: list[bool] = []
    detector = ShadeReader(lambda: met.append(read_second.wait(10)))
    assert pipeline(source, detector, [], overlap=True, live=False).run() == 2
    assert met == [True, True]


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_a_source_that_fails_is_told_after_its_last_record(*, overlap: bool, live: bool) -> None:
    taken = threading.Semaphore(0)
    detector = ShadeReader(taken.release)

    def wait(before: int) -> None:  # a camera no quicker than the detector
        if live and before:
            assert taken.acquire(timeout=10)

    records: list[bytes] = []
    source = Shades(3, CameraLostError("gone"), wait)
    line = pipeline(source, detector, records, overlap=overlap, live=live)
    with pytest.raises(CameraLostError, match="gone"):
        line.run()
    assert [unpack(one).frame for one in records] == [1, 2, 3]


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_a_reader_that_leaves_ends_the_line(*, overlap: bool, live: bool) -> None:
    written: list[bytes] = []

    def write(record: bytes) -> None:
        if len(written) == 2:
            raise BrokenPipeError
        written.append(record)

    letterbox = Letterbox.fit(Region(0, 0, *SIZE_PX), SIZE_PX, (64, 36))
    worker = Worker() if overlap else None
    source = Shades(100_000)
    line = Pipeline(source, ShadeReader(), Scaler(letterbox), write, 30.0, worker=worker, live=live)
    with pytest.raises(BrokenPipeError):
        line.run()
    assert source.read() is not None  # it did not read to the end first


def test_a_live_source_is_looked_at_where_it_is_newest() -> None:
    many_read, began = threading.Event(), threading.Event()

    def on_read(before: int) -> None:
        if before == 1:
            assert began.wait(10)  # the first frame is being looked at, until 40 were read
        if before == 40:
            many_read.set()

    def on_detect() -> None:
        began.set()
        assert many_read.wait(10)

    records: list[bytes] = []
    detector = ShadeReader(on_detect)
    count = pipeline(Shades(41, on_read=on_read), detector, records, overlap=True, live=True).run()
    frames = [unpack(one).frame for one in records]
    assert len(frames) == count
    assert frames[0] == 1
    assert frames[1] in {38, 40, 41}  # the newest that was there, by the rate's schedule
    assert len(frames) <= 3
    assert unpack(records[1]).health == CameraHealth.FRAMES_LOST  # that of frame 5, passed over
    assert detector.seen == frames


def test_no_buffer_is_filled_while_it_waits_or_is_looked_at() -> None:
    room = Room(2, np.zeros((1, 1, 3), np.uint8), newest=False)
    buffers = room.buffers()
    first, second = next(buffers), next(buffers)
    for index, buffer in enumerate((first, second)):
        assert room.put(Prepared(index, index, CameraHealth.OK, buffer))
    assert (taken := room.take()) is not None
    assert taken.picture_bgr is first
    others = [next(buffers), next(buffers)]
    assert all(other is not first and other is not second for other in others)
    assert room.take() is not None
    assert next(buffers) is first


def test_a_worker_without_a_job_sees_no_picture_and_stops_nothing() -> None:
    detector = ScriptedDetector()
    Worker()
    assert detector.calls == 0


def test_cores_that_cannot_be_had_say_so() -> None:
    for wanted in ("1,2", "0,1", "one", "", "-1", "1,1"):
        with pytest.raises(BadInputError, match=r"--inference-cores .*: expected some of 0,1"):
            Cores.shared_out({0, 1}, wanted)
    assert Cores.shared_out({0, 1}, "1") == Cores(frozenset({1}), frozenset({0}))
    assert Cores.shared_out({0, 1}, None).spare(1)
    assert not Cores.shared_out({0, 1}, None).spare(2)
    assert not Cores.shared_out({3}, None).spare(1)
