"""Do the 95 % intervals of a store's week hold what is really true, in 93 to 97 of 100 cells?

A chain is simulated (`server.simulating`), whose truth is known; it is loaded as
`encounter-server simulate` does it, and the figures of each store's whole weeks are read from
its roll-ups. Three intervals of the same visits stand beside each other:

* as shown: chance, places in buckets, errors of measuring;
* without errors: chance, and places in the buckets in which cells travel;
* chance: the same of the finest buckets.

The simulated times are exact: nobody measured them. So the first interval, which makes room
for errors of measuring, should hold more often than 95 %, and the others as often. With
`--measured` every time has the errors that the accuracy benchmark found, and visits are misjudged
as often as there; then the first one is put to the test, and the others show what would hold
without its room.

usage: python -m tests.bench.bench_server_truth [--stores 40] [--weeks 13] [--seed 7] [--measured]
"""

import argparse
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Connection, select

from firmware_cfg.accuracy import accuracies_of
from firmware_cfg.cells import PointKind
from server.clock import now_utc
from server.database import open_database, sqlite_url
from server.figures import PointFigures, point_figures
from server.measuring import Errors
from server.periods import Period
from server.rollups.bodies import from_json
from server.rollups.calendar import Grain
from server.rollups.evenness import NONE, Queues, even, queues_of
from server.schema.rollups import rollup
from server.simulating import stream
from server.simulating.building import built
from server.simulating.chain import Chain, PlannedStore, planned_chain
from server.simulating.loading import Target, load_chain
from server.simulating.service import EXPECTED, parties
from server.simulating.truth import true_figures
from server.simulating.where import Where, placed_stores
from server.statistics import Quantile, Share
from server.unions import Union
from tests.bench.measured_parties import measured

Interval = tuple[float, float]
THIN_VISITS_H = 4.0
WAYS = ("as shown", "without errors", "chance")
SHARES = (
    *("served_within", "greeted_within", "left_unserved", "abandoned"),
    *("flawless", "recovered"),
)
QUANTILES = (
    *("waiting_median", "waiting_p90", "greeting_median", "greeting_p90"),
    "interaction_median",
)


@dataclass(frozen=True, slots=True)
class Found:
    """One figure of one store's week; without intervals it was withheld."""

    figure: str
    kind: str
    truth: float
    intervals: dict[str, Interval]

    def holds(self, way: str) -> bool:
        """Whether an interval holds the truth."""
        low, high = self.intervals[way]
        return low - 1e-9 <= self.truth <= high + 1e-9


def intervals_of(figures: PointFigures) -> dict[str, Interval]:
    """The intervals of the figures that are there, by name."""
    found = {}
    for name in (*SHARES, *QUANTILES):
        one = getattr(figures, name)
        if isinstance(one, Share):
            found[name] = (one.low, one.high)
        elif isinstance(one, Quantile) and one.value_s is not None:
            found[name] = (one.low_s, math.inf if one.high_s is None else one.high_s)
    return found


def kind_of(one: PlannedStore) -> str:
    """What may make a store's intervals special."""
    if any(point.kind is PointKind.QUEUE for point in one.points):
        return "queue before counters"
    return "thin cells" if one.visits_h < THIN_VISITS_H else "counters"


def weeks_of(connection: Connection, where: Where) -> dict[date, Union]:
    """A store's weeks, by their Monday, from the roll-ups."""
    rows = connection.execute(
        select(rollup.c.start_at, rollup.c.body).where(
            rollup.c.org_id == where.org_id,
            rollup.c.subject_id == where.store_id,
            rollup.c.grain == Grain.WEEK.value,
        )
    )
    return {where.time.trading_day(row.start_at): from_json(row.body) for row in rows}


def fine_weeks(chain: Chain, one: PlannedStore, where: Where) -> dict[date, Union]:
    """The same visits in the finest buckets."""
    return {
        where.time.trading_day(row["start_at"]): from_json(row["body"])
        for row in built(chain, one, where, scale=5).rollups
        if row["subject_id"] == where.store_id and row["grain"] == Grain.WEEK.value
    }


