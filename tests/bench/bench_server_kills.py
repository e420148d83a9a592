"""Whether anything is lost or doubled when workers, broker, database and server are killed.

    .venv/bin/python -m tests.bench.bench_server_kills --kills 100 --seed 1

Devices make windows all the time. At random, and while messages are on their way, one is ended by
SIGKILL:

| victim | what is killed | who starts it again |
|---|---|---|
| worker | one ingest worker | its server |
| broker | mosquitto, with all that waits in it | this bench |
| server | `encounter-server run`; its workers must not outlive it | this bench |
| backend | one of PostgreSQL's connections: PostgreSQL ends all others | PostgreSQL |
| postmaster | PostgreSQL's first process; the others end by themselves | this bench |
| database | all of PostgreSQL's processes at once, as if the power failed | this bench |

The next one follows once a window that was sent after the kill is acknowledged. In the end
every window must be in the database once, be acknowledged by a signature that holds, and
`encounter-server check` must find nothing. The seed decides the order and the pauses. A device
sends again after 10 s here (30 s in operation, then more).
"""

import argparse
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from server.backup import Place
from server.checking import Asked, Verdict, check
from server.clock import now_utc
from tests.bench.bench_server_ingest import all_once, first_of
from tests.bench.ingest_load import Load, Payloads, Sender, check_signatures, name_of
from tests.bench.ingest_stand import Stand, load_average, standing
from tests.brokers import free_port
from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]
VICTIMS = ("worker", "broker", "server", "backend", "postmaster", "database")
PAUSE_S = (0.0, 1.0)
"""Between the first acknowledgement after a kill and the next kill."""
RESEND_S = 10.0
EACH_S = 1.0
"""A device makes a window so often."""
MOST_WINDOWS = 18_000
"""Of a device, a year of half hours: from earlier ones ingest keeps nothing."""
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
    lives: int = 0

    def start(self) -> None:
        """Start it; it need not be ready."""
        self.lives += 1
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


@dataclass(slots=True)
class Result:
    """What became of it.

    Attributes:
        back_s: by victim, how long until a later window was acknowledged, a kill each.
        windows: that devices made; each was found once in the end.
        acks: acknowledgements that devices took, their signatures checked.
        connections: of devices, that were lost.
        lives: how often the server was started.
    """

    back_s: dict[str, list[float]] = field(default_factory=lambda: {one: [] for one in VICTIMS})
    windows: int = 0
    acks: int = 0
    connections: int = 0
    lives: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)


class Traffic:
    """Devices that make a window each every `EACH_S`, until they are told to end."""

    def __init__(self, port: int, devices: int) -> None:
        payloads = Payloads(first_of(MOST_WINDOWS))
        self.senders = [Sender(name_of(n), 0, payloads, []) for n in range(devices)]
        for one in self.senders:
            one.resend_s = RESEND_S
        self.load = Load(port, self.senders, open_ended=True)
        self._ending = threading.Event()
        until_s = time.monotonic() + 7200
        self._threads = [
            threading.Thread(target=self.load.run, args=(until_s,)),
            threading.Thread(target=self._make),
        ]

    def start(self) -> None:
        """Connect and begin."""
        self.load.connect_all()
        for one in self._threads:
            one.start()

    def sent(self) -> list[int]:
        """The last sequence that each device has sent so far."""
        return [one.sent for one in self.senders]

    def settled_after(self, sent: Sequence[int]) -> bool:
        """Whether of any device a window after those is acknowledged."""
        return any(one.settled > last for one, last in zip(self.senders, sent, strict=True))

    def end(self, server: Server) -> None:
        """Make no more, and wait until everything is acknowledged or nothing moves any more."""
        self._ending.set()
        self._threads[1].join()
        self.load.open_ended = False
        seen, until_s = self.load.settled, time.monotonic() + MOVES_WITHIN_S
        while self._threads[0].is_alive() and time.monotonic() < until_s:
            server.supervise()
            self._threads[0].join(0.5)
            if self.load.settled != seen:
                seen, until_s = self.load.settled, time.monotonic() + MOVES_WITHIN_S
        self.load.give_up = True
        self._threads[0].join()
        self.load.close()

    def _make(self) -> None:
        while not self._ending.wait(EACH_S):
            for one in self.senders:
                one.total = min(one.total + 1, MOST_WINDOWS)


def run(stand: Stand, kills: int, *, devices: int, seed: int, workers: int = 2) -> Result:
    """Kill at random while devices send.

    Args:
        stand: a new one, with PostgreSQL.
        kills: how many.
        devices: that send.
        seed: of the order and the pauses.
        workers: of the server.

    Raises:
        RuntimeError: something was lost, doubled or not acknowledged.
    """
    rng = random.Random(seed)  # noqa: S311 a schedule, not a secret
    result, server = Result(), Server(stand, workers)
    traffic = Traffic(stand.broker.port, devices)
    server.start()
    traffic.start()
    try:
        _until_it_moves(traffic, server, [0] * devices)
        for number, victim in enumerate(schedule(kills, rng), 1):
            time.sleep(rng.uniform(*PAUSE_S))
            began_s = time.monotonic()
            _kill(victim, stand, server, rng)
            _until_it_moves(traffic, server, traffic.sent())
            result.back_s[victim].append(time.monotonic() - began_s)
            sys.stderr.write(f"{number}: {victim}, {result.back_s[victim][-1]:.1f} s\n")
    finally:
        traffic.end(server)
        server.kill()
    result.connections, result.lives = traffic.load.lost, server.lives
    _check(stand, traffic.senders, result)
    return result


