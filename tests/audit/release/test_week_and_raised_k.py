"""A store's week is the sum of cells that left: no cell hides in the difference.

Where the disk is full while a cell waits, and k is raised meanwhile, that cell never leaves.
"""

from datetime import UTC, datetime, timedelta

import pytest

from edge.clock import Stamp
from edge.errors import OutboxFullError
from edge.outbox import Build
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import PointId, PresenceSpan, Visit
from firmware_cfg.codec import decode
from firmware_cfg.messages import Cell, Desired, PointKind, Window

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
OPEN = ("09:00-18:00",)
SITE = a_site(
    store={"timezone": "UTC", "opening": {"mon": OPEN, "tue": OPEN}},
    privacy={"team_size": 2},
    queue=[],
)


class FullAtTimes(MemoryOutbox):
    """An outbox on a disk that is full for a while."""

    full = False

    def append(self, build: Build, state: bytes) -> int:
        if self.full:
            raise OutboxFullError("full")
        return super().append(build, state)

    def save_state(self, state: bytes) -> None:
        if self.full:
            raise OutboxFullError("full")
        super().save_state(state)


def cells(*, full_at: int | None) -> list[Cell]:
    """Two Mondays and Tuesdays, 25 visits a half-hour, 12 at Monday 09:30."""
    outbox, stamp = FullAtTimes(), Stamp()
    stamp.offer(0.0, MONDAY, "synchronised")
    reporter = Reporter(SITE, outbox, "nanodet", stamp)
    reporter.observe([], seen_s=0.0)
    reporter.tick(MONDAY, [])
    for number, day in enumerate((0, 1, 7, 8)):
        for window in range(18):
            at_s = day * 86_400 + 9 * 3600 + window * 1800
            visits = 12 if (day, window) == (0, 1) else 25
            seen = [_visit(at_s, one) for one in range(visits)]
            presence = PresenceSpan(PointId("counter-1"), at_s + 10, at_s + 1700, attended=True)
            reporter.observe([*seen, presence], seen_s=at_s + 1790)
            outbox.full = full_at == window and number == 0
            reporter.tick(MONDAY + timedelta(seconds=at_s + 1801), [])
            reporter.observe([], seen_s=at_s + 1800)
            if outbox.full:
                reporter.tighten(Desired(k=15))
                outbox.full = False
    return [cell for message in outbox.messages for cell in decode(Window, message).cells]


def _visit(at_s: float, number: int) -> Visit:
    return a_visit(
        at_s + 20 + number * 50, stay_s=40, greeted_after_s=4, served_after_s=9, flawless=True
    )


@pytest.mark.parametrize("full_at", [None, *range(2, 9)])
def test_a_week_is_the_sum_of_the_cells_that_left(full_at: int | None) -> None:
    sent = cells(full_at=full_at)
    weeks = [one for one in sent if one.kind is PointKind.STORE]
    for week in weeks:
        parts = [c for c in sent if c.kind is not PointKind.STORE and week.start <= c.start]
        assert week.visits == sum(c.visits for c in parts if c.end <= week.end)
    assert full_at is not None or len(weeks) == 1
