"""Is what the page of changes names really so, and does it name what really changed?

Chains are simulated (`server.simulating`), whose times change in some stores on a known day and
stay as they are in the others; each is loaded as `encounter-server simulate` does it, and the
changes of its stores are asked for as the page asks. A figure has *truly* changed where the true
figures before and after a day within the twelve weeks differ by what is noteworthy.

usage: python -m tests.bench.bench_server_changes [--stores 40] [--weeks 14] [--seeds 1 2 3 4]
"""

import argparse
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from server.changes import (
    FIGURES,
    NOTEWORTHY,
    SLOWER,
    WAITING,
    WEEKS,
    Change,
    changes,
    last_whole_week,
)
from server.clock import now_utc
from server.database import open_database, sqlite_url
from server.level_shifts import FEWEST_WEEKS
from server.periods import monday_of
from server.scope import Scope
from server.simulating.chain import Chain, PlannedStore, planned_chain
from server.simulating.loading import Target, load_chain
from server.simulating.truth import true_figures
from server.standings import Kind

Asked = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """Of one chain: what is named, what is true, and how far the weeks are off."""

    figures: int
    named: int
    untrue: int
    true: int
    found: int
    on_the_week: int
    held: int


def true_changes(store: PlannedStore, first: date, last: date) -> Iterator[tuple[str, date, float]]:
    """Figures that truly changed in the weeks from `first` to `last`: when, and by how much."""
    for day in store.regimes()[1:]:
        monday = monday_of(day)
        least = timedelta(weeks=FEWEST_WEEKS)
        if not first + least <= monday <= last + timedelta(weeks=1) - least:
            continue
        before = true_figures(store.service_on(day - timedelta(days=1))).told(store.team_size)
        after = true_figures(store.service_on(day)).told(store.team_size)
        for figure in before.keys() & set(FIGURES):
            if figure == WAITING:
                by = after[figure] / before[figure] - 1
                large = abs(math.log1p(by)) >= math.log(SLOWER)
            else:
                by = after[figure] - before[figure]
                large = abs(by) >= NOTEWORTHY
            if large:
                yield figure, monday, by


def judged(chain: Chain, named: Mapping[Asked, Change], first: date, last: date) -> Row:
    """What was named of the stores beside what is true of them."""
    changing = {one.name for one in chain.stores if len(one.regimes()) > 1}
    true = {
        (store.name, figure): (monday, by)
        for store in chain.stores
        for figure, monday, by in true_changes(store, first, last)
    }
    found = {key: named[key] for key in true.keys() & named.keys()}
    return Row(
        figures=len(chain.stores) * len(FIGURES),
        named=len(named),
        untrue=sum(name not in changing for name, _ in named),
        true=len(true),
        found=len(found),
        on_the_week=sum(one.since == true[key][0] for key, one in found.items()),
        held=sum(one.low <= true[key][1] <= one.high for key, one in found.items()),
    )


def run(stores: int, weeks: int, seed: int) -> Row:
    """Simulate, load and judge."""
    now = now_utc()
    chain = planned_chain(stores, 7 * weeks, seed, now.date() - timedelta(days=7 * weeks))
    last = last_whole_week(now)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(sqlite_url(Path(folder) / "encounter.db"))
        load_chain(chain, Target(engine, 1, now), lambda _: None)
        with engine.connect() as connection:
            found = changes(connection, Scope.everything(), now)
        engine.dispose()
    named = {(one.subject.name, one.figure): one for one in found if one.kind is Kind.STORE}
    return judged(chain, named, last - timedelta(weeks=WEEKS - 1), last)


def main() -> None:
    """Print the table."""
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    command.add_argument("--stores", type=int, default=40)
    command.add_argument("--weeks", type=int, default=14)
    command.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    chosen = command.parse_args()
    print(
        "| seed | figures | named | of stores where nothing changed | truly changed "
        "| of these named | on the true week | true size inside the range |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for seed in chosen.seeds:
        row = run(chosen.stores, chosen.weeks, seed)
        print(
            f"| {seed} | {row.figures} | {row.named} | {row.untrue} | {row.true} | {row.found} "
            f"| {row.on_the_week} | {row.held} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
