"""`encounter-server check`: all holds on what ingest made; each thing that is broken is named."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update

from firmware_cfg.codec import encode
from firmware_cfg.topics import Kind, topic
from server.backup import Place, back_up
from server.checking import Asked, Finding, Verdict, check
from server.checking.database import INTEGRITY, PARTS, SCHEMA
from server.checking.invariants import DISJOINT, MESSAGES, SETTLED, THRESHOLD, WEEKS
from server.checking.place import BACKUP, DISK, KEY
from server.checking.rollups import ROLLUPS
from server.cli import main
from server.database import open_database, open_engine, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.rollups.job import roll_up
from server.schema.cells import cell, store_week, window
from server.schema.messages import progress
from server.schema.rollups import rollup
from server.signing import KEY_FILE, open_key
from server.testing import MONDAY, MessageFactory
from tests.postgres import MIGRATED, Postgres
from tests.unit.server.conftest import IDENTITY

NOW = MONDAY + timedelta(days=3)
HOURS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A server of some days: windows, cells, a week, roll-ups, a key and a backup."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    url = sqlite_url(state / "encounter.db")
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database(MIGRATED)
    made = Place(state, url)
    open_key(state)
    engine = open_database(url)
    _fill(engine, tmp_path)
    engine.dispose()
    back_up(made, tmp_path / "backup.tar", NOW - timedelta(hours=3))
    return made


def _fill(engine: Engine, folder: Path) -> None:
    (folder / "identity.toml").write_text(IDENTITY, "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(folder / "identity.toml"), MONDAY)
    factory = MessageFactory()
    starts = [MONDAY + timedelta(minutes=30 * step) for step in range(2 * HOURS)]
    sent = [encode(factory.window(factory.cell(at), start=at)) for at in starts]
    sent.append(encode(factory.window(factory.week(), start=MONDAY + timedelta(days=2))))
    there = topic("kiosk-1", Kind.WINDOW)
    done = commit(engine, [read(there, one) for one in sent], NOW)
    assert (done.tally.stored, done.tally.aside) == (len(sent), 0)
    assert roll_up(engine, NOW) > 0


def findings(place: Place) -> dict[str, Finding]:
    return {one.what: one for one in check(Asked(place), NOW)}


def failing(place: Place) -> dict[str, str]:
    return {name: one.said for name, one in findings(place).items() if one.verdict is Verdict.FAILS}


@pytest.fixture
def engine(place: Place) -> Iterator[Engine]:
    found = open_engine(place.database_url)
    yield writer(found)
    found.dispose()


def test_all_holds_and_nothing_is_changed(place: Place, engine: Engine) -> None:
    before = _everything(engine)
    found = findings(place)
    assert {name for name, one in found.items() if one.verdict is Verdict.FAILS} == set()
    looked = {name for name, one in found.items() if one.verdict is Verdict.HOLDS}
    expected = {INTEGRITY, SCHEMA, MESSAGES, THRESHOLD, DISJOINT, WEEKS, SETTLED, ROLLUPS}
    assert looked >= expected | {KEY, BACKUP, DISK}
    assert (found[PARTS].verdict is Verdict.HOLDS) is not place.is_sqlite
    assert int(found[ROLLUPS].said.split()[0]) >= 3
    assert _everything(engine) == before


def _everything(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        tables = (window, cell, store_week, progress, rollup)
        return [str(row) for table in tables for row in connection.execute(select(table))]


def _no_window(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(window).where(window.c.sequence == 7))


def _too_few(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(cell).where(cell.c.start_at == MONDAY).values(visits=9))


def _overlap(engine: Engine) -> None:
    with engine.begin() as connection:
        later = MONDAY + timedelta(minutes=45)
        connection.execute(update(cell).where(cell.c.start_at == MONDAY).values(end_at=later))


def _two_weeks(engine: Engine) -> None:
    with engine.begin() as connection:
        row = connection.execute(select(store_week)).mappings().one()
        other = {"week_id": row["store_id"], "start_at": row["start_at"] + timedelta(days=1)}
        connection.execute(insert(store_week).values(dict(row) | other))


def _settled_too_far(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(progress).values(up_to=progress.c.up_to + 1))


def _another_hash(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(progress).values(sha256=sha256(b"another").hexdigest()))


def _changed_rollup(engine: Engine) -> None:
    with engine.begin() as connection:
        for row in connection.execute(select(rollup)).all():
            body = dict(row.body)
            body["sums"] = [body["sums"][0], body["sums"][1] + 1, *body["sums"][2:]]
            mine = (rollup.c.org_id == row.org_id) & (rollup.c.subject_id == row.subject_id)
            mine &= (rollup.c.grain == row.grain) & (rollup.c.start_at == row.start_at)
            connection.execute(update(rollup).where(mine).values(body=body))


def _older_schema(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


@pytest.mark.parametrize(
    ("damage", "what", "names"),
    [
        (_no_window, MESSAGES, "kiosk-1 00000000000000a1/7"),
        (_too_few, THRESHOLD, "cell of"),
        (_overlap, DISJOINT, "from 2026-11-16T00:30Z"),
        (_two_weeks, WEEKS, "kiosk-1 from 2026-11-17"),
        (_settled_too_far, SETTLED, f"up to {2 * HOURS + 2}"),
        (_another_hash, SETTLED, f"up to {2 * HOURS + 1}"),
        (_changed_rollup, ROLLUPS, "hour of"),
        (_older_schema, SCHEMA, "step 0001"),
    ],
)
def test_what_is_broken_is_named(
    place: Place, engine: Engine, damage: Callable[[Engine], None], what: str, names: str
) -> None:
    damage(engine)
    found = failing(place)
    assert names in found.pop(what)
    assert set(found) <= {ROLLUPS}  # of cells that were changed, too


def test_rows_without_a_part_of_time_are_named(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database(MIGRATED)
    engine = open_engine(url)
    with engine.begin() as connection:
        row = {"org_id": "0" * 32, "device": "kiosk-1", "epoch": "a" * 16, "sequence": 1}
        at = datetime(1999, 1, 1, tzinfo=UTC)
        row |= {"start_at": at, "end_at": at, "coverage": "95-100", "clock": "x", "invalid": []}
        connection.execute(insert(window).values(row))
    engine.dispose()
    assert "window_other: 1 rows" in failing(Place(tmp_path, url))[PARTS]


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "encounter.db")
    engine = open_database(url)
    _fill(engine, tmp_path)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        page = "SELECT rootpage FROM sqlite_master WHERE name = 'aside_by_message'"
        root = connection.execute(text(page)).scalar_one()
    engine.dispose()
    with (tmp_path / "encounter.db").open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 64)
    assert INTEGRITY in failing(Place(tmp_path, url))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_key_that_others_may_read_and_an_old_backup(place: Place) -> None:
    path = place.state_dir / KEY_FILE
    path.chmod(0o644)
    assert "others may read" in failing(place)[KEY]
    path.unlink()
    assert "not there" in failing(place)[KEY]
    assert not path.exists()
    late = {one.what: one for one in check(Asked(place), NOW + timedelta(hours=24))}
    assert (late[BACKUP].verdict, "27.0 h ago" in late[BACKUP].said) == (Verdict.FAILS, True)
    asked = {one.what: one for one in check(Asked(place, backup_within=None), NOW)}
    assert asked[BACKUP].verdict is Verdict.NOT_CHECKED
    (place.state_dir / "last-backup.json").unlink()
    assert "none was made" in failing(place)[BACKUP]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_by_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    state = str(place.state_dir)
    kept = (path for path in place.state_dir.iterdir() if not path.name.endswith("-shm"))
    files = {path: path.stat().st_mtime_ns for path in kept}
    assert main(["check", "--state", state, "--backup-within", "0"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("all ")
    assert {path: path.stat().st_mtime_ns for path in files} == files
    (place.state_dir / KEY_FILE).chmod(0o640)
    assert main(["check", "--state", state, "--backup-within", "0"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("1 of ")
    assert any(line.startswith("fails") and KEY in line for line in said)


def test_of_no_server_it_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--state", str(tmp_path / "nowhere")]) == 2
    assert "expected a server's state folder" in capsys.readouterr().err
    assert main(["check", "--state", str(tmp_path)]) == 2
    assert "no database there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_amcheck_looks_at_indexes_where_it_is_there(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database(MIGRATED)
    there = Place(tmp_path, url)
    assert "amcheck is not there" in findings(there)[INTEGRITY].said
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE EXTENSION amcheck"))
    engine.dispose()
    found = findings(there)[INTEGRITY]
    assert found.verdict is Verdict.HOLDS
    assert int(found.said.rpartition(": ")[2]) > 50
