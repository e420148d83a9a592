"""How long the pages take over a chain's history, on both engines, and how large they are.

    encounter-server simulate --state sim --stores 40 --days 395
    python -m tests.bench.copied_stores --database sqlite:///sim/encounter.db --stores 500
    python -m tests.bench.bench_server_queries --database sqlite:///sim/encounter.db --asks 100
    python -m tests.bench.bench_server_queries --stores 4 --days 60 --against 10

Without `--database` it makes a chain of its own, of busy stores that are all alike. With
`--against N`, a few stores with N times the history answer the same questions: what is asked
does not grow, so neither should its cost. At the end, how fast the job makes roll-ups.
"""

import time

from server.database import writer
from server.rollups.job import roll_up
from server.rollups_due import mark_days
from tests.bench.asking import (
    LAST,
    Chain,
    Question,
    ask_all,
    new_database,
    options_of,
)
from tests.bench.query_history import Sizes, fill_history

STORE = "/stores/{store}"
QUESTIONS = {
    "overview": Question("/"),
    "overview, one region": Question("/", {"region": "{region}"}),
    "changes": Question("/changes"),
    "store, today": Question(STORE, {"period": "today"}),
    "store, seven days": Question(STORE, {"period": "week"}),
    "store, 35 days": Question(STORE, {"period": "range", "first": "-34d", "last": "-0d"}),
    "store, 13 months": Question(STORE, {"period": "range", "first": "-394d", "last": "-0d"}),
    "fleet": Question("/fleet"),
    "privacy": Question("/privacy"),
    "store's privacy": Question(STORE + "/privacy"),
    "access log": Question("/access-log"),
    "accounts": Question("/accounts"),
}
COMPARED = {name: QUESTIONS[name] for name in list(QUESTIONS) if name != "store, 13 months"}
"""Questions about time that the shorter history holds too."""
ROLLED = 300


def main() -> None:
    """Ask, and print."""
    options = options_of(__doc__)
    ask_all(options, QUESTIONS, COMPARED)
    for name in options.engines:
        _job(name)


def _job(name: str) -> None:
    """How fast the job makes a day's roll-ups of many points."""
    with new_database(name) as engine:
        history = fill_history(engine, Sizes(ROLLED // 3, 7), LAST)
        now = Chain.of(engine).clock()
        marks = [(one, LAST) for one in history.points]
        with writer(engine).begin() as connection:
            mark_days(connection, history.org_id, marks, now)
        began, began_cpu = time.perf_counter(), time.process_time()
        done = roll_up(engine, now)
        took_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        print(
            f"\n{name}: a day's roll-ups of {done} points in {took_s:.1f} s ({cpu_s:.1f} s of CPU "
            f"here), {done / took_s:.0f} a second"
        )


if __name__ == "__main__":
    main()
