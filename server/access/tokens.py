"""API tokens: `enc_`, 43 random letters and digits (256 bits), 6 of a checksum (CRC-32).

Prefix and checksum let a scanner of secrets recognise a token that was left somewhere, without
asking anybody. A token has a role not above its maker's, one reach inside its maker's, and an
end within a year; it is shown once and kept as its SHA-256.
"""

import re
import secrets
import string
import unicodedata
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, insert, select, update

from server.access.callers import Caller
from server.access.errors import RefusedError
from server.access.reach import Reach, check_handed_on
from server.access.roles import Role, not_above
from server.access.secret import digest
from server.errors import NotFoundError
from server.schema.access import api_token

PREFIX = "enc_"
SIGNS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_SIGNS = 43
CHECK_SIGNS = 6
FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM_SIGNS}}})([0-9A-Za-z]{{{CHECK_SIGNS}}})")
LONGEST = timedelta(days=365)
LONGEST_LABEL = 80
MOST = 50
"""In force at a time, of one account."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token, without its secret."""

    token_id: UUID
    account_id: UUID
    label: str
    role: Role
    reach: Reach
    made_at: datetime
    ends_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.revoked_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that somebody asks for."""

    label: str
    role: Role
    reach: Reach
    ends_at: datetime


def new_token() -> str:
    """A new token."""
    random = "".join(secrets.choice(SIGNS) for _ in range(RANDOM_SIGNS))
    return PREFIX + random + checksum(random)


def checksum(random: str) -> str:
    """The last signs of a token: CRC-32 of the random ones, in base 62.

    >>> checksum("0" * 43)
    '2CZclj'
    """
    left = zlib.crc32(random.encode())
    found = ""
    for _ in range(CHECK_SIGNS):
        left, digit = divmod(left, len(SIGNS))
        found = SIGNS[digit] + found
    return found


def is_wellformed(text: str) -> bool:
    """Whether a text can be a token at all.

    >>> is_wellformed(new_token()), is_wellformed("enc_" + "0" * 49)
    (True, False)
    """
    found = FORM.fullmatch(text)
    return found is not None and checksum(found[1]) == found[2]


def make(connection: Connection, maker: Caller, wanted: Wanted, now: datetime) -> tuple[UUID, str]:
    """A new token of the maker's account; its id, and the token, which is shown once.

    Raises:
        RefusedError: a role above one's own, a reach outside one's own, no end within a year,
            or an end after that of the token by which it is made; no label; one too many.
    """
    label = wanted.label.strip()
    if not 1 <= len(label) <= LONGEST_LABEL or _has_control_signs(label):
        raise RefusedError("label", f"a label: expected 1 to {LONGEST_LABEL} signs")
    if not not_above(wanted.role, maker.role):
        raise RefusedError("role", "a role: expected one that includes no more than your own")
    check_handed_on(connection, maker.scope, [wanted.reach])
    latest = now + LONGEST if maker.token is None else min(now + LONGEST, maker.token.ends_at)
    if not now < wanted.ends_at <= latest:
        raise RefusedError(
            "end",
            f"an end: expected one after now and until {latest.isoformat(timespec='minutes')}",
        )
    _refuse_one_more(connection, maker.account_id, now)
    token, token_id = new_token(), uuid4()
    connection.execute(
        insert(api_token).values(
            token_id=token_id,
            sha256=digest(token),
            account_id=maker.account_id,
            made_with=None if maker.token is None else maker.token.token_id,
            label=label,
            role=wanted.role,
            org_id=wanted.reach.org_id,
            region_id=wanted.reach.region_id,
            store_id=wanted.reach.store_id,
            made_at=now,
            ends_at=wanted.ends_at,
        )
    )
    return token_id, token


def _refuse_one_more(connection: Connection, account_id: UUID, now: datetime) -> None:
    in_force = select(func.count()).where(
        api_token.c.account_id == account_id,
        api_token.c.revoked_at.is_(None),
        api_token.c.ends_at > now,
    )
    if connection.execute(in_force).scalar_one() >= MOST:
        raise RefusedError("many", f"a token: expected at most {MOST} in force; end one first")


def find(connection: Connection, token: str) -> ApiToken | None:
    """The token of a text, whether it still holds or not."""
    if not is_wellformed(token):
        return None
    row = connection.execute(select(api_token).where(api_token.c.sha256 == digest(token))).first()
    return None if row is None else _token(row)


def of_account(connection: Connection, account_id: UUID) -> list[ApiToken]:
    """The tokens of an account, the latest first."""
    mine = select(api_token).where(api_token.c.account_id == account_id)
    rows = connection.execute(mine.order_by(api_token.c.made_at.desc(), api_token.c.token_id))
    return [_token(row) for row in rows]


def seen_by(connection: Connection, caller: Caller) -> list[ApiToken]:
    """The tokens of the caller's account; by a token: itself and what was made with it."""
    every = of_account(connection, caller.account_id)
    if caller.token is None:
        return every
    mine = _with_made(connection, caller.token.token_id)
    return [one for one in every if one.token_id in mine]


def end(connection: Connection, caller: Caller, token_id: UUID, now: datetime) -> None:
    """End a token that the caller sees, and those that were made with it.

    Raises:
        NotFoundError: the caller sees no such token.
    """
    by = None if caller.token is None else caller.token.token_id
    if by is not None and token_id not in _with_made(connection, by):
        raise NotFoundError(f"no token {token_id}")
    revoke(connection, caller.account_id, token_id, now)


def revoke(connection: Connection, account_id: UUID, token_id: UUID, now: datetime) -> None:
    """End a token of an account, and those that were made with it.

    Raises:
        NotFoundError: the account has no such token.
    """
    mine = (api_token.c.account_id == account_id, api_token.c.token_id == token_id)
    if connection.execute(select(api_token.c.token_id).where(*mine)).first() is None:
        raise NotFoundError(f"no token {token_id}")
    these = api_token.c.token_id.in_(_with_made(connection, token_id))
    open_ones = (these, api_token.c.revoked_at.is_(None))
    connection.execute(update(api_token).where(*open_ones).values(revoked_at=now))


def _with_made(connection: Connection, token_id: UUID) -> set[UUID]:
    """A token, those that were made with it, those that were made with these, and so on."""
    found, latest = {token_id}, {token_id}
    while latest:
        made_with = select(api_token.c.token_id).where(api_token.c.made_with.in_(latest))
        latest = set(connection.execute(made_with).scalars()) - found
        found |= latest
    return found


def _has_control_signs(text: str) -> bool:
    return any(unicodedata.category(one) == "Cc" for one in text)


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        account_id=row.account_id,
        label=row.label,
        role=Role(row.role),
        reach=Reach(row.org_id, row.region_id, row.store_id),
        made_at=row.made_at,
        ends_at=row.ends_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
