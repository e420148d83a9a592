"""Weeks of visits through the real chain, compared cell for cell with another computation."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import Stamp
from edge.rows import visit_line
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import Duration, Event, Outcome, PasserBy, PointId, PresenceSpan, Visit
from firmware_cfg.codec import decode
from firmware_cfg.messages import Window
from firmware_cfg.site import Site
from tests.oracle_calendar import instant, windows
from tests.oracle_joining import Presence
from tests.oracle_release import released_cells

ZERO = datetime(2027, 3, 22, 7, 3, tzinfo=UTC)  # a week before the clocks change in Europe
FINAL_AFTER_S = 60.0
POINTS = ("counter-1", "queue-1")
Row = dict[str, Any]


def a_site_with(window_s: int, team_size: int | None, zone: str, opening: str) -> Site:
    weekdays = ("mon", "tue", "wed", "thu", "fri", "sat")
    return a_site(
        privacy={"team_size": team_size, "k": 10},
        encounter={"window_s": window_s},
        store={
            "timezone": zone,
            "opening": dict.fromkeys(weekdays, (opening,)) if opening else {},
            "closed": ("2027-03-26",),
        },
    )


def some_visits(random: Random, days: int, a_day: float) -> list[Visit]:
    visits: list[Visit] = []
    at = 0.0
    while True:
        at += random.expovariate(a_day / 86400)
        if at > days * 86400:
            return visits
        stay_s = round(random.uniform(6, 300) if random.random() < 0.97 else 9000.0, 3)
        greeted = random.random() < 0.8
        after = [round(random.uniform(0, stay_s), 3) for _ in range(2)]
        served = greeted and random.random() < 0.9
        visits.append(
            a_visit(
                round(at, 3),
                stay_s=stay_s,
                greeted_after_s=min(after) if greeted else None,
                served_after_s=max(after) if served else None,
                flawless=random.choice([True, False, None]),
                interruptions=random.choice([0, 0, 1]),
                left_censored=random.random() < 0.01,
                point="counter-1" if greeted or random.random() < 0.5 else "queue-1",
                at_queue=False,
            )
        )


def at_queue(visit: Visit) -> Visit:
    if visit.service_point == "queue-1":
        return replace(visit, service_point=None, queue=PointId("queue-1"))
    return visit


def as_of(visit: Visit, t_s: float) -> Visit:
    """The visit as an engine shows it at `t_s`, while it is not final."""
    until_s = min(t_s, visit.departed_s or t_s)
    greeted = visit.greeted_s is not None and visit.greeted_s <= until_s
    served = visit.service_started_s is not None and visit.service_started_s <= until_s
    return replace(
        visit,
        greeted_s=visit.greeted_s if greeted else None,
        greeting=visit.greeting if greeted else None,
        service_started_s=visit.service_started_s if served else None,
        waiting=visit.waiting if served else None,
        interaction=Duration(until_s - (visit.greeted_s or 0) if greeted else 0.0, 0.0, 0.0),
        stay=Duration(until_s - visit.arrived_s, 0.0, 0.0),
        departed_s=None,
        outcome=Outcome.STILL_PRESENT,
        flawless=None,
    )


def row_of(visit: Visit) -> Row:
    row: Row = json.loads(visit_line(visit))
    if row["visit_s"] is None:
        row |= {"visit_observed_s": visit.stay.observed_s, "visit_s": visit.stay.total_s}
    return row


class Shop:
    """Plays visits to a reporter in order of time, closing windows when they are due."""

    def __init__(self, site: Site, visits: list[Visit], random: Random) -> None:
        self.outbox = MemoryOutbox()
        self.rows: list[Row] = []
        self.visits = visits
        self.passers = [PasserBy(PointId(random.choice(POINTS)), v.arrived_s + 1) for v in visits]
        self.presence = [
            PresenceSpan(
                PointId("counter-1"), v.arrived_s, v.departed_s or 0, random.random() < 0.5
            )
            for v in visits
        ]
        self.zero = ZERO
        self.now = ZERO
        self._site = site
        stamp = Stamp()
        stamp.offer(0.0, ZERO, "synchronised")
        self.reporter = Reporter(site, self.outbox, "nanodet", stamp)

    def play(self, days: int) -> None:
        """Let the days pass; keep each visit's row as it was when its window closed."""
        left = list(self.visits)
        reporter = self.reporter
        reporter.observe([], seen_s=0.0)
        reporter.tick(ZERO, [])
        end = ZERO + timedelta(days=days)
        while reporter.keeper is not None:
            due = reporter.keeper.due_at()
            if due is None or due > end:
                break
            t_s = (due - ZERO).total_seconds()
            final = [v for v in left if (v.departed_s or 0) + FINAL_AFTER_S <= t_s]
            left = [v for v in left if (v.departed_s or 0) + FINAL_AFTER_S > t_s]
            reporter.observe([*final, *self._spans(final)], seen_s=t_s)
            arrived = [v for v in left if v.arrived_s <= t_s]
            reporter.tick(due, [as_of(v, t_s) for v in arrived])
            self.now = due
        self._keep_rows()

    def _spans(self, final: list[Visit]) -> list[Event]:
        kept = {id(v) for v in final}
        both = zip(self.visits, self.passers, self.presence, strict=True)
        spans: list[Event] = []
        for visit, passer, presence in both:
            if id(visit) in kept:
                spans += [passer, presence]
        return spans

    def _keep_rows(self) -> None:
        settle = timedelta(seconds=self._site.encounter.window_settle_s)
        listed = windows(self._site, ZERO - timedelta(days=1), self.now + timedelta(days=2))
        for visit in self.visits:
            at = instant(ZERO, visit.arrived_s)
            for _, start, end in listed:
                if start <= at < end:
                    t_s = (end + settle - ZERO).total_seconds()
                    final = (visit.departed_s or 0) + FINAL_AFTER_S <= t_s
                    self.rows.append(row_of(visit if final else as_of(visit, t_s)))

    def sent(self) -> list[Row]:
        cells = [c for m in self.outbox.messages for c in decode(Window, m).cells]
        shown = [json.loads(cell.model_dump_json()) for cell in cells]
        shown = [{k: v for k, v in one.items() if k != "week" or v is not None} for one in shown]
        return sorted(shown, key=lambda cell: (cell["point"], cell["start"]))


