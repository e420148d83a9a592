"""A copy of all that the server must not lose, in one file; and putting it back.

    database (a snapshot of one instant) ┐
    signing key, MQTT client id          ├─► manifest with hashes ─► one tar file, mode 0600
    schema step, version, instant        ┘

The server may go on meanwhile. What devices sent after that instant they send again once the
copy is put back: they keep what was settled for 35 days, and the server tells them how far it is.
The file holds the key that signs acknowledgements: keep it like the key.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine, inspect, make_url

from server.database import open_database, open_engine
from server.errors import BackupError
from server.migrating import known_steps, step_now
from server.signing import KEY_FILE

MANIFEST, SQLITE, POSTGRESQL = "manifest.json", "encounter.db", "encounter.pgdump"
WORKER_ID_FILE = "worker-id"
LAST_BACKUP_FILE = "last-backup.json"
FORMAT = 1
CHUNK = 1 << 20


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    made_at: datetime
    schema_step: str
    engine: str
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps what it must not lose."""

    state_dir: Path
    database_url: str

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return make_url(self.database_url).get_backend_name() == "sqlite"

    @property
    def sqlite_file(self) -> Path:
        """The SQLite database's file."""
        return Path(make_url(self.database_url).database or "")


def back_up(place: Place, out: Path, now: datetime) -> Manifest:
    """Write a backup to `out`, which appears whole or not at all.

    Raises:
        BackupError: nothing to back up, `out` is there already, or a tool failed.
    """
    if out.exists():
        raise BackupError(f"--out {out}: is there already; expected a new file")
    with _beside(out) as folder:
        step, name = _snapshot(place, folder)
        for kept in (KEY_FILE, WORKER_ID_FILE):
            if (place.state_dir / kept).exists():
                shutil.copyfile(place.state_dir / kept, folder / kept)
        files = sorted(path.name for path in folder.iterdir())
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            schema_step=step,
            engine="sqlite" if name == SQLITE else "postgresql",
            sha256={one: _hash(folder / one) for one in files},
        )
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1), "utf-8")
        draft = folder / "backup.tar"
        _pack(draft, [folder / one for one in (MANIFEST, *files)])
        draft.replace(out)
        _sync(out.parent)
    _note(place.state_dir, out, now)
    return manifest


def put_back(place: Place, source: Path) -> Manifest:
    """Put a backup into an empty state folder and an empty database.

    Raises:
        BackupError: not a whole backup, of another engine, or something is there already.
    """
    kept = [place.state_dir / one for one in (KEY_FILE, WORKER_ID_FILE)]
    there = [path for path in (*kept, *_sqlite_files(place)) if path.exists()]
    if there:
        raise BackupError(f"{there[0]}: is there already; expected an empty state folder")
    with _beside(place.state_dir / "restored") as folder:
        manifest = _unpack(source, folder)
        _check(place, folder, manifest)
        for path in kept:  # before the database: without its key a server would make another
            if (folder / path.name).exists():
                (folder / path.name).chmod(0o600)
                (folder / path.name).replace(path)
        _sync(place.state_dir)
        try:
            _put_database(place, folder)
        except BaseException:
            for path in kept:
                path.unlink(missing_ok=True)
            raise
        _sync(place.state_dir)
    open_database(place.database_url).dispose()
    return manifest


