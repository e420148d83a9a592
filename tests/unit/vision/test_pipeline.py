"""The loop, with a synthetic source and a scripted detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_cfg.record import CameraHealth, FrameRecord, unpack
from firmware_cfg.record_layout import coordinate_step_px
from firmware_cfg.region import Region
from firmware_cfg.site import Site
from vision.errors import SourceError
from vision.letterbox import Letterbox
from vision.pipeline import Pipeline
from vision.scaling import Scaler
from vision.sources.file import LATE_S, RealTime
from vision.sources.opening import SourceChoice, open_source
from vision.testing import ScriptedDetector, SyntheticSource

PERSON = ((64.0, 72.0, 128.0, 144.0), 0.8)


def run(
    source: SyntheticSource, detector: ScriptedDetector, region: Region, rate_hz: float = 30.0
) -> list[FrameRecord]:
    records: list[bytes] = []
    letterbox = Letterbox.fit(region, source.size_px, (512, 288))
    pipeline = Pipeline(source, detector, Scaler(letterbox), records.append, rate_hz)
    assert pipeline.run() == len(records)
    return [unpack(record) for record in records]


def test_each_frame_gives_one_record_with_its_time_and_people() -> None:
    source = SyntheticSource([0, 100_000, 350_000], (768, 432))
    detector = ScriptedDetector([[PERSON], [], [PERSON, ((300, 72, 360, 144), 0.5)]])
    records = run(source, detector, Region(0, 0, 768, 432))
    assert [(r.frame, r.t_us, len(r.scores)) for r in records] == [
        (1, 0, 1),
        (2, 100_000, 0),
        (3, 350_000, 2),
    ]
    half_px = 0.5 * coordinate_step_px(source.size_px) + 0.125  # a step, on a quarter pixel
    np.testing.assert_allclose(records[0].boxes_xyxy_px, [[96, 108, 192, 216]], atol=half_px)
    assert records[0].scores[0] == pytest.approx(0.8)


def test_frames_over_the_rate_are_passed_over_and_keep_their_numbers() -> None:
    source = SyntheticSource(range(0, 1_000_000, 50_000))
    records = run(source, ScriptedDetector(), Region(0, 0, 640, 360), rate_hz=10.0)
    assert [r.frame for r in records] == list(range(1, 21, 2))


def test_health_goes_through() -> None:
    source = SyntheticSource([0], health=CameraHealth.FRAMES_LOST)
    (record,) = run(source, ScriptedDetector(), Region(0, 0, 640, 360))
    assert record.health == CameraHealth.FRAMES_LOST


def test_the_detector_sees_the_region_and_boxes_lie_in_the_picture() -> None:
    source = SyntheticSource([0], (1920, 1080), boxes=[(800, 400, 900, 600)])
    detector = ScriptedDetector([[((100, 100, 150, 200), 0.9), ((0, 100, 40, 200), 0.9)]])
    (record,) = run(source, detector, Region(700, 300, 1212, 588))
    rows, columns = np.nonzero(detector.seen[:, :, 0] == 255)
    assert (columns.min(), rows.min()) == (100, 100)
    half_px = 0.5 * coordinate_step_px(source.size_px) + 0.125
    (box,) = record.boxes_xyxy_px  # the cut one is gone
    np.testing.assert_allclose(box, [800, 400, 850, 500], atol=half_px)


def test_real_time_waits_for_what_is_due_and_tells_what_is_late() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    pace = RealTime(lambda: now[0], sleep)
    assert pace.wait_until(0)
    assert pace.wait_until(200_000)
    now[0] += 0.5
    assert pace.wait_until(400_000)
    now[0] += LATE_S + 1
    assert not pace.wait_until(600_000)
    assert slept == [0.2]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (SourceChoice("nothing.mp4"), r"nothing\.mp4: expected a video file"),
        (SourceChoice("rtsp://me:secret@camera/live"), "through the relay"),
        (SourceChoice("stream"), "--stream-fd"),
        (SourceChoice("97"), "/dev/video97: expected a camera"),
        (SourceChoice("picamera2"), "python3-picamera2"),
    ],
)
def test_sources_that_cannot_be_had_say_so(choice: SourceChoice, message: str) -> None:
    zone = [[0, 0], [10, 0], [10, 10]]
    site = Site.model_validate(
        {
            "camera": {"size_px": [640, 480]},
            "service_point": [{"id": "a", "service_zone_px": zone}],
        }
    )
    with pytest.raises(SourceError, match=message) as caught:
        open_source(choice, site)
    assert "secret" not in str(caught.value)


def test_no_module_opens_a_socket() -> None:
    package = Path(__file__).parents[3] / "vision"
    for module in package.rglob("*.py"):
        assert "import socket" not in module.read_text()
