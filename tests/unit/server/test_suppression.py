"""What may be shown: unions of whole cells, steps below 50 visits, nothing below k."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.histogram import Fate, Histogram
from server.figures import Expectations, PointFigures, point_figures
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period
from server.released_cell import ReleasedCell, Staff
from server.released_week import Comparability
from server.schema.identity import point
from server.statistics import Share
from server.suppression import (
    PointRef,
    Reason,
    Released,
    Suppressed,
    count_shown,
    part_shown,
    read_released,
    shown,
)
from server.testing import MONDAY, MessageFactory
from server.unions import Measure, union_of_cells

HALF_HOUR = timedelta(minutes=30)
POINTS = [UUID(int=number) for number in (1, 2, 3)]


@pytest.fixture
def filled(engine: Engine) -> Engine:
    factory = MessageFactory()
    starts = [MONDAY + index * HALF_HOUR for index in range(4)]
    cells = [factory.cell(start, staff=index != 3) for index, start in enumerate(starts)]
    del cells[1]
    readings = [
        read("encounter/v1/kiosk-1/up/window", encode(factory.window(one, start=one.start)))
        for one in cells
    ]
    commit(engine, readings, MONDAY)
    return engine


def counter(connection: Connection) -> PointRef:
    row = connection.execute(select(point).where(point.c.slug == "counter")).one()
    return PointRef(row.org_id, row.point_id)


def figures(engine: Engine, start: int, end: int) -> PointFigures | Suppressed:
    """Figures between two counts of quarter hours after midnight."""
    quarter = HALF_HOUR / 2
    with engine.connect() as connection:
        asked = Period(MONDAY + start * quarter, MONDAY + end * quarter)
        return point_figures(read_released(connection, counter(connection), asked), Expectations())


@pytest.mark.parametrize(
    ("start", "end", "visits"),
    [
        (0, 2, 24),  # one whole cell
        (0, 3, 24),  # one whole cell and a gap
        (0, 5, 24),  # the second cell reaches over the edge: it stays out whole
        (0, 6, 48),
        (1, 8, 48),  # the first cell began before
        (0, 8, 72),
    ],
)
def test_only_whole_cells_inside_the_period_count(
    filled: Engine, start: int, end: int, visits: int
) -> None:
    found = figures(filled, start, end)
    assert isinstance(found, PointFigures)
    assert found.visits == visits


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 2), (2, 4), (1, 5), (-40, 0)])
def test_a_period_without_a_whole_cell_is_suppressed(filled: Engine, start: int, end: int) -> None:
    assert isinstance(figures(filled, start, end), Suppressed)


def test_each_figure_says_which_time_it_really_covers(filled: Engine) -> None:
    found = figures(filled, 0, 8)
    assert isinstance(found, PointFigures)
    assert found.covered == (
        Period(MONDAY, MONDAY + HALF_HOUR),
        Period(MONDAY + 2 * HALF_HOUR, MONDAY + 4 * HALF_HOUR),
    )
    assert found.staff_covered[-1].end == MONDAY + 3 * HALF_HOUR


def test_without_staff_figures_what_depends_on_staff_is_suppressed(filled: Engine) -> None:
    found = figures(filled, 6, 8)
    assert isinstance(found, PointFigures)
    assert isinstance(found.greeted_within, Suppressed)
    assert isinstance(found.flawless, Suppressed)
    assert isinstance(found.served_within, Share)


def test_below_50_visits_shares_come_in_steps_of_5_points() -> None:
    few = shown(Share(0.333, 0.21, 0.48, 30), 30, 10)
    many = shown(Share(0.333, 0.211, 0.481, 60), 60, 10)
    assert few == Share(0.35, 0.2, 0.5, 30)
    assert many == Share(0.33, 0.21, 0.48, 60)


@pytest.mark.parametrize(
    ("left", "visits", "seen"),
    [(20, 20, 20), (19, 20, 19), (29, 30, 28), (28, 30, 28), (9, 30, Suppressed()), (59, 60, 59)],
)
def test_a_count_comes_in_the_steps_of_its_share(
    left: int, visits: int, seen: int | Suppressed
) -> None:
    assert count_shown(left, visits, 10) == seen


@pytest.mark.parametrize(
    ("part", "visits", "seen"), [(24, 24, 24), (1, 24, 1), (11, 30, 10), (13, 60, 13), (0, 30, 0)]
)
def test_what_a_figure_rests_on_comes_in_the_steps_of_shares(
    part: int, visits: int, seen: int
) -> None:
    assert part_shown(part, visits) == seen


def test_misjudged_visits_weigh_more_in_a_share_of_few(filled: Engine) -> None:
    one, staff = first_cell(filled)
    cells = [
        replace(
            one,
            visits=1000,
            abandoned=broken // 2,
            greeted_only=0,
            staff=replace(staff, judged=1000, flawless=1000 - broken),
        )
        for broken in (1000, 250)
    ]
    of_many, of_few = (point_figures(Released((each,)), Expectations()) for each in cells)
    assert isinstance(of_many, PointFigures)
    assert isinstance(of_few, PointFigures)
    assert isinstance(of_many.recovered, Share)
    assert isinstance(of_few.recovered, Share)
    assert (of_many.recovered.value, of_few.recovered.value) == (0.5, 0.52)
    (known,) = of_many.measured.known
    shift = known.served.lost - known.served.gained
    assert of_many.recovered.high - 0.5 == pytest.approx(shift, abs=0.05)
    assert of_few.recovered.high - 0.52 == pytest.approx(4 * shift, abs=0.13)


def test_the_attended_share_comes_in_steps_of_5_points_below_50_visits(filled: Engine) -> None:
    with filled.connect() as connection:
        asked = Period(MONDAY, MONDAY + HALF_HOUR)
        found = read_released(connection, counter(connection), asked)
    assert isinstance(found, Released)
    (one,) = found.cells
    assert one.staff is not None
    one = replace(one, staff=replace(one.staff, attended_s=813.0, present_s=1000.0))
    few, many = (
        point_figures(Released((replace(one, visits=visits),)), Expectations())
        for visits in (49, 50)
    )
    assert isinstance(few, PointFigures)
    assert isinstance(many, PointFigures)
    assert (few.attended_share, many.attended_share) == (0.8, 0.81)


def test_a_cell_whose_own_base_is_below_k_stays_out_of_the_union(filled: Engine) -> None:
    """Else the union less its neighbour, which is shown, is a suppressed share."""
    one, staff = first_cell(filled)
    few, many = (
        replace(one, visits=visits, staff=replace(staff, judged=judged, flawless=8))
        for visits, judged in ((12, 3), (400, 390))
    )
    alone, other, both = (
        point_figures(Released(cells), Expectations()) for cells in ((few,), (many,), (few, many))
    )
    assert isinstance(alone, PointFigures)
    assert isinstance(other, PointFigures)
    assert isinstance(both, PointFigures)
    assert alone.flawless == alone.recovered == Suppressed(Reason.FEW)
    assert alone.covers["flawless"] == ()
    assert isinstance(both.flawless, Share)
    assert both.flawless == other.flawless
    assert both.flawless.base == 390


@pytest.mark.parametrize(
    ("judged", "out", "is_shown"), [(81, 1, True), (80, 1, False), (400, 4, True), (400, 5, False)]
)
def test_a_figure_rests_on_nine_tenths_of_its_parties_or_is_not_shown(
    filled: Engine, judged: int, out: int, is_shown: bool
) -> None:
    """A cell of fewer than 10 parties may have 9: whatever it has, the answer is the same."""
    one, staff = first_cell(filled)
    large = replace(one, visits=judged, staff=replace(staff, judged=judged, flawless=20))
    answers = []
    for hidden in (0, 9):
        small = replace(one, staff=replace(staff, judged=hidden, flawless=0))
        found = point_figures(Released((large, *[small] * out)), Expectations())
        assert isinstance(found, PointFigures)
        answers.append((found.flawless, found.recovered, found.counts))
    assert answers[0] == answers[1]
    flawless = answers[0][0]
    assert isinstance(flawless, Share) if is_shown else flawless == Suppressed(Reason.PARTIAL)


def first_cell(filled: Engine) -> tuple[ReleasedCell, Staff]:
    with filled.connect() as connection:
        asked = Period(MONDAY, MONDAY + HALF_HOUR)
        found = read_released(connection, counter(connection), asked)
    assert isinstance(found, Released)
    (one,) = found.cells
    assert one.staff is not None
    return one, one.staff


BASES: dict[str, tuple[Measure, Callable[[ReleasedCell], int]]] = {
    "served_within": (Measure.WAITING, lambda one: one.waiting.total()),
    "left_unserved": (Measure.LEFT, lambda one: one.closed),
    "abandoned": (Measure.ABANDONED, lambda one: one.closed if one.staff else 0),
    "greeted_within": (
        Measure.GREETING,
        lambda one: one.staff.greeting.total() if one.staff else 0,
    ),
    "flawless": (Measure.FLAWLESS, lambda one: one.staff.judged if one.staff else 0),
}
OF_STAFF = frozenset({"abandoned", "greeted_within", "flawless"})


@given(seed=st.integers(0, 2**32), k=st.integers(5, 20))
@settings(max_examples=40, deadline=None)
def test_any_answer_less_another_is_a_union_of_cells_that_may_be_shown(seed: int, k: int) -> None:
    """Over time and over points, down to the store's total."""
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    points = [Released(tuple(made(rng, k, point_id) for _ in range(4))) for point_id in POINTS]
    total = Released(tuple(one for each in points for one in each.cells))
    large = rng.choice([total, *points])
    size = rng.randrange(1, len(large.cells) + 1)
    small = Released(tuple(rng.sample(large.cells, size)))
    rest = [one for one in large.cells if one not in small.cells]
    for name, (measure, base) in BASES.items():
        whole, part = base_of(large, measure), base_of(small, measure)
        assert whole - part == sum(base(one) for one in rest if base(one) >= one.k)
        left_out = [
            one
            for one in large.cells
            if base(one) < one.k and (one.staff is not None or name not in OF_STAFF)
        ]
        figure = shares(large, name)
        room = sum(one.k - 1 for one in left_out)
        assert isinstance(figure, Suppressed) or 10 * whole >= 8.9 * (whole + room)