def found_of(
    chain: Chain, one: PlannedStore, where: Where, weeks: dict[date, Union], queues: Queues
) -> Iterator[Found]:
    """Every figure of every week of a store."""
    fine = fine_weeks(chain, one, where)
    for monday, union in weeks.items():
        truth = true_figures(one.service_on(monday)).told(one.team_size)
        ways = []
        for of, errors in ((union, None), (union, Errors()), (fine[monday], Errors())):
            figures = point_figures(even(of, queues), EXPECTED, errors)
            ways.append(intervals_of(figures) if isinstance(figures, PointFigures) else {})
        for name in truth:
            there = all(name in way for way in ways)
            intervals = [way[name] for way in ways] if there else []
            yield Found(name, kind_of(one), truth[name], dict(zip(WAYS, intervals, strict=False)))


def run(stores: int, weeks: int, seed: int) -> list[Found]:
    """Simulate, load and judge."""
    now = now_utc()
    chain = planned_chain(stores, 7 * weeks, seed, now.date() - timedelta(days=7 * weeks))
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(sqlite_url(Path(folder) / "encounter.db"))
        load_chain(chain, Target(engine, 1, now), print)
        with engine.connect() as connection:
            places = placed_stores(connection, chain, now)
            for one in chain.stores:
                where = places[one.key]
                always = Period(now - timedelta(days=9_999), now)
                queues = queues_of(connection, where.org_id, [where.store_id], always)
                known = queues.get(where.store_id, NONE)
                found += found_of(chain, one, where, weeks_of(connection, where), known)
        engine.dispose()
    return found


def table(title: str, found: Iterable[Found], key: Callable[[Found], str]) -> None:
    """Print in how many cells each interval holds, and how wide it is."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        groups[key(one)].append(one)
    heads = "".join(f"{way:>15} {'±':>6}" for way in WAYS)
    print(f"\n{title:<24}{'cells':>7}{'withheld':>10}{heads}")
    for name, every in groups.items():
        ones = [one for one in every if one.intervals]
        cells = "".join(
            f"{100 * sum(one.holds(way) for one in ones) / len(ones):>14.1f}% {_half(ones, way):>6}"
            for way in WAYS
            if ones
        )
        print(f"{name:<24}{len(ones):>7}{len(every) - len(ones):>10}{cells}")


def _half(ones: Sequence[Found], way: str) -> str:
    """Half of an interval, on the average: points of a share, or percent of the true time."""
    halves = [
        (one.intervals[way][1] - one.intervals[way][0]) / 2 / (max(1, one.truth)) for one in ones
    ]
    known = [half for half in halves if half < math.inf]
    return f"{100 * sum(known) / len(known):.1f}" if known else "-"


def main() -> None:
    """Print the tables."""
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for option, default in (("stores", 40), ("weeks", 13), ("seed", 7)):
        command.add_argument(f"--{option}", type=int, default=default)
    command.add_argument("--measured", action="store_true", help="with errors of measuring")
    chosen = command.parse_args()
    (known,) = accuracies_of([(1, stream.MODEL)])
    draw = measured(parties, known) if chosen.measured else parties
    with patch.object(stream, "parties", draw):
        found = run(chosen.stores, chosen.weeks, chosen.seed)
    order = {name: place for place, name in enumerate((*SHARES, *QUANTILES))}
    found.sort(key=lambda one: order[one.figure])
    how = "with errors of measuring" if chosen.measured else "exact times"
    print(f"\n{chosen.stores} stores, {chosen.weeks} weeks, seed {chosen.seed}, {how}")
    print("±: half an interval; of a share in points, of a time in percent of the true one")
    table("by figure", found, lambda one: one.figure)
    for kind in sorted({one.kind for one in found}):
        of_kind = [one for one in found if one.kind == kind]
        table(kind, of_kind, lambda one: one.figure)
    table("by kind of store", found, lambda one: one.kind)
    table("all", found, lambda _: "all")


if __name__ == "__main__":
    main()
