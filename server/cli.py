"""The command line of `encounter-server`; each command has a module in `server.commands`."""

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from server.commands import (
    amend,
    backup,
    check,
    confirm,
    identity,
    key,
    link,
    migrate,
    requeue,
    restore,
    run,
    simulate,
)
from server.commands.shared import Command, described
from server.errors import ServerError

COMMANDS: dict[str, Command] = {
    "run": run,
    "key": key,
    "link": link,
    "migrate": migrate,
    "backup": backup,
    "restore": restore,
    "check": check,
    "requeue": requeue,
    "amend": amend,
    "confirm": confirm,
    "identity": identity,
    "simulate": simulate,
}
TOP = """\
Takes the aggregates that Encounter's devices release, keeps them, and shows them.

  1. encounter-server key --state DIR       prints the key that goes into the devices' site files
  2. write an identity file: which organisations, stores, points and devices there are
  3. encounter-server run --state DIR --identity FILE --broker HOST:PORT
  4. open the link that it prints at its first start
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = described(argparse.ArgumentParser(prog="encounter-server"), TOP)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS.values():
        command.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status, or 2 with the reason on standard error."""
    chosen = parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command].run(chosen)
    except (ServerError, OSError) as error:
        sys.stderr.write(f"encounter-server: {error}\n")
    except SQLAlchemyError as error:
        sys.stderr.write(f"encounter-server: the database: {_in_words(error)}\n")
    return 2


def _in_words(error: SQLAlchemyError) -> str:
    """What a database said, without the statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(said).strip().splitlines()
    return lines[0] if lines else type(said).__name__


if __name__ == "__main__":
    sys.exit(main())
