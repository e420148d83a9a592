"""A ledger's database, opened for reading alone: on the device, or a copy of it elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.ledger.errors import LedgerInputError


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One consistent view of the database; nothing is written beside it.

    Where a process has it open, its own index of the journal is used. Otherwise the file is read
    as it lies; or, if a journal lies beside it (after a kill or a power cut), a copy of both.

    Raises:
        LedgerInputError: there is no such file, or it cannot be opened.
    """
    if not path.is_file():
        raise LedgerInputError(f"{path}: expected the database of a device, found no file")
    with tempfile.TemporaryDirectory(prefix="encounter-ledger-") as folder:
        database = _connected(path, Path(folder))
        try:
            yield database
        except sqlite3.OperationalError as error:
            raise LedgerInputError(f"{path}: cannot be read ({error})") from None
        finally:
            database.close()


def _connected(path: Path, folder: Path) -> sqlite3.Connection:
    """A connection for reading, to the file or to a copy in `folder`.

    Raises:
        LedgerInputError: neither can be opened.
    """
    journal = path.with_name(path.name + "-wal")
    index = path.with_name(path.name + "-shm")
    try:
        if not journal.exists() or not journal.stat().st_size:
            return _begun(path, "immutable=1")
        if index.exists() and (live := _live(path)) is not None:
            return live
        copy = folder / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(journal, folder / journal.name)
        return _begun(copy, "mode=ro")
    except (OSError, sqlite3.OperationalError) as error:
        raise LedgerInputError(f"{path}: cannot be read ({error})") from None


def _live(path: Path) -> sqlite3.Connection | None:
    """A connection beside another process; None where a stale index would have to be mended."""
    try:
        return _begun(path, "mode=ro")
    except sqlite3.OperationalError:
        return None


def _begun(path: Path, how: str) -> sqlite3.Connection:
    """A connection within a transaction, which sees one state from now on."""
    uri = f"{path.absolute().as_uri()}?{how}"
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        database.close()
        raise
    except sqlite3.DatabaseError as error:
        database.close()
        raise LedgerInputError(f"{path}: expected a device's database ({error})") from None
    return database