def base_of(released: Released, measure: Measure) -> int:
    part = union_of_cells(released.cells).parts.get(measure)
    return 0 if part is None else part.base


def shares(released: Released, name: str) -> Share | Suppressed:
    found = point_figures(released, Expectations())
    if isinstance(found, Suppressed):
        return found
    one: Share | Suppressed = getattr(found, name)
    assert bool(found.covers[name]) is isinstance(one, Share)
    return one


def made(rng: random.Random, k: int, point_id: UUID) -> ReleasedCell:
    """A cell of random size whose bases lie on either side of its k."""
    visits = rng.randrange(k, 3 * k)
    judged = rng.randrange(visits + 1)
    broken = rng.randrange(judged + 1)
    present = rng.randrange(visits + 1)
    start = MONDAY + rng.randrange(10_000) * HALF_HOUR
    scale = rng.choice([1, 3, 5])
    waits = [(rng.expovariate(1 / 100), rng.choice(list(Fate))) for _ in range(visits)]
    greeted = waits[: rng.randrange(visits + 1)]
    staff = Staff(
        greeting=Histogram.of(greeted, scale),
        interaction=Histogram.of(greeted, scale),
        flawless=judged - broken,
        judged=judged,
        broken=broken,
        recovered=rng.randrange(broken + 1),
        interrupted=0,
        attended_s=rng.random() * 100,
        present_s=100.0,
    )
    return ReleasedCell(
        cell_id=UUID(int=rng.getrandbits(128)),
        point_id=point_id,
        period=Period(start, start + HALF_HOUR),
        level="half_hour",
        k=rng.choice([k, k, 5]),
        visits=visits,
        left_censored=rng.randrange(3),
        passers_by=0,
        served=0,
        greeted_only=0,
        abandoned=rng.randrange(visits - present + 1),
        passed=0,
        still_present=present,
        waiting=Histogram.of(waits, scale),
        stay=Histogram.of(waits, scale),
        staff=staff if rng.random() < 0.8 else None,
        observed_s=1.0,
        bridged_s=0.0,
        unknown_s=0.0,
        comparability=Comparability(1, "a", "e", "m"),
    )