def without_presence(cells: list[Row]) -> list[Row]:
    """Presence that ends with a censored visit is known later than its window."""
    for cell in cells:
        cell.pop("passers_by")
        if cell["staff"] is not None:
            cell["staff"].pop("present_s")
            cell["staff"].pop("attended_s")
        if "week" in cell:
            cell["week"].pop("attended_percent")
    return [cell for cell in cells if "week" not in cell or any(cell["week"].values())]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    days=st.integers(1, 16),
    a_day=st.sampled_from([3.0, 20.0, 60.0, 200.0]),
    window_s=st.sampled_from([900, 1800, 3600]),
    team_size=st.sampled_from([None, 2, 5]),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"]),
    opening=st.sampled_from(["", "09:00-18:00", "08:50-20:10"]),
)
def test_weeks_of_visits_are_released_as_the_definitions_say(  # noqa: PLR0917 -- drawn by name
    seed: int,
    days: int,
    a_day: float,
    window_s: int,
    team_size: int | None,
    zone: str,
    opening: str,
) -> None:
    random = Random(seed)  # noqa: S311 -- repeatable
    site = a_site_with(window_s, team_size, zone, opening)
    shop = Shop(site, [at_queue(v) for v in some_visits(random, days, a_day)], random)
    shop.play(days)
    expected = released_cells(site, shop.rows, zero_utc=ZERO, begins=ZERO, now=shop.now)
    assert without_presence(shop.sent()) == without_presence(expected)
    assert len({len(message) for message in shop.outbox.messages}) == 1


@pytest.mark.parametrize("team_size", [None, 2, 5])
def test_presence_and_passers_by_agree_where_nothing_is_censored(team_size: int | None) -> None:
    random = Random(7)  # noqa: S311 -- repeatable
    site = a_site_with(1800, team_size, "Europe/Berlin", "08:50-20:10")
    visits = [at_queue(v) for v in some_visits(random, 12, 150.0) if v.stay.total_s < 1000]
    shop = Shop(site, visits, random)
    shop.play(12)
    expected = released_cells(
        site,
        shop.rows,
        zero_utc=ZERO,
        begins=ZERO,
        now=shop.now,
        passers_by=[(p.point, p.arrived_s) for p in shop.passers],
        presence=[Presence(p.point, p.start_s, p.end_s, p.attended) for p in shop.presence],
    )
    assert len(expected) > 20
    assert shop.sent() == expected


def test_over_two_months_every_visit_is_in_one_cell_but_for_the_held_ones() -> None:
    random = Random(3)  # noqa: S311 -- repeatable
    site = a_site_with(1800, 5, "Europe/Berlin", "09:00-18:00")
    shop = Shop(site, some_visits(random, 70, 12.0), random)
    shop.play(70)
    expected = released_cells(site, shop.rows, zero_utc=ZERO, begins=ZERO, now=shop.now)
    assert without_presence(shop.sent()) == without_presence(expected)
    levels = {cell["level"] for cell in expected}
    assert levels & {"day", "week", "day_part"}
