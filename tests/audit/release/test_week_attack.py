"""An attacker who subtracts: a store's week beside its finer cells tells on none of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from edge.clock import Stamp
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import Outcome
from edge.windows import release, week_figures
from edge.windows.week_figures import Room
from edge.windows.week_together import NAMES
from firmware_cfg.codec import decode
from firmware_cfg.histogram import bucket_bounds_s
from firmware_cfg.messages import Cell, Outcomes, PointKind, Split, Window

if TYPE_CHECKING:
    from edge.visits.values import Visit
    from edge.windows.tally import Tally
    from edge.windows.week_bounds import Bounds, Sums
    from edge.windows.week_together import Name

BEGINS = datetime(2027, 3, 1, 8, tzinfo=UTC)  # a Monday
DAYS = 9
OPEN_S = 9 * 3600.0
SPLITS = ("greeted_in_time", "left_greeted", "flawless", "recovered", "interrupted")
SITE = a_site(
    privacy={"team_size": 2, "k": 10},
    store={"opening": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), ("09:00-18:00",))},
)


def released(visits: list[Visit]) -> tuple[list[bytes], list[Cell]]:
    """Messages and cells of a device that sees `visits` over a week and a half."""
    outbox, stamp = MemoryOutbox(), Stamp()
    stamp.offer(0.0, BEGINS, "rtc")
    reporter = Reporter(SITE, outbox, "nanodet", stamp)
    left = sorted(visits, key=lambda one: one.departed_s or 0.0, reverse=True)
    for step in range(DAYS * 48):
        now_s = step * 1800.0
        due = []
        while left and (left[-1].departed_s or 0.0) + 60 <= now_s:
            due.append(left.pop())
        reporter.observe(due, seen_s=now_s)
        reporter.tick(BEGINS + timedelta(seconds=now_s), [])
    cells = [cell for message in outbox.messages for cell in decode(Window, message).cells]
    return outbox.messages, cells


def a_week(
    random: Random, a_day: int, greeted_share: float, late_share: float = 0.5
) -> list[Visit]:
    """Visits of a shop; a third leaves unserved, and of these a share was greeted."""
    visits = []
    for day in (*range(6), 7, 8):
        for _ in range(a_day):
            at_s = day * 86400.0 + 3600.0 + round(random.uniform(0, OPEN_S - 1), 3)
            served = random.random() < 2 / 3
            greeted = served or random.random() < greeted_share
            visits.append(
                a_visit(
                    at_s,
                    stay_s=round(random.uniform(45, 400), 3),
                    greeted_after_s=_greeted_s(random, late_share) if greeted else None,
                    served_after_s=42.0 if served else None,
                    flawless=served and random.random() < 0.6,
                    interruptions=int(served and random.random() < 0.4),
                )
            )
    return visits


def _greeted_s(random: Random, late_share: float) -> float:
    return 40.0 if random.random() < late_share else 5.0


def told_on(week: Cell, finer: list[Cell]) -> list[tuple[str, datetime]]:
    """Finer cells about which a count of the week lets something follow.

    What is published of a cell leaves an interval for each count that is hidden in it. From
    `yes` of the week and the other cells' intervals follows another one. If that cuts the
    first, the week tells on the cell.
    """
    assert week.week is not None
    found = []
    for name in SPLITS:
        split: Split | None = getattr(week.week, name)
        if split is None:
            continue
        bounds = [said_of(cell)[name] for cell in finer]
        at_least, at_most = (sum(column) for column in zip(*bounds, strict=True))
        for cell, (low, high) in zip(finer, bounds, strict=True):
            if split.yes - (at_most - high) > low or split.yes - (at_least - low) < high:
                found.append((name, cell.start))
    return found


def said_of(cell: Cell) -> dict[str, tuple[int, int]]:
    """At least and at most, for each hidden count of a cell, from its published figures."""
    out, expected = cell.outcomes, SITE.encounter
    began = cell.waiting
    slow = late(began.event, began.scale, expected.serve_within_s)
    return {
        "greeted_in_time": (
            within(began.event, began.scale, expected.greet_within_s),
            began.histogram().total(),
        ),
        "left_greeted": (0, out.abandoned),
        "flawless": (0, out.served - slow),
        "recovered": (slow, out.served),
        "interrupted": (0, out.served),
    }


def within(buckets: dict[int, int], scale: int, limit_s: float) -> int:
    """Durations that are surely no longer than the limit."""
    return sum(n for i, n in buckets.items() if bucket_bounds_s(i, scale)[1] <= limit_s)


def late(buckets: dict[int, int], scale: int, limit_s: float) -> int:
    """Durations that are surely longer."""
    return sum(n for i, n in buckets.items() if bucket_bounds_s(i, scale)[0] >= limit_s)


def of_one_week(cells: list[Cell]) -> tuple[Cell, list[Cell]]:
    (week,) = [cell for cell in cells if cell.kind is PointKind.STORE]
    inside = [
        cell
        for cell in cells
        if cell.kind is not PointKind.STORE and week.start <= cell.start and cell.end <= week.end
    ]
    return week, inside


EVERY_PAIR = [
    ((24, 90)[(row + column) % 2], greeted, late)
    for row, greeted in enumerate((0.1, 0.5, 0.9))
    for column, late in enumerate((0.05, 0.5, 0.86))
]


@pytest.mark.parametrize(("a_day", "greeted_share", "late_share"), EVERY_PAIR)
def test_no_count_of_a_week_tells_on_a_finer_cell(
    a_day: int, greeted_share: float, late_share: float
) -> None:
    random = Random(f"{a_day} {greeted_share}")  # noqa: S311 -- repeatable
    week, finer = of_one_week(released(a_week(random, a_day, greeted_share, late_share))[1])
    assert len(finer) > 1
    assert told_on(week, finer) == []


def test_a_weeks_visits_are_those_of_its_published_cells() -> None:
    random = Random(4)  # noqa: S311 -- repeatable
    week, finer = of_one_week(released(a_week(random, 60, 0.5))[1])
    assert week.visits == sum(cell.visits for cell in finer)
    assert week.passers_by == sum(cell.passers_by for cell in finer)
    for name in ("observed_s", "bridged_s", "unknown_s"):
        assert getattr(week, name) == sum(getattr(cell, name) for cell in finer)
    for name, count in week.outcomes.model_dump().items():
        assert count == sum(getattr(cell.outcomes, name) for cell in finer)


def test_which_day_staff_greeted_on_shows_in_no_byte() -> None:
    """Two worlds: those who left late were greeted early in the week, or late in it."""
    early, late = list["Visit"](), list["Visit"]()
    for day in (*range(6), 7, 8):
        for n in range(60):
            at_s = day * 86400.0 + 3600.0 + n * 500.0
            for world, days in ((early, (0, 1, 2)), (late, (3, 4, 5))):
                world.append(one_of_ten(n % 10, at_s, greeted=day in days))
    (first, cells), (second, _) = (released(world) for world in (early, late))
    assert first == second
    week, finer = of_one_week(cells)
    assert week.week is not None
    assert week.week.left_greeted == Split(yes=54, no=54)
    assert len(finer) > 6


def one_of_ten(n: int, at_s: float, *, greeted: bool) -> Visit:
    """Three leave late, two early, five are served, two of them greeted late."""
    if n < 3:
        return a_visit(at_s, stay_s=90.0, greeted_after_s=5.0 if greeted else None)
    if n < 5:
        return a_visit(at_s, stay_s=8.0, outcome=Outcome.PASSED)
    late = n < 7
    return a_visit(
        at_s,
        stay_s=90.0,
        greeted_after_s=40.0 if late else 5.0,
        served_after_s=45.0 if late else 20.0,
        flawless=not late,
    )


def brief_leavers(greeted: int) -> list[Visit]:
    """A busy day; twelve leave within seconds, of whom some were greeted."""
    visits = [
        a_visit(3600.0 + n * 40.0, stay_s=120.0, greeted_after_s=5.0, served_after_s=9.0)
        for n in range(700)
    ]
    return visits + [
        a_visit(
            7200.0 + n * 120.0,
            stay_s=8.0,
            greeted_after_s=2.0 if n < greeted else None,
            outcome=Outcome.GREETED_ONLY if n < greeted else Outcome.PASSED,
        )
        for n in range(12)
    ]


def greeted_by_subtraction(cells: list[Cell]) -> int:
    """Who left sooner than anyone can be `abandoned`, less those who passed."""
    limit_s = SITE.encounter.abandon_after_s
    return sum(
        within(cell.waiting.left, cell.waiting.scale, limit_s) - cell.outcomes.passed
        for cell in cells
    )


@pytest.mark.parametrize("greeted", [1, 5, 12])
def test_whether_who_left_at_once_had_been_greeted_shows_in_no_byte(greeted: int) -> None:
    (messages, cells), (others, _) = (released(brief_leavers(n)) for n in (greeted, 0))
    assert sum(cell.outcomes.passed for cell in cells) == 12
    assert greeted_by_subtraction(cells) == 0
    assert messages == others


def passed_as_it_is(tally: Tally, *, staff: bool) -> Outcomes:
    assert not staff
    counts = {outcome.value: count for outcome, count in tally.outcomes.items()}
    counts["abandoned"] = counts.get("abandoned", 0) + counts.pop("greeted_only", 0)
    return Outcomes(**counts)


def test_the_subtraction_works_where_outcomes_are_told_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: `passed` for those alone who were not greeted."""
    monkeypatch.setattr(release, "_outcomes", passed_as_it_is)
    cells = released(brief_leavers(5))[1]
    assert greeted_by_subtraction(cells) == 5


