"""Whether anything is lost or doubled when workers, broker, database and server are killed.

    python tests/bench/bench_server_kills.py --kills 100

Devices make windows all the time. At random, one of the four is ended by SIGKILL and, but for a
worker, which its server starts again, started again. In the end every window must be in the
database once, and acknowledged. A device sends again after 3 s here (30 s in operation).
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.bench_server_ingest import all_once, first_of
from tests.bench.ingest_load import Load, Payloads, Sender, check_signatures, name_of
from tests.bench.ingest_stand import Stand, load_average, standing
from tests.brokers import free_port
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
VICTIMS = ("worker", "broker", "database", "server")
RESEND_S = 3.0
END_WITHIN_S = 40.0
"""A worker that has not begun loads its code first, for seconds where the machine is busy."""
MOVES_WITHIN_S = 120.0


@dataclass(slots=True)
class Server:
    """`encounter-server run`, with workers of its own."""

    stand: Stand
    workers: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it need not be ready."""
        with (self.stand.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "server", "run", "--state", str(self.stand.folder)),
                    *("--broker", f"127.0.0.1:{self.stand.broker.port}"),
                    *("--http", f"127.0.0.1:{self.port}", "--database", self.stand.url),
                    *("--workers", str(self.workers), "--subscription", "shared"),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def supervise(self) -> None:
        """Start it again if it ended, as systemd does: without its database it does not start."""
        if self.process is not None and self.process.poll() is not None:
            self.start()

    def worker_pids(self) -> list[int]:
        """Its workers' processes."""
        if self.process is None or self.process.poll() is not None:
            return []
        found = []
        for one in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it has just ended
                if "spawn_main" in " ".join(one.cmdline()):
                    found.append(one.pid)
        return found

    def kill(self) -> None:
        """End it and wait for its workers, which must not outlive it."""
        if self.process is None:
            return
        pids = self.worker_pids()
        self.process.kill()
        self.process.wait()
        until_s = time.monotonic() + END_WITHIN_S
        while any(map(_runs, pids)):
            if time.monotonic() > until_s:
                raise RuntimeError(f"workers {pids} outlive their server")
            time.sleep(0.1)


def _runs(pid: int) -> bool:
    """Whether a process is there, and not only its entry that nobody has fetched yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run(
    stand: Stand, kills: int, *, devices: int, each: int, seed: int, workers: int = 2
) -> Counter[str]:
    """Kill at random while devices send; how often each was killed.

    Args:
        stand: a new one, with PostgreSQL.
        kills: how many.
        devices: that send.
        each: windows that each device makes between two kills.
        seed: of the order.
        workers: of the server.

    Raises:
        RuntimeError: something was lost, doubled or not acknowledged.
    """
    rng = random.Random(seed)  # noqa: S311 a schedule, not a secret
    payloads = Payloads(first_of(each * (kills + 1)))
    senders = [Sender(name_of(n), each, payloads, []) for n in range(devices)]
    for one in senders:
        one.resend_s = RESEND_S
    load = Load(stand.broker.port, senders, open_ended=True)
    server = Server(stand, workers)
    server.start()
    load.connect_all()
    whole: list[bool] = []
    thread = threading.Thread(target=lambda: whole.append(load.run(time.monotonic() + 3600)))
    thread.start()
    killed: Counter[str] = Counter()
    try:
        for _ in range(kills):
            _until_it_moves(load, server)
            time.sleep(rng.uniform(0.0, 2.0))
            killed[_kill(stand, server, rng)] += 1
            for one in senders:
                one.total += each
    finally:
        load.open_ended = False
        _until_all(load, server, thread)
        load.close()
        server.kill()
    _check(stand, senders, devices * each * (kills + 1))
    return killed


def _until_it_moves(load: Load, server: Server) -> None:
    """Wait until something more is acknowledged: each kill is of a system that works.

    Raises:
        RuntimeError: nothing was, for minutes.
    """
    before, until_s = load.settled, time.monotonic() + MOVES_WITHIN_S
    while load.settled == before:
        server.supervise()
        if time.monotonic() > until_s:
            raise RuntimeError(f"nothing acknowledged; {_log_end(server.stand)}")
        time.sleep(0.1)


def _until_all(load: Load, server: Server, thread: threading.Thread) -> None:
    """Wait until everything is acknowledged, or nothing moves any more."""
    seen, until_s = load.settled, time.monotonic() + MOVES_WITHIN_S
    while thread.is_alive() and time.monotonic() < until_s:
        server.supervise()
        thread.join(0.5)
        if load.settled != seen:
            seen, until_s = load.settled, time.monotonic() + MOVES_WITHIN_S
    load.give_up = True
    thread.join()


def _kill(stand: Stand, server: Server, rng: random.Random) -> str:
    victim = rng.choice(VICTIMS)
    pids = server.worker_pids()
    if victim == "worker" and pids:
        os.kill(rng.choice(pids), signal.SIGKILL)
        return victim
    if victim == "broker":
        stand.broker.restart()
        return victim
    if victim == "database" and stand.postgres is not None:
        _crash(stand.postgres)
        stand.postgres.start()
        return victim
    server.kill()
    server.start()
    return "server"


def _crash(postgres: Postgres) -> None:
    """Kill -9 PostgreSQL and all its processes: it must recover from its log."""
    pid = int((postgres.folder / "data" / "postmaster.pid").read_text("ascii").split()[0])
    parent = psutil.Process(pid)
    them = [parent, *parent.children(recursive=True)]
    for one in them:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(them, END_WITHIN_S)


def _check(stand: Stand, senders: list[Sender], windows: int) -> None:
    open_ones = [(one.name, one.settled, one.total) for one in senders if one.settled < one.total]
    if open_ones:
        raise RuntimeError(f"not acknowledged: {open_ones[:5]}; {_log_end(stand)}")
    counts = stand.counts()
    if counts != all_once(windows):
        raise RuntimeError(f"expected {windows} windows once, found {counts}")
    check_signatures(senders, stand.key.public_hex)


def _log_end(stand: Stand) -> str:
    return (stand.folder / "server.log").read_text("utf-8")[-3000:]


def main() -> None:
    """Kill, and print what became of it."""
    one = argparse.ArgumentParser(description=__doc__)
    one.add_argument("--kills", type=int, default=100)
    one.add_argument("--devices", type=int, default=50)
    one.add_argument("--each", type=int, default=4, help="windows of a device between two kills")
    one.add_argument("--seed", type=int, default=1)
    options = one.parse_args()
    began_s = time.monotonic()
    with standing(options.devices) as stand:
        killed = run(
            stand, options.kills, devices=options.devices, each=options.each, seed=options.seed
        )
        counts = stand.counts()
    print("| killed | windows | stored | lost | doubled | s | load |")
    print("|---|---|---|---|---|---|---|")
    said = ", ".join(f"{name} {count}" for name, count in sorted(killed.items()))
    total = options.devices * options.each * (options.kills + 1)
    took_s = time.monotonic() - began_s
    print(
        f"| {said} | {total:,} | {counts['window']:,} | 0 | 0 | {took_s:.0f} | {load_average()} |"
    )


if __name__ == "__main__":
    main()