def schedule(kills: int, rng: random.Random) -> list[str]:
    """Who is killed, in random order: each as often as any other, or once more."""
    found = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    rng.shuffle(found)
    return found


def _until_it_moves(traffic: Traffic, server: Server, sent: Sequence[int]) -> None:
    """Wait until a window after `sent` is acknowledged: each kill is of a system that works.

    Raises:
        RuntimeError: none was, for minutes.
    """
    until_s = time.monotonic() + MOVES_WITHIN_S
    while not traffic.settled_after(sent) or not server.worker_pids():
        server.supervise()
        if time.monotonic() > until_s:
            raise RuntimeError(f"nothing acknowledged; {_log_end(server.stand)}")
        time.sleep(0.05)


def _kill(victim: str, stand: Stand, server: Server, rng: random.Random) -> None:
    if victim == "worker":
        _end(rng.choice(server.worker_pids()))
    elif victim == "broker":
        stand.broker.restart()
    elif victim == "server":
        server.kill()
        server.start()
    elif stand.postgres is None:
        raise RuntimeError("expected a stand with PostgreSQL")
    elif victim == "backend":
        _end(rng.choice(_backends(stand.postgres)))
    else:
        _crash(stand.postgres, whole=victim == "database")
        stand.postgres.start()


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.kill(pid, signal.SIGKILL)


def _postmaster(postgres: Postgres) -> psutil.Process:
    text = (postgres.folder / "data" / "postmaster.pid").read_text("ascii")
    return psutil.Process(int(text.split()[0]))


def _backends(postgres: Postgres) -> list[int]:
    """PostgreSQL's processes for connections, as their titles say."""
    found = []
    for one in _postmaster(postgres).children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "[local]" in " ".join(one.cmdline()):
                found.append(one.pid)
    return found


def _crash(postgres: Postgres, *, whole: bool) -> None:
    """Kill -9 the postmaster, or PostgreSQL's processes all; it must recover from its log."""
    parent = _postmaster(postgres)
    them = [parent, *parent.children(recursive=True)]
    for one in them if whole else them[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    _, there = psutil.wait_procs(them, END_WITHIN_S)
    if there:
        raise RuntimeError(f"of PostgreSQL there is still {there}")


def _runs(pid: int) -> bool:
    """Whether a process is there, and not only its entry that nobody has fetched yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _check(stand: Stand, senders: Sequence[Sender], result: Result) -> None:
    open_ones = [(one.name, one.settled, one.total) for one in senders if one.settled < one.total]
    if open_ones:
        raise RuntimeError(f"not acknowledged: {open_ones[:5]}; {_log_end(stand)}")
    result.windows, result.rows = sum(one.total for one in senders), stand.counts()
    if result.rows != all_once(result.windows):
        raise RuntimeError(f"expected {result.windows} windows once, found {result.rows}")
    result.acks = check_signatures(list(senders), stand.key.public_hex)
    asked = Asked(Place(stand.folder, stand.url), backup_within=None, points=3)
    failed = [str(one) for one in check(asked, now_utc()) if one.verdict is Verdict.FAILS]
    if failed:
        raise RuntimeError(f"expected that all holds, found {failed}")


def _log_end(stand: Stand) -> str:
    return (stand.folder / "server.log").read_text("utf-8")[-3000:]


def main() -> None:
    """Kill, and print what became of it."""
    one = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    one.add_argument("--kills", type=int, default=100)
    one.add_argument("--devices", type=int, default=50)
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("--seed", type=int, default=1)
    options = one.parse_args()
    began_s = time.monotonic()
    with standing(options.devices) as stand:
        result = run(
            stand,
            options.kills,
            devices=options.devices,
            seed=options.seed,
            workers=options.workers,
        )
    print("| killed | times | acknowledging again after, median | longest |")
    print("|---|---|---|---|")
    for victim, back_s in result.back_s.items():
        if back_s:
            median_s, most_s = statistics.median(back_s), max(back_s)
            print(f"| {victim} | {len(back_s)} | {median_s:.1f} s | {most_s:.1f} s |")
    print()
    rows = result.rows
    for what, said in {
        "kills": f"{options.kills}, seed {options.seed}",
        "windows made": f"{result.windows:,} by {options.devices} devices",
        "stored": f"{rows['window']:,} windows, {rows['cell']:,} cells, {rows['aside']} kept aside",
        "acknowledged": f"all, by {result.acks:,} signatures that hold",
        "lost, doubled": "0, 0",
        "devices' connections lost": f"{result.connections:,}",
        "server started": f"{result.lives} times",
        "took": f"{time.monotonic() - began_s:.0f} s; load {load_average()}",
    }.items():
        print(f"{what + ':':26} {said}")


if __name__ == "__main__":
    main()
