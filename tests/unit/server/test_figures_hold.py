"""Figures of a store rest on all kinds of its visits, or are not shown: against a known truth."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from server.database import writer
from server.figures import Expectations, PointFigures, point_figures
from server.leaving import leaving
from server.measuring import Errors
from server.periods import Period
from server.released_cell import ReleasedCell
from server.rollups.bodies import from_json
from server.rollups.calendar import Grain
from server.rollups.evenness import Queues, even
from server.simulating.building import built
from server.simulating.chain import PlannedStore, planned_chain
from server.simulating.service import EXPECTED
from server.simulating.truth import true_figures
from server.simulating.where import make_identity, placed_stores
from server.statistics import Share
from server.suppression import Reason, Suppressed
from server.unions import Measure, Union, union_of, union_of_cells
from tests.unit.server.rollup_cells import random_cell

START, WEEKS = date(2026, 8, 3), 4
QUEUE, COUNTER = UUID(int=1), UUID(int=2)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def weeks(engine: Engine) -> Iterator[tuple[PlannedStore, date, Union]]:
    """Whole weeks of stores with a queue before two counters, of teams of three or more."""
    now = datetime.combine(START, time.min, UTC) + timedelta(weeks=WEEKS + 1)
    chain = planned_chain(24, 7 * WEEKS, 5, START)
    chosen = [replace(chain.stores[n], team_size=6, visits_h=40) for n in (2, 11, 23)]
    chain = replace(chain, stores=tuple(chosen))
    with writer(engine).begin() as connection:
        make_identity(connection, chain, now)
        places = placed_stores(connection, chain, now)
    for one in chosen:
        where = places[one.key]
        for row in built(chain, one, where).rollups:
            if row["subject_id"] == where.store_id and row["grain"] == Grain.WEEK.value:
                yield one, where.time.trading_day(row["start_at"]), from_json(row["body"])


def test_a_store_with_a_queue_recovers_as_many_as_it_really_does(empty: Engine) -> None:
    """Those who left are all in the queue's cells; those who stayed, few in each of many."""
    seen = 0
    for one, monday, union in weeks(empty):
        truth = true_figures(one.service_on(monday))
        found = point_figures(union, EXPECTED, Errors())
        assert isinstance(found, PointFigures)
        assert isinstance(found.recovered, Share)
        assert isinstance(found.flawless, Share)
        assert found.recovered.value == pytest.approx(truth.recovered, abs=0.06)
        assert found.flawless.value == pytest.approx(truth.flawless, abs=0.03)
        seen += 1
    assert seen >= 8


def cell(point_id: UUID, start_h: float, hours: float) -> ReleasedCell:
    start = MONDAY + start_h * HOUR
    rng = random.Random(start_h)  # noqa: S311 invented, not secret
    return replace(random_cell(rng, point_id, Period(start, start + hours * HOUR)), k=10)


def left(point_id: UUID, start_h: float, parties: int) -> ReleasedCell:
    """A cell with 50 visits, of which so many left, and the others stood there."""
    one = replace(cell(point_id, start_h, 1.0), visits=50, greeted_only=0, passed=0)
    return replace(one, abandoned=parties, still_present=50 - parties)


@pytest.mark.parametrize(
    ("counters", "queue_h", "missing", "is_shown"),
    [
        (10, [], 20, True),
        (2, [], 20, False),
        (2, [(0.0, 2.0)], 0, True),
        (2, [(-9.0, 30.0)], 0, True),
        (10, [(0.0, 4.0), (5.0, 2.0)], 40, False),
        (10, [(0.0, 9.5)], 20, True),
    ],
)
def test_counters_make_room_for_the_part_of_the_queue_that_is_not_there(
    counters: int, queue_h: list[tuple[float, float]], missing: int, is_shown: bool
) -> None:
    """20 parties for each stretch of the counters' time without a cell of the queue."""
    served = [left(COUNTER, number, 30) for number in range(counters)]
    whole = union_of_cells([*served, *(cell(QUEUE, *each) for each in queue_h)])
    told = even(whole, Queues(frozenset({QUEUE}), watched=True))
    before = whole.missing.get(Measure.LEFT, 0)
    assert told.missing.get(Measure.LEFT, 0) - before == missing
    figures = point_figures(told, Expectations())
    assert isinstance(figures, PointFigures)
    assert figures.visits == whole.sums.visits
    if is_shown:
        assert isinstance(figures.left_unserved, Share)
    else:
        assert figures.left_unserved == Suppressed(Reason.PARTIAL)
        assert figures.covers["left_unserved"] == ()
        assert "left_unserved" not in figures.counts


def test_a_queue_that_nobody_watches_is_not_missing() -> None:
    served = union_of(cell(COUNTER, 0.0, 1.0))
    assert even(served, Queues(frozenset({QUEUE}), watched=False)) == served


def test_a_queue_without_its_counters_has_none_either() -> None:
    waited = union_of(cell(QUEUE, 0.0, 5.0))
    assert even(waited, Queues(frozenset({QUEUE}), watched=True)).parts == {}
    assert even(waited, Queues(frozenset(), watched=False)) == waited


def test_how_many_left_a_queue_is_told_of_cells_that_k_parties_left() -> None:
    """Else the count over all, less that of the neighbours, is a suppressed one."""
    many, few = [left(QUEUE, n, 40) for n in range(3)], left(QUEUE, 3, 9)
    alone, all_of_them = leaving(union_of(few)), leaving(union_of_cells([*many, few]))
    assert alone is not None
    assert all_of_them is not None
    assert alone.left == Suppressed(Reason.FEW)
    assert alone.covered == (few.period,)
    assert all_of_them.left == 120
    assert all_of_them.covered == (Period(MONDAY, MONDAY + 3 * HOUR),)
    half = leaving(union_of_cells([many[0], few]))
    assert half is not None
    assert half.left == Suppressed(Reason.PARTIAL)


@pytest.mark.parametrize("visits", [21, 33, 49])
def test_an_interval_does_not_tell_the_counts_of_one_step_apart(visits: int) -> None:
    told: dict[float, set[tuple[float, float]]] = {}
    for left in range(visits + 1):
        one = replace(
            cell(COUNTER, 0.0, 1.0),
            visits=visits,
            served=visits - left,
            greeted_only=0,
            abandoned=left,
            passed=0,
            still_present=0,
        )
        found = point_figures(union_of(one), Expectations())
        assert isinstance(found, PointFigures)
        share = found.left_unserved
        assert isinstance(share, Share)
        told.setdefault(share.value, set()).add((share.low, share.high))
    assert len(told) == 21
    assert all(len(ranges) == 1 for ranges in told.values())