def a_week_of_waits(spoiled: int, greeted_with_service: bool) -> list[Visit]:
    """A quarter leaves unserved, a quarter is served late; some of the others are spoiled."""
    random = Random(1)  # noqa: S311 -- repeatable
    visits: list[Visit] = []
    left_to_spoil = spoiled
    for day in (*range(6), 7, 8):
        for _ in range(60):
            at_s = day * 86400.0 + 3600.0 + round(random.uniform(0, OPEN_S - 1), 3)
            wait_s = random.choice([None, 20.0, 20.0, 300.0])
            spoils = wait_s == 20.0 and left_to_spoil > 0 and (spoiled > 20 or day == 2)
            left_to_spoil -= spoils
            prompt_s = wait_s if greeted_with_service else 5.0
            visits.append(
                a_visit(
                    at_s,
                    stay_s=400.0,
                    greeted_after_s=None if wait_s is None else prompt_s,
                    served_after_s=wait_s,
                    flawless=wait_s == 20.0 and not spoils,
                    interruptions=int(spoils),
                )
            )
    return visits


@pytest.mark.parametrize("greeted_with_service", [True, False])
@pytest.mark.parametrize("spoiled", [0, 2, 12, 80])
def test_a_count_beside_the_published_waits_tells_on_no_cell(
    spoiled: int, *, greeted_with_service: bool
) -> None:
    """All who were served in time were served flawlessly, or all but a few."""
    visits = a_week_of_waits(spoiled, greeted_with_service)
    week, finer = of_one_week(released(visits)[1])
    assert len(finer) > 6
    assert told_on(week, finer) == []


