"""Frames that are missing: what was seen before and after stays seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edge.engine import Engine
from edge.visits.values import BlindSpan, Event, PresenceSpan, Visit
from firmware_cfg.record import FrameRecord
from firmware_cfg.site import Site

SITE = Site.model_validate(
    {
        "camera": {"size_px": [640, 480]},
        "service_point": [
            {
                "id": "counter",
                "service_zone_px": [[200, 200], [440, 200], [440, 400], [200, 400]],
                "staff_zone_px": [[200, 60], [440, 60], [440, 150], [200, 150]],
            }
        ],
    }
)
CUSTOMER = (300.0, 150.0, 350.0, 300.0)
STAFF = (320.0, 10.0, 360.0, 110.0)


def frames(end_s: float, gap: tuple[float, float], staff_from_s: float) -> Iterator[FrameRecord]:
    """A customer at the counter from the start, staff from `staff_from_s`; ten a second."""
    for number in range(1, round(end_s * 10) + 1):
        t_s = number / 10
        if gap[0] < t_s < gap[1]:
            continue
        boxes = [CUSTOMER] + ([STAFF] if t_s >= staff_from_s else [])
        yield FrameRecord(
            number, round(t_s * 1e6), (640, 480), np.array(boxes), np.full(len(boxes), 0.9)
        )


def run(records: Iterator[FrameRecord]) -> list[Event]:
    engine = Engine(SITE)
    events = [event for record in records for event in engine.step(record)]
    return events + engine.finish()


def seconds(events: list[Event], *, attended: bool) -> float:
    spans = [e for e in events if isinstance(e, PresenceSpan) and e.attended is attended]
    return sum(span.end_s - span.start_s for span in spans)


@pytest.mark.parametrize("gap", [(40.0, 43.0), (40.0, 55.0), (40.0, 100.0)])
def test_a_gap_is_blind_and_nothing_else_is_lost(gap: tuple[float, float]) -> None:
    events = run(frames(160.0, gap, staff_from_s=120.0))
    blind = [event for event in events if isinstance(event, BlindSpan)]
    assert [(span.start_s, span.end_s) for span in blind] == [gap]
    assert seconds(events, attended=True) == pytest.approx(40.0, abs=1.0)
    assert seconds(events, attended=False) == pytest.approx(120.0 - (gap[1] - gap[0]), abs=1.0)


def test_engaged_at_two_counters_in_turn_is_one_service() -> None:
    wide = [[100, 200], [320, 200], [320, 400], [100, 400]]
    right = [[320, 200], [540, 200], [540, 400], [320, 400]]
    staff = [[100, 60], [540, 60], [540, 150], [100, 150]]
    site = Site.model_validate(
        {
            "camera": {"size_px": [640, 480]},
            "service_point": [
                {"id": "a", "service_zone_px": wide, "staff_zone_px": staff},
                {"id": "b", "service_zone_px": right, "staff_zone_px": staff},
            ],
        }
    )
    engine, events = Engine(site), list[Event]()
    for number in range(1, 400):
        t_s = number / 10
        x = 5.0 if t_s < 20 else min(5.0 + 60 * (t_s - 20), 290.0 if t_s < 28 else 330.0)
        boxes = np.array([STAFF, (x, 150.0, x + 50, 300.0)])
        if t_s > 32:
            boxes = boxes[:1]
        record = FrameRecord(number, number * 100_000, (640, 480), boxes, np.full(len(boxes), 0.9))
        events += engine.step(record)
    events += engine.finish()
    (visit,) = [event for event in events if isinstance(event, Visit)]
    assert visit.service_started_s is not None
    assert visit.service_started_s == pytest.approx(visit.greeted_s or -1.0)
