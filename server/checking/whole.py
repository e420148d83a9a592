"""All checks, one after another."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from server.backup import Place
from server.checking.database import (
    INTEGRITY,
    PARTS,
    SCHEMA,
    check_integrity,
    check_parts,
    check_schema,
    reading,
)
from server.checking.findings import Finding, Verdict, fails, not_checked
from server.checking.invariants import invariants
from server.checking.place import check_backup, check_certificates, check_disk, check_key
from server.checking.rollups import ROLLUPS, check_rollups
from server.metrics.collector import Broker


@dataclass(frozen=True, slots=True)
class Asked:
    """What is checked, and how strictly.

    Attributes:
        place: where state and database lie.
        backup_within: how old the last backup may be; none: any age.
        broker: whose certificate is looked at, if any.
        points: of how many points roll-ups are computed again.
        seed: which ones.
    """

    place: Place
    backup_within: timedelta | None = timedelta(hours=26)
    broker: Broker | None = None
    points: int = 20
    seed: int = 0


def check(asked: Asked, now: datetime) -> Iterator[Finding]:
    """Check everything; nothing is changed.

    Raises:
        DatabaseError: there is no database.
    """
    place = asked.place
    with reading(place) as connection:
        schema = _looked(connection, SCHEMA, check_schema)
        yield schema
        yield _looked(connection, INTEGRITY, check_integrity)
        yield _looked(connection, PARTS, check_parts)
        if schema.verdict is Verdict.HOLDS:
            for what, invariant in invariants(now).items():
                yield _looked(connection, what, invariant)
            rng = random.Random(asked.seed)  # noqa: S311 which ones, not a secret
            yield _looked(connection, ROLLUPS, lambda c: check_rollups(c, now, asked.points, rng))
        else:
            yield not_checked("messages, cells and roll-ups", "of another schema")
    yield check_key(place)
    yield check_backup(place, asked.backup_within, now)
    yield check_disk(place)
    yield from check_certificates(asked.broker, now)


def _looked(connection: Connection, what: str, look: Callable[[Connection], Finding]) -> Finding:
    """What was found; where the database cannot be read there, that it cannot."""
    try:
        return look(connection)
    except DBAPIError as error:
        connection.rollback()
        return fails(what, f"cannot be read: {str(error.orig).strip().splitlines()[0]}")
