"""The weeks of a simulated chain's regions, and all figures of weeks as they may be shown."""

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, Engine, select

from server.database import writer
from server.periods import Period, monday_of
from server.queries import time_of
from server.rollups.calendar import Grain
from server.rollups.regions import Tree, label_of, roll_region, tree_of
from server.rollups.standing import Week, write_standing
from server.rollups.writing import read_rollups
from server.schema.identity import store
from server.simulating.chain import Chain
from server.terms import expectations_of


def stand(engine: Engine, chain: Chain, org_id: UUID) -> None:
    """Make them, a week in a transaction, after the roll-ups of all stores are there."""
    first, last = monday_of(chain.start), monday_of(chain.end)
    for number in range(first.toordinal(), last.toordinal() + 1, 7):
        with writer(engine).begin() as connection:
            _stand_week(connection, org_id, date.fromordinal(number))


def _stand_week(connection: Connection, org_id: UUID, monday: date) -> None:
    tree = tree_of(connection, org_id)
    rows = connection.execute(select(store).where(store.c.org_id == org_id))
    times = {row.store_id: time_of(row) for row in rows}
    for store_id in tree.stores:
        _stand_one(
            connection, Week(org_id, store_id, monday), times[store_id].week_of(monday), tree
        )
    for subject_id in tree.from_below(tree.parents):
        roll_region(connection, tree, subject_id, monday)
        _stand_one(connection, Week(org_id, subject_id, monday), label_of(monday), tree)


def _stand_one(connection: Connection, week: Week, period: Period, tree: Tree) -> None:
    subject_id = week.subject_id
    found = read_rollups(connection, week.org_id, [subject_id], [Grain.WEEK], period)
    if not found:
        return
    stores = [subject_id] if subject_id in tree.stores else tree.stores_below(subject_id)
    asked = expectations_of(connection, week.org_id, stores, period)
    write_standing(connection, week, found[0].union, asked)
