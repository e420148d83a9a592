"""Expectations as they were in force: what was shown of a time stays."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from server import queries
from server.answers import PointAnswer, answer
from server.database import writer
from server.figures import Expectations, PointFigures
from server.identity import Change, confirm, move_device
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import Period
from server.retention import retain
from server.rollups.job import roll_up
from server.schema.fleet import device_terms
from server.schema.rollups import standing
from server.scope import Scope
from server.statistics import Share
from server.suppression import Reason, Suppressed
from server.terms import InForce, Terms, latest_k
from server.testing import MONDAY, MessageFactory
from server.totals import read_total
from server.web.figure_shapes import FiguresOut
from tests.unit.server.chain_identity import apply_chain, ids_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATER = MONDAY + 5 * DAY
OLD, NEW = Expectations(30, 180), Expectations(10, 60)


def days(first: int, after: int) -> Period:
    return Period(MONDAY + first * DAY, MONDAY + after * DAY)


class Shop:
    """A device that reports the old expectations, then the new ones on Wednesday."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.factory = engine, MessageFactory("kiosk-2")
        apply_chain(engine, folder, MONDAY)
        self.ids = ids_of(engine)
        self.reports(OLD, MONDAY)
        for day in (0, 1, 2, 3):
            if day == 2:
                self.reports(NEW, MONDAY + 2 * DAY - HOUR)
            at = MONDAY + day * DAY
            self.says(
                "window", self.factory.encoded(self.factory.cell(at, visits=60), start=at), at
            )

    def reports(self, told: Expectations, at: datetime, k: int = 10) -> None:
        said = self.factory.reported(told.greet_within_s, told.serve_within_s, k)
        self.says("reported", encode(said), at)

    def says(self, kind: str, payload: bytes, at: datetime) -> None:
        commit(self.engine, [read(f"encounter/v1/kiosk-2/up/{kind}", payload)], at)

    def asked(self, period: Period) -> PointAnswer:
        with self.engine.connect() as connection:
            store = queries.store_by_id(connection, Scope.everything(), self.ids["puxi-1"])
            counter = queries.points(connection, store)[0]
            return answer(connection, store, counter, period, LATER)

    def total(self, period: Period) -> PointFigures | Suppressed:
        with self.engine.connect() as connection:
            store = queries.store_by_id(connection, Scope.everything(), self.ids["puxi-1"])
            return read_total(connection, store, period, LATER).figures

    def change(self, at: datetime) -> Change:
        return Change(writer(self.engine).connect(), self.ids["acme"], "Ada", at)


@pytest.fixture
def shop(empty: Engine, tmp_path: Path) -> Shop:
    return Shop(empty, tmp_path)


def figures_of(found: PointAnswer) -> PointFigures:
    assert isinstance(found.figures, PointFigures)
    return found.figures


def served(found: PointAnswer) -> float:
    share = figures_of(found).served_within
    assert isinstance(share, Share)
    return share.value


def test_a_time_is_asked_for_what_was_in_force_then(shop: Shop) -> None:
    before, after = shop.asked(days(0, 2)), shop.asked(days(2, 4))
    assert (before.expectations, after.expectations) == (OLD, NEW)
    assert served(before) > served(after) + 0.1
    assert [one.expectations for one in shop.asked(days(0, 4)).steps if one.cell] == [
        *(OLD, OLD),
        *(NEW, NEW),
    ]


def test_two_limits_are_never_asked_of_one_histogram(shop: Shop) -> None:
    found = shop.asked(days(0, 4))
    figures = figures_of(found)
    assert figures.served_within == figures.greeted_within == Suppressed(Reason.LIMITS)
    assert (figures.covers["served_within"], "served_within" in figures.counts) == ((), False)
    assert figures.expectations.all == (OLD, NEW)
    assert not isinstance(figures.waiting_p90, Suppressed), "it needs no limit"
    total = shop.total(days(0, 4))
    assert isinstance(total, PointFigures)
    assert total.served_within == Suppressed(Reason.LIMITS)
    with shop.engine.connect() as connection:
        store = queries.store_by_id(connection, Scope.everything(), shop.ids["puxi-1"])
    out = FiguresOut.of(figures, store.time).model_dump()
    assert (out["greet_within_s"], out["serve_within_s"]) == (None, None)
    assert [one["serve_within_s"] for one in out["expectations"]] == [180, 60]
    assert out["served_within"] == {"suppressed": True, "reason": Reason.LIMITS}


def test_a_change_outside_of_all_cells_mixes_nothing(shop: Shop) -> None:
    night = Period(MONDAY + 2 * DAY - 2 * HOUR, MONDAY + 4 * DAY)
    assert shop.asked(night).expectations == NEW


