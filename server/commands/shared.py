"""What several commands take and open: state folder, database, identity file."""

import argparse
import logging
from pathlib import Path
from typing import Protocol, TypeAlias

from sqlalchemy import Engine

from server.clock import now_utc
from server.database import open_database, sqlite_url, writer
from server.errors import ServerError
from server.identity import apply_identity
from server.identity_file import load_identity
from server.logs import event

log = logging.getLogger(__name__)
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


class Command(Protocol):
    """A module of `server.commands`."""

    def add(self, commands: Subparsers) -> None:
        """Add its options."""

    def run(self, chosen: argparse.Namespace) -> int:
        """Run it; its exit status."""
        ...


def described(one: argparse.ArgumentParser, text: str) -> argparse.ArgumentParser:
    """A parser whose help shows `text` as it is written."""
    one.description = text
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    return one


def add_state(one: argparse.ArgumentParser) -> None:
    """`--state`."""
    one.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of signing key and database; made if it is not there",
    )


def add_database(one: argparse.ArgumentParser) -> None:
    """`--state` and `--database`."""
    add_state(one)
    one.add_argument(
        "--database",
        metavar="URL",
        help="another database than DIR/encounter.db, such as sqlite:////srv/encounter.db "
        "or postgresql://user@/encounter?host=/run/postgresql; a password belongs into "
        "~/.pgpass (mode 0600), not here, where others of this machine see it",
    )


def add_identity(one: argparse.ArgumentParser) -> None:
    """`--identity`."""
    one.add_argument(
        "--identity",
        type=Path,
        metavar="FILE",
        help="organisations, stores, points and devices (TOML), applied at start; "
        "names may change, keys stay, nothing is deleted",
    )


def state_dir(chosen: argparse.Namespace) -> Path:
    """The state folder, made if it is not there."""
    path: Path = chosen.state
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def database_url(chosen: argparse.Namespace) -> str:
    """The URL of the database that was chosen."""
    return str(chosen.database or sqlite_url(state_dir(chosen) / "encounter.db"))


def open_chosen(chosen: argparse.Namespace) -> Engine:
    """The database, brought up to date, with the identity file applied where one is given."""
    engine = open_database(database_url(chosen))
    if chosen.identity is not None:
        identity = load_identity(chosen.identity)
        with writer(engine).begin() as connection:
            kept = apply_identity(connection, identity, now_utc())
        event(log, logging.INFO, "identity.applied", devices=len(identity.device))
        for one in kept:
            event(log, logging.WARNING, "identity.kept", what=str(one))
    return engine


def address(text: str, option: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` (`[::1]:8080` for IPv6).

    Raises:
        ServerError: not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ServerError(f"{option}: expected HOST:PORT, found {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)
