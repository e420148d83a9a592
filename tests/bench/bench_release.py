"""How much of what was counted reaches a page, at which grain, and how much leaves in a day.

Shops of several sizes are simulated over two whole months of the release calendar, through
the product's own windows, joining and release. Visits come by a daily curve, Poisson; a tenth
leaves the queue unserved. Then one day of everything that a device sends, in simulated time,
from an empty and from a full shop.

usage: python -m tests.bench.bench_release [--visits 8,20,80,300] [--window-s 900]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge.clock import Stamp
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import Visit
from firmware_cfg.codec import decode
from firmware_cfg.messages import Cell, Level, Window
from firmware_cfg.site import Site
from firmware_cfg.topics import Kind
from tests.audit.release.trace import Device, Sent, everything_sent

BEGINS = datetime(2027, 3, 1, 8, tzinfo=UTC)  # the Monday of March's first week
DAYS = 63  # the weeks of March and April
OPENS_H, CLOSES_H = 9, 18
DAY_S = 86_400.0
TARGET_BYTES = 200_000
SEED = 20270301
FROM_S = 2 * 3600.0
KINDS = (Kind.WINDOW, Kind.HEALTH, Kind.STATE, Kind.REPORTED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of two months.

    Attributes:
        came: visits.
        levels: of these, released by the level of their cell.
        cells: how many were released.
    """

    came: int
    levels: Counter[Level]
    cells: int

    @property
    def share(self) -> float:
        """Of all visits, those that reach a page."""
        return sum(self.levels.values()) / self.came


def visits_of(random: Random, a_day: float) -> list[Visit]:
    """Two months of visits, busiest around one and half past five."""
    found = []
    weights = [exp(-((h - 13) ** 2) / 4) + exp(-((h - 17.5) ** 2) / 2) + 0.3 for h in range(9, 18)]
    for day in range(DAYS):
        if (BEGINS + timedelta(days=day)).weekday() == 6:
            continue
        for hour, weight in enumerate(weights, OPENS_H):
            at_s = day * DAY_S + (hour - BEGINS.hour) * 3600.0
            end_s, rate = at_s + 3600.0, a_day * weight / sum(weights) / 3600.0
            while (at_s := at_s + random.expovariate(rate)) < end_s:
                found.append(one_of(random, at_s))
    return found


def one_of(random: Random, at_s: float) -> Visit:
    """A visit: served at the counter, or gone from the queue."""
    stay_s = round(random.lognormvariate(4.9, 0.6) + 10, 3)
    if random.random() < 0.1:
        return a_visit(round(at_s, 3), stay_s=stay_s, point="queue-1", at_queue=True)
    waited_s = round(random.uniform(2, 0.6 * stay_s), 3)
    return a_visit(
        round(at_s, 3), stay_s=stay_s, greeted_after_s=waited_s / 2, served_after_s=waited_s
    )


def released(a_day: float, window_s: int, *, off_at_night: bool) -> Outcome:
    """Two months of one shop; `off_at_night`: the power is cut when it closes."""
    site = a_site(
        privacy={"team_size": 5, "k": 10},
        encounter={"window_s": window_s, "window_settle_s": 1800},
        store={
            "opening": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), ("09:00-18:00",))
        },
    )
    outbox = MemoryOutbox()
    visits = visits_of(Random(f"{SEED} {a_day}"), a_day)  # noqa: S311 -- repeatable
    waiting = list(reversed(visits))
    reporter: Reporter | None = None
    for step in range(int((DAYS + 1) * DAY_S / 900)):
        now_s = step * 900.0
        now = BEGINS + timedelta(seconds=now_s)
        if off_at_night and now.hour >= CLOSES_H + 1:
            reporter = None
            continue
        if off_at_night and now.hour < BEGINS.hour:
            continue
        if reporter is None:
            reporter = _started(site, outbox, now_s)
        due = []
        while waiting and (waiting[-1].departed_s or 0.0) + 60 <= now_s:
            due.append(waiting.pop())
        reporter.observe(due, seen_s=now_s)
        reporter.tick(now, [])
    return _outcome(visits, outbox)


def _started(site: Site, outbox: MemoryOutbox, now_s: float) -> Reporter:
    stamp = Stamp()
    stamp.offer(now_s, BEGINS + timedelta(seconds=now_s), "rtc")
    return Reporter(site, outbox, "nanodet", stamp)


def _outcome(visits: list[Visit], outbox: MemoryOutbox) -> Outcome:
    cells: list[Cell] = []
    for message in outbox.messages:
        cells += decode(Window, message).cells
    levels: Counter[Level] = Counter()
    for cell in cells:
        levels[cell.level] += cell.visits
    return Outcome(len(visits), levels, len(cells))


def table_of_shares(sizes: Sequence[float], window_s: int) -> None:
    """Print what reaches a page, and by which periods it is shown there."""
    names = [level.value for level in Level]
    print(f"\nk = 10, windows of {window_s} s, {DAYS} days, 9 to 18 h, closed on Sundays\n")
    print("| visits a day | power | visits | reach a page | cells | " + " | ".join(names) + " |")
    print("|---|---|---|---|---|" + "---|" * len(names))
    for a_day in sizes:
        for off_at_night in (False, True):
            found = released(a_day, window_s, off_at_night=off_at_night)
            shares = (f"{found.levels[level] / found.came:.1%}" for level in Level)
            row = [
                f"{a_day:g}",
                "off at night" if off_at_night else "always on",
                f"{found.came}",
                f"{found.share:.1%}",
                f"{found.cells}",
                *shares,
            ]
            print("| " + " | ".join(row) + " |", flush=True)


def a_day_of_messages(visits: Sequence[Visit], window_s: int) -> list[Sent]:
    """What one device sends in 24 hours, always open, from two hours after its start on."""
    with tempfile.TemporaryDirectory() as folder:
        device = Device.made(Path(folder), always_open=True, window_s=window_s)
        sent = everything_sent(device, visits, FROM_S + DAY_S, step_s=10.0)
    return [one for one in sent if FROM_S <= one.at_s < FROM_S + DAY_S]


def table_of_bytes(window_s: int) -> None:
    """Print a day's payload, of an empty shop and of a full one."""
    random = Random(SEED)  # noqa: S311 -- repeatable
    full = [one_of(random, n * 60.0) for n in range(26 * 60 - 30)]
    days = {"empty": a_day_of_messages([], window_s), "full": a_day_of_messages(full, window_s)}
    print(f"\nMQTT payload of a day, windows of {window_s} s, always open; `full`: 1,440 visits\n")
    print("| shop | " + " | ".join(kind.value for kind in KINDS) + " | bytes a day | target |")
    print("|---|" + "---|" * (len(KINDS) + 2))
    for name, sent in days.items():
        parts = []
        for kind in KINDS:
            sizes = [len(one.payload) for one in sent if one.kind is kind]
            parts.append(f"{len(sizes)} x {max(sizes, default=0):,}")
        total = sum(len(one.payload) for one in sent)
        print(f"| {name} | " + " | ".join(parts) + f" | {total:,} | {TARGET_BYTES:,} |")
    lengths = [[(one.at_s, one.kind, len(one.payload)) for one in sent] for sent in days.values()]
    print(f"\nthe same times and lengths: {lengths[0] == lengths[1]}", flush=True)


def main() -> int:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--visits", default="8,20,80,300", help="visits a day, of each shop")
    options.add_argument("--window-s", type=int, default=900, choices=(900, 1800, 3600))
    asked = options.parse_args()
    table_of_bytes(asked.window_s)
    table_of_shares([float(one) for one in asked.visits.split(",")], asked.window_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
