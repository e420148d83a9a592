"""Devices that all come back at once with a backlog, while others make new windows.

    python -m tests.bench.bench_server_reconnect --devices 2000 --backlog 1440
    python -m tests.bench.bench_server_reconnect --devices 2000 --backlog 60

Late is a new window by the time from its making to the signed acknowledgement at its device;
those of devices without a backlog, one window a device each `--every` seconds. Nothing is scaled
up: what was run is what the table says (30 days of windows of half an hour are 1,440 a device).
A backlog of at most `MOST_MADE` windows is made before the clock starts, a longer one meanwhile,
by the load, which then takes some of the processors' time. Each device says its birth, and the
server answers how far it is settled.
"""

import argparse
import threading
import time
from bisect import bisect_left

from server.clock import now_utc
from server.ingest.pool import IngestPool
from tests.bench.bench_server_ingest import all_once, first_of, plan_of, wait_connected
from tests.bench.ingest_load import Load, Payloads, Sender, check_signatures, name_of
from tests.bench.ingest_stand import load_average, standing

MOST_MADE = 300_000
HEAD = (
    "| devices | backlog each | all connected in s | drained in s | windows/s "
    "| new windows | late: 95th percentile, worst, s | all stored once | load before; after |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Reconnect, drain, and print the table."""
    options = _options()
    everyone = options.devices + options.fresh
    payloads = Payloads(first_of(options.backlog + 200))
    names = [name_of(number) for number in range(everyone)]
    late = [_backlogged(name, payloads, options) for name in names[: options.devices]]
    fresh = [Sender(name, 0, payloads, []) for name in names[options.devices :]]
    with standing(everyone) as stand:
        pool = IngestPool(plan_of(stand), options.workers, now_utc)
        pool.start()
        wait_connected(pool)
        load = Load(stand.broker.port, late + fresh, open_ended=True, births=True)
        began_s, before = time.monotonic(), load_average()
        load.connect_all()
        thread = threading.Thread(target=load.run, args=(began_s + options.limit,))
        thread.start()
        made = _make_new(fresh, late, options.every, began_s + options.limit)
        drained_s = time.monotonic() - began_s
        load.open_ended = False
        thread.join()
        load.close()
        pool.stop()
        whole = all(one.settled >= one.total for one in late + fresh)
        once = stand.counts() == all_once(sum(one.total for one in late + fresh))
        check_signatures(late + fresh, stand.key.public_hex)
    up_s = max(one.connected_at_s for one in late + fresh) - began_s
    ages_s = sorted(age_s for one in fresh for age_s in _ages_s(one, made))
    rate = sum(min(one.settled, one.total) for one in late) / drained_s
    print(HEAD)
    print(
        f"| {options.devices:,} | {options.backlog:,} | {up_s:.1f} | {drained_s:.0f} | {rate:,.0f} "
        f"| {len(ages_s):,} | {ages_s[len(ages_s) * 95 // 100]:.1f}, {ages_s[-1]:.1f} "
        f"| {'yes' if whole and once else 'NO'} | {before}; {load_average()} |"
    )


def _backlogged(name: str, payloads: Payloads, options: argparse.Namespace) -> Sender:
    """A device with its backlog, made beforehand where that is not too much."""
    few = options.devices * options.backlog <= MOST_MADE
    made = [payloads.packed(name, n) for n in range(1, options.backlog + 1)] if few else []
    return Sender(name, options.backlog, payloads, made)


def _make_new(
    fresh: list[Sender], late: list[Sender], every_s: float, until_s: float
) -> list[float]:
    """Give each fresh device a window at intervals, while the others drain; when each was made."""
    made: list[float] = []
    next_s = time.monotonic()
    while time.monotonic() < until_s and any(one.settled < one.total for one in late):
        if time.monotonic() >= next_s:
            made.append(time.monotonic())
            next_s += every_s
            for one in fresh:
                one.total += 1
        time.sleep(0.2)
    return made


def _ages_s(one: Sender, made: list[float]) -> list[float]:
    """How long each of a device's windows took, from its making to its acknowledgement."""
    told = sorted((_up_to(payload), at_s) for at_s, payload in one.acks)
    settled = [up_to for up_to, _ in told]
    ages_s = []
    for sequence, made_s in enumerate(made, 1):
        place = bisect_left(settled, sequence)
        ages_s.append((told[place][1] if place < len(told) else time.monotonic()) - made_s)
    return ages_s


def _up_to(payload: bytes) -> int:
    return int(payload.partition(b'"up_to":')[2].partition(b",")[0])


def _options() -> argparse.Namespace:
    one = argparse.ArgumentParser(description=__doc__)
    one.add_argument("--devices", type=int, default=2000)
    one.add_argument("--backlog", type=int, default=1440, help="windows of each")
    one.add_argument("--fresh", type=int, default=50, help="devices without a backlog")
    one.add_argument("--every", type=float, default=5.0, help="s between their windows")
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("--limit", type=float, default=1800.0, help="seconds at most")
    return one.parse_args()


if __name__ == "__main__":
    main()