def last_backup(state_dir: Path) -> datetime | None:
    """When the last backup of this server was made, as far as it knows."""
    try:
        noted = json.loads((state_dir / LAST_BACKUP_FILE).read_text("utf-8"))
        return datetime.fromisoformat(noted["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _snapshot(place: Place, folder: Path) -> tuple[str, str]:
    """Copy the database as it is at one instant; its schema step, and the copy's name."""
    if place.is_sqlite and not place.sqlite_file.exists():
        raise BackupError(f"{place.sqlite_file}: no database there")
    engine = open_engine(place.database_url)
    try:
        with engine.connect() as connection:
            step = step_now(connection)
    finally:
        engine.dispose()
    if step is None:
        raise BackupError("the database is empty: nothing to back up")
    if not place.is_sqlite:
        _run_tool(place, "pg_dump", "-Fc", "-f", str(folder / POSTGRESQL))
        return step, POSTGRESQL
    with sqlite3.connect(f"file:{place.sqlite_file}?mode=ro", uri=True) as source:
        source.execute("VACUUM INTO ?", (str(folder / SQLITE),))
    source.close()
    return step, SQLITE


def _sqlite_files(place: Place) -> list[Path]:
    """The database's file, and those that SQLite would read as part of it."""
    if not place.is_sqlite:
        return []
    file = place.sqlite_file
    return [file.with_name(file.name + end) for end in ("", "-wal", "-shm", "-journal")]


def _check(place: Place, folder: Path, manifest: Manifest) -> None:
    """Refuse a backup that this server could not use, before anything is in its place."""
    if manifest.engine != ("sqlite" if place.is_sqlite else "postgresql"):
        raise BackupError(f"a backup of {manifest.engine}, and --database names another engine")
    if manifest.schema_step not in known_steps():
        raise BackupError(
            f"a backup of a newer version (schema {manifest.schema_step}): put it back with it"
        )
    if not place.is_sqlite:
        _check_empty(open_engine(place.database_url))
        return
    database = sqlite3.connect(folder / SQLITE)
    try:
        (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    finally:
        database.close()
    if verdict != "ok":
        raise BackupError(f"the backup's database is damaged: {verdict}")


def _put_database(place: Place, folder: Path) -> None:
    if place.is_sqlite:
        place.sqlite_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / SQLITE, place.sqlite_file)
        return
    whole = ("--no-owner", "--single-transaction", "--exit-on-error")
    _run_tool(place, "pg_restore", *whole, str(folder / POSTGRESQL))


def _check_empty(engine: Engine) -> None:
    try:
        tables = inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if tables:
        raise BackupError(f"the database holds tables ({tables[0]}, …); expected an empty one")


def _pack(draft: Path, files: list[Path]) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in files:
                tar.add(path, path.name)
        file.flush()
        os.fsync(file.fileno())


def _unpack(source: Path, folder: Path) -> Manifest:
    """Read the members that the manifest names, by name, and check each."""
    try:
        with tarfile.open(source) as tar:
            manifest = Manifest.model_validate_json(_member(tar, MANIFEST))
            for name, sha256 in manifest.sha256.items():
                if name not in (SQLITE, POSTGRESQL, KEY_FILE, WORKER_ID_FILE):
                    raise BackupError(f"{source}: names {name!r}, which is no part of a backup")
                _extract(tar, name, folder / name)
                if _hash(folder / name) != sha256:
                    raise BackupError(f"{source}: {name} is not what the manifest says: damaged")
    except (tarfile.TarError, KeyError, ValidationError) as error:
        raise BackupError(f"{source}: expected a backup of this server ({error})") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{source}: format {manifest.format}; this version reads {FORMAT}")
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found.read(CHUNK)


def _extract(tar: tarfile.TarFile, name: str, to: Path) -> None:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    with to.open("wb") as file:
        shutil.copyfileobj(found, file, CHUNK)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A folder on the same file system as `path`, gone afterwards."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".encounter-", dir=path.parent) as name:
        yield Path(name)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(state_dir: Path, out: Path, now: datetime) -> None:
    noted = {"made_at": now.isoformat(), "file": str(out), "bytes": out.stat().st_size}
    draft = state_dir / f"{LAST_BACKUP_FILE}.new"
    draft.write_text(json.dumps(noted), "utf-8")
    draft.replace(state_dir / LAST_BACKUP_FILE)


def _run_tool(place: Place, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database.

    A password goes by the environment: other users of the machine see a command line.
    """
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is not on this machine; install postgresql-client")
    url = make_url(place.database_url)
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password else {})
    bare = url.set(drivername="postgresql")._replace(password=None).render_as_string()
    done = subprocess.run(  # noqa: S603 - found on the path
        [path, "-d", bare, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise BackupError(f"{program}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
