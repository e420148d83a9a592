"""What may be shown: unions of whole cells, steps below 50 visits, nothing below k."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from firmware_cfg.messages import encode
from server.figures import Expectations, PointFigures, point_figures
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period
from server.statistics import Share
from server.suppression import PointRef, Released, Suppressed, read_released, shown
from server.tables import point
from server.testing import MONDAY, MessageFactory

HALF_HOUR = timedelta(minutes=30)


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


def test_below_50_visits_shares_come_in_steps_of_5_points_rounded_outwards() -> None:
    few = shown(Share(0.333, 0.21, 0.48, 30), 30, 10)
    many = shown(Share(0.333, 0.211, 0.481, 60), 60, 10)
    assert few == Share(0.35, 0.2, 0.5, 30)
    assert many == Share(0.33, 0.21, 0.49, 60)


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
