"""Whether every window returns once a backup of a day ago is put back, by the commands themselves.

    .venv/bin/python -m tests.bench.bench_server_restore --devices 20 --windows 48

    a day of windows ──► encounter-server backup, while it runs ──► another day of windows
    ──► the server is killed, its state folder and database are gone
    ──► encounter-server restore into empty ones, check, run ──► devices send again

Devices are real ones: `edge`'s outbox and publisher, with their own pauses. One in ten is new
since the backup, so that the restored server has never heard of its epoch. While they send again
they go on making windows. A day is as many windows as are made at once here, of two past days.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from edge.clock import SystemClock
from edge.health import Vitals, reported
from edge.outbox import Outbox
from edge.publisher import Publisher
from edge.testing import a_site
from firmware_cfg.codec import encode
from server.database import open_engine, sqlite_url
from server.testing import MessageFactory
from tests.bench.bench_server_ingest import all_once, first_of
from tests.bench.bench_server_kills import Server
from tests.bench.ingest_load import SIZE_BYTES, WINDOW, name_of
from tests.bench.ingest_stand import Stand, load_average, standing

ROOT = Path(__file__).parents[2]
NEW_OF = 10
WITHIN_S = 900.0
ROUNDS, ROUND_EACH_S = 3, 1.0
"""Windows that each device makes while others return."""


@dataclass(frozen=True, slots=True)
class Result:
    """Windows at each step, and seconds."""

    engine: str
    at_backup: int
    after_it: int
    meanwhile: int
    restored: int
    in_the_end: int
    backup_mb: float
    backup_s: float
    restore_s: float
    return_s: float


class Device:
    """A real outbox with a real publisher, filled at once with what takes days."""

    def __init__(self, name: str, stand: Stand, folder: Path, began: datetime) -> None:
        site = a_site(
            device={"id": name, "state_dir": str(folder)},
            broker={
                "host": "127.0.0.1",
                "port": stand.broker.port,
                "tls": False,
                "server_key": stand.key.public_hex,
            },
        )
        if site.broker is None:
            raise RuntimeError("expected a site with a broker")
        self.made = 0
        self._began = began
        self._factory = MessageFactory(name, "")
        clock = SystemClock()
        self._outbox = Outbox(folder / f"{name}.sqlite", 64, name, site.broker.server_key)
        self._publisher = Publisher(
            name,
            site.broker,
            self._outbox,
            clock,
            heartbeat=Vitals(site, "nanodet", clock, clock.monotonic_s()).heartbeat,
            reported=lambda: reported(site, 10, 1800, ("0" * 64, "1" * 64)),
        )
        self._publisher.start()

    def make(self, count: int) -> None:
        """Release so many windows."""
        for _ in range(count):
            self._outbox.append(self._window, b"")
        self.made += count

    def _window(self, epoch: str, sequence: int) -> bytes:
        start = self._began + (sequence - 1) * WINDOW
        self._factory.epoch, self._factory.sequence = epoch, sequence - 1
        cell = self._factory.cell(start, visits=10 + sequence % 50)
        return encode(self._factory.window(cell, start=start), SIZE_BYTES)

    @property
    def settled(self) -> int:
        """How many windows its outbox holds as settled."""
        return self._outbox.counts().settled

    def close(self) -> None:
        """Say goodbye."""
        self._publisher.stop()
        self._outbox.close()


def run(stand: Stand, *, devices: int, windows: int) -> Result:
    """Back up, go on, lose everything, put back; what came of it.

    Args:
        stand: a new one, on which so many devices are known.
        devices: that send; one in `NEW_OF` only after the backup.
        windows: of a day.

    Raises:
        RuntimeError: a window did not return, or twice.
    """
    began = first_of(2 * windows + ROUNDS)
    with contextlib.ExitStack() as stack:
        outboxes = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names, later = [name_of(number) for number in range(devices)], max(1, devices // NEW_OF)
        old = [Device(name, stand, outboxes, began) for name in names[later:]]
        stack.callback(_close, old)
        with _serving(stand):
            _make(old, windows)
            at_backup = _settled(old)
            file, backup_s = stand.folder / "backup.tar", _timed()
            _command(stand, "backup", "--out", str(file))
            took_backup_s = backup_s()
            new = [Device(name, stand, outboxes, began) for name in names[:later]]
            stack.callback(_close, new)
            _make([*old, *new], windows)
        after_it = _settled([*old, *new]) - at_backup
        again, restore_s = _emptied(stand), _timed()
        stack.callback(again.engine.dispose)
        _command(again, "restore", "--from", str(file))
        took_restore_s = restore_s()
        _command(again, "check", "--backup-within", "0")
        restored, return_s = again.counts()["window"], _timed()
        with _serving(again):
            for _ in range(ROUNDS):
                _make([*old, *new], 1, wait=False)
                time.sleep(ROUND_EACH_S)
            made = sum(one.made for one in (*old, *new))
            _until(lambda: again.counts() == all_once(made), again)
            took_return_s = return_s()
            _until(lambda: _settled([*old, *new]) == made, again)
        _command(again, "check", "--backup-within", "0")
        in_the_end = again.counts()["window"]
    return Result(
        engine="SQLite" if stand.postgres is None else "PostgreSQL",
        at_backup=at_backup,
        after_it=after_it,
        meanwhile=made - at_backup - after_it,
        restored=restored,
        in_the_end=in_the_end,
        backup_mb=file.stat().st_size / 1e6,
        backup_s=took_backup_s,
        restore_s=took_restore_s,
        return_s=took_return_s,
    )


def _make(devices: Sequence[Device], count: int, *, wait: bool = True) -> None:
    for one in devices:
        one.make(count)
    if wait:
        made = sum(one.made for one in devices)
        _until(lambda: _settled(devices) == made)


def _settled(devices: Sequence[Device]) -> int:
    return sum(one.settled for one in devices)


def _close(devices: Sequence[Device]) -> None:
    for one in devices:
        one.close()


def _timed() -> Callable[[], float]:
    began_s = time.monotonic()
    return lambda: time.monotonic() - began_s


def _until(holds: Callable[[], bool], stand: Stand | None = None) -> None:
    until_s = time.monotonic() + WITHIN_S
    while not holds():
        if time.monotonic() > until_s:
            found = "" if stand is None else f": {stand.counts()}"
            raise RuntimeError(f"not everything came within {WITHIN_S:g} s{found}")
        time.sleep(0.2)


@contextlib.contextmanager
def _serving(stand: Stand) -> Iterator[None]:
    """The server while the block runs; it ends by SIGKILL."""
    server = Server(stand, workers=1)
    server.start()
    try:
        yield
    finally:
        server.kill()


def _emptied(stand: Stand) -> Stand:
    """The stand after its disk was lost: no state folder, an empty database, the same broker."""
    folder = stand.folder / "again"
    if stand.postgres is None:
        url = sqlite_url(folder / "encounter.db")
    else:
        url = stand.postgres.new_database()
    return replace(stand, folder=folder, url=url, engine=open_engine(url))


def _command(stand: Stand, name: str, *arguments: str) -> None:
    """One of `encounter-server`'s commands.

    Raises:
        RuntimeError: it failed, and what it said.
    """
    place = ("--state", str(stand.folder), "--database", stand.url)
    order = [sys.executable, "-m", "server", name, *place, *arguments]
    done = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")


def main() -> None:
    """Both engines, and a table."""
    one = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    one.add_argument("--devices", type=int, default=20)
    one.add_argument("--windows", type=int, default=48, help="of a day")
    options = one.parse_args()
    print(
        "| engine | windows at the backup | in the day after it | made meanwhile | put back "
        "| in the end | lost | doubled | backup | restore | all returned after | load |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for sqlite in (True, False):
        with standing(options.devices, sqlite=sqlite) as stand:
            found = run(stand, devices=options.devices, windows=options.windows)
        print(
            f"| {found.engine} | {found.at_backup:,} | {found.after_it:,} | {found.meanwhile:,} "
            f"| {found.restored:,} | {found.in_the_end:,} | 0 | 0 "
            f"| {found.backup_s:.1f} s, {found.backup_mb:.1f} MB | {found.restore_s:.1f} s "
            f"| {found.return_s:.0f} s | {load_average()} |"
        )


if __name__ == "__main__":
    main()
