"""Do the 95 % intervals of a store's week hold what is really true, in 93 to 97 of 100 cells?

A chain is simulated (`server.simulating`), whose truth is known; it is loaded as
`encounter-server simulate` does it, and the figures of each store's whole weeks are read from
its roll-ups. Three intervals of the same visits stand beside each other:

* as shown: sampling, bucket width, measuring error, rounded outwards to the steps of shares;
* bucketed: sampling and the width of the buckets in which cells travel;
* sampling: the visits in the finest buckets, straight within them, nothing added.

The simulated times are exact: nobody measured them. So the first interval, which makes room
for errors of measuring, should hold more often than 95 %, and the last as often. With
`--measured` every time has the errors that the accuracy benchmark found; then the first one
is put to the test, and the others show what would hold without its room.

usage: python tests/bench/bench_server_truth.py [--stores 40] [--weeks 13] [--seed 7] [--measured]
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
from firmware_cfg.histogram import Histogram
from server import statistics
from server.clock import now_utc
from server.database import open_database, sqlite_url
from server.figures import PointFigures, point_figures
from server.life_table import Row, band, rows_of, survival, wilson
from server.rollups.bodies import from_json
from server.rollups.calendar import Grain
from server.schema.rollups import rollup
from server.simulating import stream
from server.simulating.building import built
from server.simulating.chain import Chain, PlannedStore, planned_chain
from server.simulating.loading import Target, load_chain
from server.simulating.service import EXPECTED, parties
from server.simulating.truth import true_figures
from server.simulating.where import Where, placed_stores
from server.statistics import Quantile, Share
from server.unions import Measure, Union
from tests.bench.measured_parties import measured

Interval = tuple[float, float]
THIN_VISITS_H = 4.0
WAYS = ("as shown", "bucketed", "sampling")
SHARES = {
    "served_within": (Measure.WAITING, EXPECTED.serve_within_s),
    "greeted_within": (Measure.GREETING, EXPECTED.greet_within_s),
}
RATES = {
    "abandoned": Measure.ABANDONED,
    "flawless": Measure.FLAWLESS,
    "recovered": Measure.RECOVERED,
}
QUANTILES = {
    "waiting_median": (Measure.WAITING, 0.5),
    "waiting_p90": (Measure.WAITING, 0.9),
    "greeting_median": (Measure.GREETING, 0.5),
    "greeting_p90": (Measure.GREETING, 0.9),
    "interaction_median": (Measure.INTERACTION, 0.5),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One figure of one store's week."""

    figure: str
    kind: str
    truth: float
    intervals: dict[str, Interval]

    def holds(self, way: str) -> bool:
        """Whether an interval holds the truth."""
        low, high = self.intervals[way]
        return low - 1e-9 <= self.truth <= high + 1e-9


def as_shown(figures: PointFigures) -> dict[str, Interval]:
    """The intervals that pages and API show."""
    found = {}
    for name in (*SHARES, *RATES, *QUANTILES):
        one = getattr(figures, name)
        if isinstance(one, Share):
            found[name] = (one.low, one.high)
        elif isinstance(one, Quantile) and one.value_s is not None:
            found[name] = (one.low_s, math.inf if one.high_s is None else one.high_s)
    return found


def of_parts(
    union: Union,
    share: Callable[[Histogram, float], Interval | None],
    quantile: Callable[[Histogram, float], Interval | None],
) -> dict[str, Interval]:
    """Intervals of a union's measures, without measuring error."""
    found: dict[str, Interval | None] = {}
    for asked, how in ((SHARES, share), (QUANTILES, quantile)):
        for name, (measure, limit) in asked.items():
            part = union.parts.get(measure)
            if part is not None and part.times is not None:
                found[name] = how(part.times, limit)
    for name, measure in RATES.items():
        part = union.parts.get(measure)
        if part is not None:
            found[name] = wilson(part.counts[0], part.counts[1])
    return {name: one for name, one in found.items() if one is not None}


def bucketed_share(times: Histogram, within_s: float) -> Interval | None:
    """With the width of the bucket that holds the limit."""
    one = statistics.share_within(times, within_s)
    return None if one is None else (one.low, one.high)


def bucketed_quantile(times: Histogram, q: float) -> Interval | None:
    """Out to the ends of the buckets."""
    one = statistics.quantile(times, q)
    if one is None or one.value_s is None:
        return None
    return one.low_s, math.inf if one.high_s is None else one.high_s


def sampled_share(times: Histogram, within_s: float) -> Interval | None:
    """Wilson's interval of the share, straight within the bucket; nothing is censored here."""
    one = statistics.share_within(times, within_s)
    return None if one is None else wilson(one.value * one.base, one.base)


def sampled_quantile(times: Histogram, q: float) -> Interval | None:
    """Where the band of the curve passes 1 - q, straight within buckets."""
    rows, base = rows_of(times), times.total()
    steps = survival(rows, 0.5)
    if not steps or steps[-1].value > 1 - q:
        return None
    lows, highs = zip(*(band(step, base) for step in steps), strict=True)
    return _crossing(rows, lows, 1 - q), _crossing(rows, highs, 1 - q)


def _crossing(rows: Sequence[Row], curve: Sequence[float], level: float) -> float:
    before = 1.0
    for row, value in zip(rows, curve, strict=True):
        if value <= level < before:
            return row.lower_s + (before - level) / (before - value) * (row.upper_s - row.lower_s)
        before = value
    return math.inf


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
    chain: Chain, one: PlannedStore, where: Where, weeks: dict[date, Union]
) -> Iterator[Found]:
    """Every figure of every week of a store that may be shown."""
    fine = fine_weeks(chain, one, where)
    for monday, union in weeks.items():
        truth = true_figures(one.service_on(monday)).told(one.team_size)
        figures = point_figures(union, EXPECTED)
        if not isinstance(figures, PointFigures):
            continue
        shown = as_shown(figures)
        bucketed = of_parts(union, bucketed_share, bucketed_quantile)
        sampled = of_parts(fine[monday], sampled_share, sampled_quantile)
        for name in shown.keys() & truth.keys() & bucketed.keys() & sampled.keys():
            ways = dict(zip(WAYS, (shown[name], bucketed[name], sampled[name]), strict=True))
            yield Found(name, kind_of(one), truth[name], ways)


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
                found += found_of(chain, one, where, weeks_of(connection, where))
        engine.dispose()
    return found


def table(title: str, found: Iterable[Found], key: Callable[[Found], str]) -> None:
    """Print in how many cells each interval holds, and how wide it is."""
    groups: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        groups[key(one)].append(one)
    heads = "".join(f"{way:>12} {'±':>7}" for way in WAYS)
    print(f"\n{title:<24}{'cells':>7}{heads}")
    for name, ones in groups.items():
        cells = "".join(
            f"{100 * sum(one.holds(way) for one in ones) / len(ones):>11.1f}% {_half(ones, way):>7}"
            for way in WAYS
        )
        print(f"{name:<24}{len(ones):>7}{cells}")


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
    order = {name: place for place, name in enumerate((*SHARES, *RATES, *QUANTILES))}
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
