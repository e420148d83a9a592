"""A backup holds all that must not be lost, and comes back as it was, on both engines."""

import io
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from server.backup import Place, back_up, last_backup, put_back
from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import BackupError
from server.schema.identity import device_owner
from server.signing import KEY_FILE, open_key
from tests.postgres import MIGRATED, Postgres

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
ORG = UUID(int=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Place, Place]:
    """A server with something in it, and an empty one."""
    folders = [tmp_path / "here", tmp_path / "there"]
    for folder in folders:
        folder.mkdir(mode=0o700)
    if request.param == "sqlite":
        urls = [sqlite_url(folder / "encounter.db") for folder in folders]
    else:
        server: Postgres = request.getfixturevalue("postgres")
        urls = [server.new_database(MIGRATED), server.new_database()]
    engine = open_database(urls[0])
    with writer(engine).begin() as connection:
        connection.execute(insert(device_owner).values(device="kiosk-1", org_id=ORG))
    engine.dispose()
    open_key(folders[0])
    (folders[0] / "worker-id").write_text("encounter-ingest-1\n", "ascii")
    return Place(folders[0], urls[0]), Place(folders[1], urls[1])


def test_what_was_backed_up_comes_back(places: tuple[Place, Place], tmp_path: Path) -> None:
    here, there = places
    out = tmp_path / "backup.tar"
    made = back_up(here, out, NOW)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert last_backup(here.state_dir) == NOW
    assert put_back(there, out) == made
    assert open_key(there.state_dir).public_hex == open_key(here.state_dir).public_hex
    assert (there.state_dir / "worker-id").read_text("ascii") == "encounter-ingest-1\n"
    engine = open_database(there.database_url)
    with engine.connect() as connection:
        assert connection.execute(select(device_owner.c.device)).scalars().all() == ["kiosk-1"]
    engine.dispose()


def test_nothing_is_overwritten(places: tuple[Place, Place], tmp_path: Path) -> None:
    here, there = places
    out = tmp_path / "backup.tar"
    back_up(here, out, NOW)
    with pytest.raises(BackupError, match="already"):
        back_up(here, out, NOW)
    before = sorted(path.name for path in here.state_dir.iterdir())
    with pytest.raises(BackupError, match="already"):
        put_back(here, out)
    assert sorted(path.name for path in here.state_dir.iterdir()) == before
    open_key(there.state_dir)
    with pytest.raises(BackupError, match="already"):
        put_back(there, out)


def test_a_database_that_holds_tables_is_left_alone(
    places: tuple[Place, Place], tmp_path: Path
) -> None:
    here, there = places
    out = tmp_path / "backup.tar"
    back_up(here, out, NOW)
    full = Place(there.state_dir, here.database_url)
    with pytest.raises(BackupError, match=r"already|holds tables"):
        put_back(full, out)
    assert list(there.state_dir.iterdir()) == []


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    url = sqlite_url(state / "encounter.db")
    open_database(url).dispose()
    open_key(state)
    back_up(Place(state, url), tmp_path / "backup.tar", NOW)
    return tmp_path / "backup.tar"


def _changed(backup: Path, name: str, content: bytes | None) -> Path:
    """The backup with one member's content changed; without it where that is none."""
    changed = backup.with_name("changed.tar")
    with tarfile.open(backup) as old, tarfile.open(changed, "w") as new:
        for member in old:
            found = old.extractfile(member)
            assert found is not None
            data = found.read()
            if member.name == name and content is None:
                continue
            data = content if member.name == name and content is not None else data
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return changed


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (KEY_FILE, b"another key", "damaged"),
        ("encounter.db", None, "expected a backup"),
        ("manifest.json", b"{}", "expected a backup"),
        ("manifest.json", None, "expected a backup"),
    ],
)
def test_a_damaged_backup_puts_nothing_back(
    backup: Path, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    place = Place(there, sqlite_url(there / "encounter.db"))
    with pytest.raises(BackupError, match=says):
        put_back(place, _changed(backup, name, content))
    assert list(there.iterdir()) == []


def test_a_stale_log_of_another_database_is_not_read_into_it(backup: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    place = Place(there, sqlite_url(there / "encounter.db"))
    (there / "encounter.db-wal").write_bytes(b"of another database")
    with pytest.raises(BackupError, match=r"encounter\.db-wal: is there already"):
        put_back(place, backup)
    assert [path.name for path in there.iterdir()] == ["encounter.db-wal"]


@pytest.mark.parametrize(
    ("found", "instead", "says"),
    [
        (b'"schema_step": "', b'"schema_step": "9', "newer version"),
        (b'"engine": "sqlite"', b'"engine": "postgresql"', "another engine"),
        (b'"format": 1', b'"format": 2', "format 2"),
    ],
)
def test_a_backup_that_cannot_be_used_puts_nothing_back(
    backup: Path, tmp_path: Path, found: bytes, instead: bytes, says: str
) -> None:
    with tarfile.open(backup) as tar:
        member = tar.extractfile("manifest.json")
        assert member is not None
        manifest = member.read()
    assert found in manifest
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    place = Place(there, sqlite_url(there / "encounter.db"))
    changed = _changed(backup, "manifest.json", manifest.replace(found, instead))
    with pytest.raises(BackupError, match=says):
        put_back(place, changed)
    assert list(there.iterdir()) == []


def test_a_manifest_cannot_name_a_file_elsewhere(backup: Path, tmp_path: Path) -> None:
    with tarfile.open(backup) as tar:
        found = tar.extractfile("manifest.json")
        assert found is not None
        manifest = found.read().replace(KEY_FILE.encode(), b"../evil.pem")
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    place = Place(there, sqlite_url(there / "encounter.db"))
    with pytest.raises(BackupError, match="no part of a backup"):
        put_back(place, _changed(backup, "manifest.json", manifest))
    assert not (tmp_path / "evil.pem").exists()


def test_by_the_commands(backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "there"
    out = tmp_path / "again.tar"
    assert main(["restore", "--state", str(there), "--from", str(backup)]) == 0
    assert "as of 2026-11-23T05:00:00" in capsys.readouterr().out
    assert main(["backup", "--state", str(there), "--out", str(out)]) == 0
    assert "sqlite, schema" in capsys.readouterr().out
    assert main(["restore", "--state", str(there), "--from", str(out)]) == 2
    assert "already" in capsys.readouterr().err
