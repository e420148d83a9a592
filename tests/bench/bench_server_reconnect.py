"""Devices that all come back at once with a backlog, while others make new windows.

    python tests/bench/bench_server_reconnect.py --devices 2000 --backlog 1440

Late is a new window by the time from its making to the signed acknowledgement at its device;
those of devices without a backlog, one window a device each `--every` seconds. Nothing is scaled
up: what was run is what the table says (30 days of windows of half an hour are 1,440 a device).
"""

import argparse
import threading
import time

from server.clock import now_utc
from server.ingest.pool import IngestPool
from tests.bench.bench_server_ingest import all_once, first_of, plan_of, wait_connected
from tests.bench.ingest_load import Load, Payloads, Sender, check_signatures, name_of
from tests.bench.ingest_stand import load_average, standing


def main() -> None:
    """Reconnect, drain, and print the table."""
    options = _options()
    everyone = options.devices + options.fresh
    payloads = Payloads(first_of(options.backlog + 200))
    late = [Sender(name_of(n), options.backlog, payloads, []) for n in range(options.devices)]
    fresh = [Sender(name_of(n), 0, payloads, []) for n in range(options.devices, everyone)]
    with standing(everyone) as stand:
        pool = IngestPool(plan_of(stand), options.workers, now_utc)
        pool.start()
        wait_connected(pool)
        load = Load(stand.broker.port, late + fresh, open_ended=True)
        began_s, before = time.monotonic(), load_average()
        load.connect_all()
        up_s = time.monotonic() - began_s
        thread = threading.Thread(target=load.run, args=(began_s + options.limit,))
        thread.start()
        made = _make_new(fresh, late, options.every, began_s + options.limit)
        drained_s = time.monotonic() - began_s
        load.open_ended = False
        thread.join()
        load.close()
        pool.stop()
        whole = all(one.settled >= one.total for one in late + fresh)
        total = sum(one.total for one in late + fresh)
        once = stand.counts() == all_once(total)
        check_signatures(late + fresh, stand.key.public_hex)
    worst_s = max((_late_s(one, made) for one in fresh), default=0.0)
    print(
        "| devices | backlog each | connected in s | drained in s | windows/s | latest new one s ",
        end="",
    )
    print("| all stored once | load before; after |\n|---|---|---|---|---|---|---|---|")
    rate = options.devices * options.backlog / drained_s
    print(
        f"| {options.devices:,} | {options.backlog:,} | {up_s:.1f} | {drained_s:.0f} | {rate:,.0f} "
        f"| {worst_s:.1f} | {'yes' if whole and once else 'NO'} | {before}; {load_average()} |"
    )


def _make_new(
    fresh: list[Sender], late: list[Sender], every_s: float, until_s: float
) -> list[float]:
    """Give each fresh device a window at intervals, while the others drain; when each was made."""
    made: list[float] = []
    while time.monotonic() < until_s and any(one.settled < one.total for one in late):
        made.append(time.monotonic())
        for one in fresh:
            one.total += 1
        time.sleep(every_s)
    return made


def _late_s(one: Sender, made: list[float]) -> float:
    """How long the latest of a device's windows took, from its making to its acknowledgement."""
    worst_s, told = 0.0, sorted(one.acks)
    for sequence, made_s in enumerate(made, 1):
        heard = (at for at, payload in told if _up_to(payload) >= sequence)
        worst_s = max(worst_s, next(heard, time.monotonic()) - made_s)
    return worst_s


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
