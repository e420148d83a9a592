"""Local accounts: a name, one role, and where it holds. Nobody has a password by default."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from server.access.errors import RefusedError
from server.access.names import folded, name_of, unfit
from server.access.reach import Reach
from server.access.roles import Role
from server.access.sessions import close_all
from server.errors import NotFoundError
from server.schema.access import account, account_reach, api_token, one_time_link
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
        end_links(connection, account_id)


def end_links(connection: Connection, account_id: UUID) -> None:
    """End the links of an account that were not used."""
    unused = (one_time_link.c.account_id == account_id, one_time_link.c.used_at.is_(None))
    connection.execute(delete(one_time_link).where(*unused))


def disable(connection: Connection, account_id: UUID, now: datetime) -> None:
    """Nobody comes in by it any more: its sessions, links and tokens end, for good."""
    mine = account.c.account_id == account_id
    connection.execute(update(account).where(mine).values(disabled_at=now))
    close_all(connection, account_id)
    end_links(connection, account_id)
    open_ones = (api_token.c.account_id == account_id, api_token.c.revoked_at.is_(None))
    connection.execute(update(api_token).where(*open_ones).values(revoked_at=now))


def enable(connection: Connection, account_id: UUID) -> None:
    """Let it in again, by its password."""
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


def within(connection: Connection, scope: Scope, *, after: str | None, limit: int) -> list[Account]:
    """Accounts whose whole reach lies inside `scope`, by name; `limit` of those after `after`."""
    query = select(account).where(_is_within(scope)).order_by(account.c.name).limit(limit)
    if after is not None:
        query = query.where(account.c.name > after)
    rows = connection.execute(query).all()
    reaches = reaches_of(connection, [row.account_id for row in rows])
    return [_account(row, reaches.get(row.account_id, ())) for row in rows]


def account_within(connection: Connection, scope: Scope, account_id: UUID) -> Account:
    """One account whose whole reach lies inside `scope`.

    Raises:
        NotFoundError: no such account there.
    """
    mine = select(account).where(account.c.account_id == account_id, _is_within(scope))
    row = connection.execute(mine).first()
    if row is None:
        raise NotFoundError(f"no account {account_id}")
    return _account(row, reaches_of(connection, [account_id]).get(account_id, ()))


def _is_within(scope: Scope) -> ColumnElement[bool]:
    """Whether an account reaches something, and nothing that lies outside of `scope`."""
    if scope.all_organisations:
        return true()
    mine = select(account_reach.c.reach_id).where(
        account_reach.c.account_id == account.c.account_id
    )
    return mine.exists() & ~mine.where(~_holds(scope)).exists()


def _holds(scope: Scope) -> ColumnElement[bool]:
    """Whether a reach lies inside `scope`; one over everything does not."""
    org_id = account_reach.c.org_id
    parts: list[ColumnElement[bool]] = [org_id.in_(scope.org_ids)]
    for column, places in (
        (account_reach.c.region_id, scope.regions),
        (account_reach.c.store_id, scope.stores),
    ):
        orgs, ids = {one.org_id for one in places}, {one.id for one in places}
        parts.append(and_(column.is_not(None), org_id.in_(orgs), column.in_(ids)))
    return and_(org_id.is_not(None), or_(*parts))


def reaches_of(
    connection: Connection, account_ids: Sequence[UUID]
) -> dict[UUID, tuple[Reach, ...]]:
    """Where the roles of some accounts hold."""
    query = select(account_reach).where(account_reach.c.account_id.in_(account_ids))
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
