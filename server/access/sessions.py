"""Sessions: rows of the server's, found by the SHA-256 of what the browser holds.

A session ends 12 hours after it was last used, 7 days after it began, at sign-out, at a change
of the password, and when its account is disabled. Signing in always makes a new one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from server.access.secret import digest, new_secret
from server.schema.access import session

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was found."""

    sha256: str
    account_id: UUID
    seen_at: datetime
    ends_at: datetime

    def holds(self, now: datetime, seen_at: datetime | None = None) -> bool:
        """Whether it still holds; `seen_at`: a later use that is not written down yet."""
        last = max(self.seen_at, seen_at) if seen_at is not None else self.seen_at
        return now < self.ends_at and now - last < IDLE


def begin(connection: Connection, account_id: UUID, now: datetime) -> str:
    """A new session; its secret, which the browser alone keeps."""
    secret = new_secret()
    connection.execute(
        insert(session).values(
            sha256=digest(secret),
            account_id=account_id,
            made_at=now,
            seen_at=now,
            ends_at=now + LONGEST,
        )
    )
    return secret


def find(connection: Connection, secret: str) -> Session | None:
    """The session of a secret, whether it still holds or not."""
    row = connection.execute(select(session).where(session.c.sha256 == digest(secret))).first()
    if row is None:
        return None
    return Session(row.sha256, row.account_id, row.seen_at, row.ends_at)


def close(connection: Connection, secret: str) -> None:
    """End one session."""
    connection.execute(delete(session).where(session.c.sha256 == digest(secret)))


def close_all(connection: Connection, account_id: UUID) -> None:
    """End every session of an account."""
    connection.execute(delete(session).where(session.c.account_id == account_id))
