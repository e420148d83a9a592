"""One-time links: whoever holds one chooses a password, once, within 24 hours.

A link is an account's, or it makes a new administrator of everything. Making a link ends those
made before it for the same purpose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from server.access import accounts
from server.access.secret import digest, new_secret
from server.errors import NotFoundError
from server.schema.access import one_time_link

HOLDS = timedelta(hours=24)
PATH = "/link/"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that still holds; without an account it makes an administrator."""

    sha256: str
    account_id: UUID | None
    ends_at: datetime


def make(connection: Connection, account_id: UUID | None, now: datetime) -> str:
    """A new link; the secret in its address."""
    end_all(connection, account_id, now)
    secret = new_secret()
    connection.execute(
        insert(one_time_link).values(
            sha256=digest(secret), account_id=account_id, ends_at=now + HOLDS
        )
    )
    return secret


def first(connection: Connection, now: datetime) -> str | None:
    """A link to the first administrator, where there is no account at all."""
    return None if accounts.count(connection) else make(connection, None, now)


def end_all(connection: Connection, account_id: UUID | None, now: datetime) -> None:
    """End the links of an account, or those that make an administrator."""
    open_ones = (_of(account_id), one_time_link.c.used_at.is_(None))
    connection.execute(update(one_time_link).where(*open_ones).values(used_at=now))


def _of(account_id: UUID | None) -> ColumnElement[bool]:
    column = one_time_link.c.account_id
    return column.is_(None) if account_id is None else column == account_id


def find(connection: Connection, secret: str, now: datetime) -> Link:
    """The link of a secret.

    Raises:
        NotFoundError: none, or it was used, or its time is over; not said which.
    """
    row = connection.execute(
        select(one_time_link).where(
            one_time_link.c.sha256 == digest(secret),
            one_time_link.c.used_at.is_(None),
            one_time_link.c.ends_at > now,
        )
    ).first()
    if row is None:
        raise NotFoundError("no such link; it was used already, or its 24 hours are over")
    return Link(row.sha256, row.account_id, row.ends_at)


def use(connection: Connection, link: Link, now: datetime) -> None:
    """Use a link up, in the transaction that does what it is for.

    Raises:
        NotFoundError: somebody else was faster.
    """
    used = connection.execute(
        update(one_time_link)
        .where(one_time_link.c.sha256 == link.sha256, one_time_link.c.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1:
        raise NotFoundError("no such link; it was used already, or its 24 hours are over")


def address(base: str, secret: str) -> str:
    """The link as somebody opens it.

    >>> address("https://figures.example/", "abc")
    'https://figures.example/link/abc'
    """
    return base.rstrip("/") + PATH + secret
