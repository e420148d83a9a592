"""The weeks of a simulated chain's regions, and all figures of weeks as they may be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, Engine

from server.database import writer
from server.periods import Period, StoreTime, monday_of
from server.rollups.calendar import Grain
from server.rollups.covered import covered_in, covered_of
from server.rollups.job import rolled_store
from server.rollups.regions import Tree, label_of, roll_region, tree_of
from server.rollups.standing import Week, write_standing
from server.rollups.writing import read_rollups
from server.simulating.chain import Chain
from server.terms import expectations_of
from server.unions import Union
from server.unseen import Unseen, Watch, length_in_ms, unseen


def stand(engine: Engine, chain: Chain, org_id: UUID, now: datetime) -> None:
    """Make them, a week in a transaction, after the roll-ups of all stores are there."""
    first, last = monday_of(chain.start), monday_of(chain.end)
    with engine.connect() as connection:
        tree = tree_of(connection, org_id)
        stores = [_Store.of(connection, org_id, one, Days(first, last), now) for one in tree.stores]
    for number in range(first.toordinal(), last.toordinal() + 1, 7):
        with writer(engine).begin() as connection:
            _stand_week(connection, tree, stores, date.fromordinal(number))


@dataclass(frozen=True, slots=True)
class Days:
    """From the Monday of the first week to that of the last one."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class _Store:
    """A store, and the opening time of each of its points about which nothing came."""

    store_id: UUID
    time: StoreTime
    unseen: Unseen

    @classmethod
    def of(
        cls, connection: Connection, org_id: UUID, store_id: UUID, weeks: Days, now: datetime
    ) -> "_Store":
        """All weeks at once: a chain has tens of thousands."""
        rolled = rolled_store(connection, org_id, store_id)
        time = rolled.time
        whole = Period(time.week_of(weeks.first).start, time.week_of(weeks.last).end)
        watch = Watch(org_id, rolled.points, time, rolled.rulings)
        return cls(store_id, time, unseen(connection, watch, whole, now))

    def unseen_ms(self, week: Period) -> int:
        """Of one of them."""
        return sum(length_in_ms(one, week) for one in self.unseen.values())


def _stand_week(connection: Connection, tree: Tree, stores: Sequence[_Store], monday: date) -> None:
    for one in stores:
        period = one.time.week_of(monday)
        union = _rolled(connection, tree, one.store_id, period)
        if union is not None:
            asked = expectations_of(connection, tree.org_id, [one.store_id], period)
            covered = covered_of(union, one.unseen_ms(period))
            week = Week(tree.org_id, one.store_id, monday)
            write_standing(connection, week, union, asked, covered)
    for subject_id in tree.from_below(tree.parents):
        roll_region(connection, tree, subject_id, monday)
        union = _rolled(connection, tree, subject_id, label_of(monday))
        if union is not None:
            below = tree.stores_below(subject_id)
            asked = expectations_of(connection, tree.org_id, below, label_of(monday))
            covered = covered_in(connection, tree.org_id, below, monday, monday)
            week = Week(tree.org_id, subject_id, monday)
            write_standing(connection, week, union, asked, covered)


def _rolled(connection: Connection, tree: Tree, subject_id: UUID, period: Period) -> Union | None:
    found = read_rollups(connection, tree.org_id, [subject_id], [Grain.WEEK], period)
    return found[0].union if found else None