def test_a_week_in_which_the_limit_changed_stands_without_that_share(shop: Shop) -> None:
    change = shop.change(LATER)
    with change.connection.begin():
        confirm(change, shop.ids["puxi-1"], MONDAY)
    while roll_up(shop.engine, LATER):
        pass
    with shop.engine.connect() as connection:
        mine = standing.c.subject_id == shop.ids["puxi-1"]
        found = set(connection.execute(select(standing.c.figure).where(mine)).scalars())
    assert {"visits", "waiting_p90"} <= found
    assert not {"served_within", "greeted_within"} & found


def test_a_week_of_one_limit_stands_with_its_share(shop: Shop) -> None:
    change = shop.change(LATER)
    with change.connection.begin():
        confirm(change, shop.ids["puxi-1"], MONDAY)
    with writer(shop.engine).begin() as connection:
        connection.execute(device_terms.delete().where(device_terms.c.since > MONDAY))
    while roll_up(shop.engine, LATER):
        pass
    with shop.engine.connect() as connection:
        mine = standing.c.subject_id == shop.ids["puxi-1"]
        rows = connection.execute(select(standing.c.figure, standing.c.expected_s).where(mine))
        limits = {row.figure: row.expected_s for row in rows}
    assert (limits["served_within"], limits["greeted_within"]) == (180, 30)


def test_a_device_that_moved_changes_nothing_of_where_it_was(shop: Shop) -> None:
    before = served(shop.asked(days(2, 4)))
    change = shop.change(LATER)
    with change.connection.begin():
        there = {"counter-1": free_point(shop)}
        move_device(change, "kiosk-2", shop.ids["pudong-1"], there, MONDAY + 4 * DAY)
    shop.reports(Expectations(5, 20), LATER, k=30)
    found = shop.asked(days(2, 4))
    assert (found.expectations, served(found)) == (NEW, before)
    total = shop.total(days(2, 4))
    assert isinstance(total, PointFigures)
    assert total.expectations == NEW
    assert shop.asked(days(5, 6)).k == Terms().k, "it stands elsewhere by then"


def test_the_threshold_of_a_store_is_that_of_its_latest_cells(shop: Shop) -> None:
    """Not that of the devices of today: there may be none, or others."""
    at = MONDAY + 4 * DAY
    cell = shop.factory.cell(at, visits=60, k=20)
    shop.says("window", shop.factory.encoded(cell, start=at), at)
    with shop.engine.connect() as connection:
        here = {(shop.ids["acme"], shop.ids[key]) for key in ("pudong-1", "puxi-1")}
        assert latest_k(connection, here) == {shop.ids["puxi-1"]: 20}


def free_point(shop: Shop) -> UUID:
    with shop.engine.connect() as connection:
        store = queries.store_by_id(connection, Scope.everything(), shop.ids["pudong-1"])
        return queries.points(connection, store)[1].ref.point_id


def test_of_what_overlaps_the_latest_stands_and_the_strictest_k() -> None:
    spans = ((days(0, 2), Terms(OLD, 20)), (days(2, 4), Terms(NEW, 10)))
    both = InForce(spans)
    assert both.during(days(0, 1)) == Terms(OLD, 20)
    assert both.during(days(2, 9)) == Terms(NEW, 10)
    assert both.throughout == Terms(Expectations(10, 60, (OLD,)), 20)
    assert both.during(days(4, 5)) == InForce().throughout == Terms()


def test_a_row_is_kept_of_each_change_and_of_no_repetition(either: Engine, tmp_path: Path) -> None:
    shop = Shop(either, tmp_path)
    for told, at in ((NEW, 4 * DAY), (OLD, 5 * DAY), (NEW, 5 * DAY), (OLD, 3 * DAY)):
        shop.reports(told, MONDAY + at)
    assert kept(either) == [
        (MONDAY, 180),
        (MONDAY + 2 * DAY - HOUR, 60),
        (MONDAY + 5 * DAY, 180),
    ], "the clock that was set back at the end does not make the past"
    retain(either, MONDAY + timedelta(days=5 * 365 + 4))
    assert kept(either)[0] == (MONDAY + 2 * DAY - HOUR, 60), "still in force five years ago"
    assert len(kept(either)) == 2


def kept(engine: Engine) -> list[tuple[datetime, float]]:
    with engine.connect() as connection:
        rows = connection.execute(select(device_terms).order_by(device_terms.c.since))
        return [(row.since, row.serve_within_s) for row in rows]
