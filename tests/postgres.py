"""A real PostgreSQL for tests and benchmarks, of Debian's package, run by an ordinary user.

It lives in a folder of its own, listens on a Unix socket in it and nowhere else, and is gone
when its owner stops it.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL
from sqlalchemy.engine import URL

from server.database import open_database

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
ORDINARY, GROUP = "nobody", "nogroup"
MIGRATED = "migrated"
QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""For tests that do not cut the power: nothing waits for the disk."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL."""

    folder: Path
    user: str

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        at = {"host": str(self.folder)}
        made = URL.create("postgresql", username=self.user, database=database, query=at)
        return made.render_as_string(hide_password=False)

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database, made as a copy of `template`."""
        name = f"t{uuid4().hex[:12]}"
        self._say(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def make_template(self) -> None:
        """Make the database `MIGRATED`, which holds our schema and nothing else."""
        self._say(f'CREATE DATABASE "{MIGRATED}"')
        open_database(self.url(MIGRATED)).dispose()

    def _say(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(SQL(statement))

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast`, or `immediate` as a power cut would."""
        self.control("stop", "-m", how)

    def start(self) -> None:
        """Start it again."""
        self.control("-l", str(self.folder / "log"), "start")

    def control(self, *what: str) -> None:
        """Run `pg_ctl` on it, and wait."""
        _as_ordinary(self.folder, "pg_ctl", "-D", str(self.folder / "data"), "-w", *what)


def is_there() -> bool:
    """Whether this machine has PostgreSQL."""
    return bool(BINARIES)


@contextlib.contextmanager
def running(settings: Mapping[str, str] = QUICK) -> Iterator[Postgres]:
    """A PostgreSQL while the block runs, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="encounter-pg-") as name:
        folder = Path(name)
        server = _made(folder, settings)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop("immediate")


def _made(folder: Path, settings: Mapping[str, str]) -> Postgres:
    user = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        user = ORDINARY
        shutil.chown(folder, ORDINARY, GROUP)
    _as_ordinary(
        folder, "initdb", "-D", str(folder / "data"), "-A", "trust", "-E", "UTF8",
        "--locale", "C.UTF-8", "--no-sync",
    )  # fmt: skip
    settings = {"unix_socket_directories": str(folder), "listen_addresses": "", **settings}
    with (folder / "data" / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    return Postgres(folder, user)


def _as_ordinary(folder: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs, which refuse root."""
    order = [str(BINARIES[-1] / program), *arguments]
    if os.geteuid() == 0:
        order = ["setpriv", f"--reuid={ORDINARY}", f"--regid={GROUP}", "--clear-groups", *order]
    subprocess.run(order, check=True, capture_output=True, cwd=folder)
