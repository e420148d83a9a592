"""One server at a time on a state folder and a database, on both engines."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from server.backup import Place
from server.cli import main
from server.database import open_engine, sqlite_url
from server.errors import LeaseError
from server.lease import LOCK_FILE, only_server
from tests.postgres import MIGRATED, Postgres

SOON_S = 0.02
TERMINATE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
HELD = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE locktype = 'advisory' AND datname = current_database()"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "encounter.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database(MIGRATED)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as one:
        yield one


def a_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def fail() -> None:
    raise AssertionError("nobody else has it")


def end_sessions(url: str) -> None:
    """End every session at the database but this one; whoever held a lock holds it no more."""
    ask(url, TERMINATE)
    while ask(url, HELD):
        time.sleep(SOON_S)


def ask(url: str, statement: str) -> object:
    engine = open_engine(url)
    with engine.connect() as connection:
        found: object = connection.execute(text(statement)).scalar()
    engine.dispose()
    return found


@pytest.mark.parametrize("folder", ["one", "two"])
def test_a_second_server_is_refused_and_comes_once_the_first_has_ended(
    url: str, tmp_path: Path, folder: str
) -> None:
    """Of the same state folder, and of another one with the same database."""
    first, second = Place(a_folder(tmp_path / "one"), url), Place(a_folder(tmp_path / folder), url)
    with only_server(first, fail):
        with (
            pytest.raises(LeaseError, match=r"another server .*process \d+\).* Stop that one"),
            only_server(second, fail, wait_s=0.0),
        ):
            raise AssertionError("two at a time")
        assert main(["migrate", "--state", str(second.state_dir), "--database", url, "--back"]) == 2
    with only_server(second, fail, wait_s=0.0):
        pass


def test_servers_of_two_databases_do_not_meet(
    postgres: Postgres, tmp_path: Path, stack: ExitStack
) -> None:
    for name in ("one", "two"):
        place = Place(a_folder(tmp_path / name), postgres.new_database(MIGRATED))
        stack.enter_context(only_server(place, fail, wait_s=0.0))


def test_a_server_that_was_killed_holds_nothing(url: str, tmp_path: Path) -> None:
    """The kernel lets go for it, and PostgreSQL once its session's other end is closed."""
    place = Place(a_folder(tmp_path / "one"), url)
    script = (
        "import sys, time; from pathlib import Path; from server.backup import Place\n"
        "from server.lease import only_server\n"
        f"with only_server(Place(Path({str(place.state_dir)!r}), {url!r}), exit):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert (place.state_dir / LOCK_FILE).read_text("ascii") == f"{holder.pid}\n"
        with pytest.raises(LeaseError, match=str(holder.pid)), only_server(place, fail, wait_s=0.0):
            pass
        holder.kill()
        with only_server(place, fail, wait_s=5.0):
            pass


def test_a_session_that_was_lost_is_taken_again(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database(MIGRATED)
    with only_server(Place(a_folder(tmp_path / "one"), url), fail, look_each_s=0.5):
        end_sessions(url)
        until_s = time.monotonic() + 20
        while not ask(url, HELD) and time.monotonic() < until_s:
            time.sleep(SOON_S)
        assert ask(url, HELD) == 1


def test_a_server_stops_whose_database_was_taken_meanwhile(
    postgres: Postgres, tmp_path: Path, stack: ExitStack
) -> None:
    url = postgres.new_database(MIGRATED)
    first, second = (Place(a_folder(tmp_path / name), url) for name in ("one", "two"))
    told = threading.Event()

    def lose() -> None:
        with only_server(first, told.set, look_each_s=2.0):
            end_sessions(url)
            stack.enter_context(only_server(second, fail, wait_s=1.0))
            assert told.wait(20)

    with pytest.raises(LeaseError, match="took this database"):
        lose()
