"""Local accounts: a name, one role, and where it holds. Nobody has a password by default."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.access.errors import RefusedError
from server.access.names import folded, name_of, unfit
from server.access.reach import Reach, scope_of
from server.access.roles import Role
from server.access.sessions import close_all
from server.errors import NotFoundError
from server.schema.access import account, account_reach, one_time_link
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class Account:
    """An account, without its password.

    Attributes:
        has_password: whether anybody can sign in with it yet.
        reaches: where its role holds.
    """

    account_id: UUID
    name: str
    role: Role
    made_at: datetime
    disabled_at: datetime | None
    last_seen_at: datetime | None
    has_password: bool
    reaches: tuple[Reach, ...]


def count(connection: Connection) -> int:
    """How many accounts there are."""
    return connection.execute(select(func.count()).select_from(account)).scalar_one()


def make(
    connection: Connection, name: str, role: Role, reaches: Sequence[Reach], now: datetime
) -> UUID:
    """A new account, to which a one-time link gives its password.

    A name that is given is refused in the words of one that cannot be: whoever asks may not
    know of the account that has it.

    Raises:
        RefusedError: a name that cannot be given, or that is given; nowhere to hold.
    """
    account_id = uuid4()
    values = {"account_id": account_id, "name": name_of(name), "role": role, "made_at": now}
    try:
        with connection.begin_nested():
            connection.execute(insert(account).values(**values))
    except IntegrityError:
        raise unfit() from None
    set_reaches(connection, account_id, reaches)
    return account_id


def set_reaches(connection: Connection, account_id: UUID, reaches: Sequence[Reach]) -> None:
    """Say anew where an account's role holds.

    Raises:
        RefusedError: nowhere.
    """
    if not reaches:
        raise RefusedError("reach", "an account: expected at least one reach, found none")
    mine = account_reach.c.account_id == account_id
    connection.execute(delete(account_reach).where(mine))
    rows = [
        {
            "reach_id": uuid4(),
            "account_id": account_id,
            "org_id": one.org_id,
            "region_id": one.region_id,
            "store_id": one.store_id,
        }
        for one in dict.fromkeys(reaches)
    ]
    connection.execute(insert(account_reach), rows)


def set_role(connection: Connection, account_id: UUID, role: Role) -> None:
    """Give an account another role."""
    mine = account.c.account_id == account_id
    connection.execute(update(account).where(mine).values(role=role))


def set_password(
    connection: Connection, account_id: UUID, kept: str, *, end_sessions: bool = True
) -> None:
    """Keep another hash; whoever was signed in must sign in again, and open links end."""
    mine = account.c.account_id == account_id
    connection.execute(update(account).where(mine).values(password=kept))
    if end_sessions:
        close_all(connection, account_id)
        unused = (one_time_link.c.account_id == account_id, one_time_link.c.used_at.is_(None))
        connection.execute(delete(one_time_link).where(*unused))


def disable(connection: Connection, account_id: UUID, now: datetime) -> None:
    """Nobody comes in by it any more: its sessions end, its tokens are refused."""
    mine = account.c.account_id == account_id
    connection.execute(update(account).where(mine).values(disabled_at=now))
    close_all(connection, account_id)


def enable(connection: Connection, account_id: UUID) -> None:
    """Let it in again."""
    mine = account.c.account_id == account_id
    connection.execute(update(account).where(mine).values(disabled_at=None))


def by_id(connection: Connection, account_id: UUID) -> Account:
    """One account.

    Raises:
        NotFoundError: no such account.
    """
    row = connection.execute(select(account).where(account.c.account_id == account_id)).first()
    if row is None:
        raise NotFoundError(f"no account {account_id}")
    return _account(row, reaches_of(connection, [account_id]).get(account_id, ()))


def by_name(connection: Connection, name: str) -> Account | None:
    """The account of a name, however it is written."""
    row = connection.execute(select(account).where(account.c.name == folded(name))).first()
    if row is None:
        return None
    return _account(row, reaches_of(connection, [row.account_id]).get(row.account_id, ()))


def kept_password(connection: Connection, name: str) -> tuple[UUID, str | None] | None:
    """The account of a name that may sign in, and the hash of its password."""
    row = connection.execute(
        select(account.c.account_id, account.c.password).where(
            account.c.name == folded(name), account.c.disabled_at.is_(None)
        )
    ).first()
    return None if row is None else (row.account_id, row.password)


def within(connection: Connection, scope: Scope) -> list[Account]:
    """The accounts whose whole reach lies inside `scope`, by name."""
    reaches = reaches_of(connection, None)
    rows = connection.execute(select(account).order_by(account.c.name)).all()
    found = [_account(row, reaches.get(row.account_id, ())) for row in rows]
    return [one for one in found if is_within(connection, one, scope)]


def is_within(connection: Connection, one: Account, scope: Scope) -> bool:
    """Whether all that an account reaches lies inside `scope`."""
    return scope.all_organisations or scope.holds(scope_of(connection, one.reaches))


def account_within(connection: Connection, scope: Scope, account_id: UUID) -> Account:
    """One account whose whole reach lies inside `scope`.

    Raises:
        NotFoundError: no such account there.
    """
    found = by_id(connection, account_id)
    if not is_within(connection, found, scope):
        raise NotFoundError(f"no account {account_id}")
    return found


def reaches_of(
    connection: Connection, account_ids: Sequence[UUID] | None
) -> dict[UUID, tuple[Reach, ...]]:
    """Where the roles of some accounts hold; none named: of all."""
    query = select(account_reach)
    if account_ids is not None:
        query = query.where(account_reach.c.account_id.in_(account_ids))
    found: dict[UUID, tuple[Reach, ...]] = {}
    for row in connection.execute(query):
        one = Reach(row.org_id, row.region_id, row.store_id)
        found[row.account_id] = (*found.get(row.account_id, ()), one)
    return found


def _account(row: Row[Any], reaches: tuple[Reach, ...]) -> Account:
    return Account(
        account_id=row.account_id,
        name=row.name,
        role=Role(row.role),
        made_at=row.made_at,
        disabled_at=row.disabled_at,
        last_seen_at=row.last_seen_at,
        has_password=row.password is not None,
        reaches=reaches,
    )
