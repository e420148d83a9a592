"""The command line of `encounter-edge ledger`; imports nothing heavy."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from edge.words import Language

ACTIONS = ("show", "verify", "head", "prove", "config")
DATABASE = Path("/var/lib/encounter/outbox.sqlite")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a ledger.

    Attributes:
        action: one of `ACTIONS`.
        subject: number of the entry to prove, or the site file.
        database: of the device, or a copy.
        language: of the answer.
        since: entries of windows from this day on, in the store's zone.
        kind: entries of this kind alone.
        public_key: file of the device's public key, or its 64 hexadecimal digits.
        heads: codes or files of heads kept elsewhere.
        payloads: files of messages that arrived.
        json: print the head as JSON.
    """

    action: str
    subject: str | None
    database: Path
    language: Language
    since: date | None
    kind: str | None
    public_key: str | None
    heads: tuple[str, ...]
    payloads: tuple[Path, ...]
    json: bool


def arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = command.add_argument
    add("action", choices=ACTIONS, help="what to do; the ledger is only read")
    add("subject", nargs="?", metavar="ENTRY|SITE.toml", help="for prove and config")
    add("--database", type=Path, default=DATABASE, metavar="FILE", help=f"default: {DATABASE}")
    add("--language", choices=("en", "zh"), default="en", help="of the answer [en]")
    add("--since", type=date.fromisoformat, metavar="DATE", help="show: from this day on")
    add("--kind", metavar="KIND", help="show: entries of one kind, such as window or wish")
    add(
        "--public-key",
        metavar="FILE|HEX",
        help="verify: the device's, as head prints it; default: the one the database names",
    )
    add(
        "--head",
        action="append",
        default=[],
        metavar="CODE|FILE",
        help="verify: a head kept elsewhere: its code, or a heartbeat's JSON; may be repeated",
    )
    add(
        "--payload",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="verify: a message that arrived from this device; may be repeated",
    )
    add("--json", action="store_true", help="head: as JSON, with its signature")


def request_of(options: argparse.Namespace) -> Request:
    """The request of a parsed command line."""
    return Request(
        options.action,
        options.subject,
        options.database,
        options.language,
        options.since,
        options.kind,
        options.public_key,
        tuple(options.head),
        tuple(options.payload),
        options.json,
    )