def test_a_count_is_told_where_the_published_waits_leave_room() -> None:
    week, _ = of_one_week(released(a_week_of_waits(80, greeted_with_service=False))[1])
    assert week.week is not None
    assert week.week.flawless is not None
    assert week.week.recovered == Split(
        yes=week.outcomes.served - week.week.flawless.yes, no=week.outcomes.abandoned
    )


def large_enough(counts: Sums, _: Bounds, apart: int) -> frozenset[Name]:
    """Asks for nothing but the size of each count."""
    return frozenset(name for name, count in zip(NAMES, counts, strict=True) if count >= apart)


@pytest.mark.parametrize("spoiled", [0, 2, 12])
def test_the_attack_works_where_published_waits_are_not_asked(
    monkeypatch: pytest.MonkeyPatch, spoiled: int
) -> None:
    """The control: with the size of count and rest alone in the condition."""
    monkeypatch.setattr(week_figures, "told_together", large_enough)
    week, finer = of_one_week(released(a_week_of_waits(spoiled, greeted_with_service=True))[1])
    names = {name for name, _ in told_on(week, finer)}
    assert {"flawless", "recovered", "greeted_in_time"} <= names


def test_the_attack_works_where_k_alone_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the largest finer cell in the condition, cells are told on."""
    monkeypatch.setattr(Room, "of", lambda _, k: Room(k))
    visits = a_week(Random(2), 24, 0.9, late_share=0.1)  # noqa: S311 -- repeatable
    week, finer = of_one_week(released(visits)[1])
    assert told_on(week, finer) != []
