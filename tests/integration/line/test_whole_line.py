"""The whole line: what the server stores is what an independent computation releases.

A scripted shop goes through the edge process, a real broker and the real server, while
broker and server are killed and started again; at the end every stored cell equals, field
by field, what `tests.oracle_release` computes from `visits.jsonl`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.launcher import edge_entry
from firmware_cfg.confine.enter import command
from firmware_cfg.load import load_site
from tests.brokers import BrokerProcess, free_port, start_iotcore
from tests.oracle_release import released_cells

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "deploy" / "demo"
STARTS_AT = "2026-06-01T00:00:00+08:00"
DAYS = 2
DRAIN_S = 150.0
NOT_IN_ROWS = ("passers_by",)  # visits.jsonl holds visits alone
NOT_IN_STAFF_ROWS = ("present_s", "attended_s")

pytestmark = [pytest.mark.broker, pytest.mark.slow]


class Line:
    """The processes of one line, in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker: BrokerProcess = start_iotcore(free_port(), folder)
        self.http = free_port()
        self.state = ["--state", str(folder / "server")]
        (folder / "server").mkdir(mode=0o700)
        key = subprocess.run(
            [sys.executable, "-m", "server", "key", *self.state],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        self.site = folder / "site.toml"
        self.site.write_text(
            (DEMO / "shop.toml").read_text("utf-8")
            + f'\n[device]\nid = "shop"\nstate_dir = {json.dumps(str(folder))}\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.broker.port}\ntls = false\n'
            f'server_key = "{key}"\n'
        )
        self.server = self._start_server()

    def _start_server(self) -> subprocess.Popen[bytes]:
        log = (self.folder / "server.log").open("ab")
        with log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "server", "run", *self.state),
                    *("--identity", str(DEMO / "identity.toml")),
                    *("--broker", f"127.0.0.1:{self.broker.port}"),
                    *("--http", f"127.0.0.1:{self.http}"),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def kill_server(self) -> None:
        self.server.kill()
        self.server.wait()
        self.server = self._start_server()

    def pending(self) -> int:
        """Messages that the server has not settled."""
        return self._ask("SELECT count(*) FROM message WHERE status = 'pending'")

    def sent(self) -> int:
        """Messages ever put into the outbox."""
        return self._ask("SELECT coalesce(max(seq), 0) FROM message")

    def _ask(self, question: str) -> int:
        outbox = sqlite3.connect(f"file:{self.folder / 'outbox.sqlite'}?mode=ro", uri=True)
        with closing(outbox):
            return int(outbox.execute(question).fetchone()[0])

    def stop(self) -> None:
        self.server.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.server.wait(20)
        self.server.kill()
        self.broker.kill()


@contextmanager
def running_line(folder: Path) -> Iterator[Line]:
    line = Line(folder)
    try:
        yield line
    finally:
        line.stop()


def run_shop(line: Line, kills: int) -> Path:
    """Send the scripted shop through; kill broker and server `kills` times on the way."""
    visits = line.folder / "visits.jsonl"
    reading, writing = os.pipe()
    edge = subprocess.Popen(
        command(
            edge_entry(line.site, load_site(line.site), (visits,), (reading,)),
            "edge.appliance",
            [
                *("--site", str(line.site), "--starts-at", STARTS_AT),
                *("--records-fd", str(reading), "--out", str(visits)),
            ],
        ),
        cwd=ROOT,
        pass_fds=(reading,),
    )
    os.close(reading)
    script = subprocess.Popen(
        [
            *(sys.executable, str(DEMO / "shop_week.py"), "--records-fd", str(writing)),
            *("--starts-at", STARTS_AT, "--days", str(DAYS)),
        ],
        cwd=ROOT,
        pass_fds=(writing,),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    for turn in range(kills):
        time.sleep(2.0)
        if turn % 2:
            line.kill_server()
        else:
            line.broker.restart()
    assert script.wait(timeout=420) == 0
    drain(line)
    os.close(writing)
    assert edge.wait(timeout=60) == 0
    return visits


def drain(line: Line) -> None:
    """Wait until all frames have been taken in and all messages are settled."""
    until_s, last, since_s = time.monotonic() + DRAIN_S, (-1, -1), time.monotonic()
    while time.monotonic() < until_s:
        now = (line.sent(), line.pending())
        if now != last:
            last, since_s = now, time.monotonic()
        if now[1] == 0 and time.monotonic() - since_s > 6.0:
            return
        time.sleep(0.25)
    pytest.fail(f"{last[1]} of {last[0]} messages unsettled after {DRAIN_S:g} s")


def stored_cells(line: Line) -> list[dict[str, Any]]:
    """What the server holds, in the shape of the wire's cells, by point and start."""
    with closing(sqlite3.connect(line.folder / "server" / "encounter.db")) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute(
            "SELECT point.slug AS point, point.kind AS kind, cell.* FROM cell"
            " JOIN point USING (point_id) ORDER BY point.slug, start_at"
        ).fetchall()
    return [as_cell(dict(row)) for row in rows]


def as_cell(row: dict[str, Any]) -> dict[str, Any]:
    outcomes = ("served", "greeted_only", "abandoned", "passed", "still_present")
    plain = ("point", "kind", "level", "k", "visits", "left_censored", "passers_by")
    return {
        **{name: row[name] for name in plain},
        "start": rfc3339(row["start_at"]),
        "end": rfc3339(row["end_at"]),
        "outcomes": {name: row[name] for name in outcomes},
        **{name: json.loads(row[name]) for name in ("waiting", "stay", "staff")},
        **{name: row[name] for name in ("observed_s", "bridged_s", "unknown_s")},
    }


def rfc3339(stored: str) -> str:
    at = datetime.fromisoformat(stored)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def comparable(cell: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in cell.items() if name not in NOT_IN_ROWS}
    if kept["staff"]:
        kept["staff"] = {n: v for n, v in kept["staff"].items() if n not in NOT_IN_STAFF_ROWS}
    return kept


@pytest.mark.timeout(600)
def test_server_stores_what_visits_release_though_broker_and_server_are_killed(
    tmp_path: Path,
) -> None:
    with running_line(tmp_path) as line:
        visits = run_shop(line, kills=6)
        stored = stored_cells(line)
    zero_utc = datetime.fromisoformat(STARTS_AT).astimezone(UTC)
    expected = released_cells(
        load_site(line.site),
        [json.loads(row) for row in visits.read_text("utf-8").splitlines()],
        zero_utc=zero_utc,
        begins=zero_utc + timedelta(hours=9),
        now=zero_utc + timedelta(days=DAYS - 1, hours=20, minutes=2),
    )
    assert len(expected) > 10
    assert sum(cell["visits"] for cell in expected) > 200
    assert len(stored) == len(expected)
    for found, wanted in zip(stored, expected, strict=True):
        assert comparable(found) == comparable(wanted)