def test_a_share_of_fewer_than_k_is_suppressed() -> None:
    assert shown(Share(1.0, 0.5, 1.0, 3), 60, 10) == Suppressed()
    assert shown(None, 60, 10) == Suppressed()


def test_a_change_of_expectations_is_a_cut(engine: Engine) -> None:
    factory = MessageFactory()
    first = factory.window(factory.cell())
    factory.expectations_hash = "d" * 64
    second = factory.window(factory.cell(MONDAY + HALF_HOUR), start=MONDAY + HALF_HOUR)
    readings = [read("encounter/v1/kiosk-1/up/window", encode(one)) for one in (first, second)]
    commit(engine, readings, MONDAY)
    found = figures(engine, 0, 8)
    assert isinstance(found, PointFigures)
    assert [(cut.at, cut.changed) for cut in found.cuts] == [
        (MONDAY + HALF_HOUR, ("expectations",))
    ]


def test_merged_cells_equal_one_cell_of_the_same_visits(filled: Engine) -> None:
    with filled.connect() as connection:
        asked = Period(MONDAY, MONDAY + 4 * HALF_HOUR)
        whole = read_released(connection, counter(connection), asked)
    assert isinstance(whole, Released)
    assert sum(one.visits for one in whole.cells) == sum(one.waiting.total() for one in whole.cells)
