"""Making accounts for others and changing theirs: within one's own role and reach, not one's own.

**Names.** All accounts share one list of names, so a name that is refused because somebody has it
tells of somebody. Who does not reach everything therefore names accounts inside of one
organisation, `name@key`, and may learn of that organisation's names alone. Names that end with an
organisation's key are of accounts inside of it, whoever makes them.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from server.access import accounts, links
from server.access.callers import Caller
from server.access.errors import RefusedError
from server.access.names import folded, name_of, unfit
from server.access.reach import Reach, check_handed_on
from server.access.roles import Role, roles_within
from server.schema.identity import organisation

AT = "@"


def invite(
    connection: Connection,
    caller: Caller,
    name: str,
    rights: tuple[Role, Sequence[Reach]],
    now: datetime,
) -> UUID:
    """A new account, to which a one-time link gives its password.

    Raises:
        RefusedError: a name that cannot be given or is given, or rights beyond one's own.
    """
    role, reaches = rights
    _check_rights(connection, caller, role, reaches)
    given = _given_name(connection, caller, name, reaches)
    return accounts.make(connection, given, role, reaches, now)


def change_rights(
    connection: Connection, caller: Caller, account_id: UUID, role: Role, reaches: Sequence[Reach]
) -> None:
    """Give another account another role or reach.

    Its links end: who made one might not have made it for what the account is from now on.

    Raises:
        NotFoundError, RefusedError: not one that one may change, or rights beyond one's own.
    """
    check_other(connection, caller, account_id)
    _check_rights(connection, caller, role, reaches)
    accounts.end_links(connection, account_id)
    accounts.set_role(connection, account_id, role)
    accounts.set_reaches(connection, account_id, reaches)


def new_link(connection: Connection, caller: Caller, account_id: UUID, now: datetime) -> str:
    """A link for another account's lost password; the secret in its address.

    Raises:
        NotFoundError, RefusedError: not one that one may change; the own password is changed by
            giving the present one.
    """
    check_other(connection, caller, account_id)
    return links.make(connection, account_id, now)


def check_other(connection: Connection, caller: Caller, account_id: UUID) -> None:
    """Refuse accounts outside of one's own reach, and the own one.

    Raises:
        NotFoundError, RefusedError: it is one of these.
    """
    accounts.account_within(connection, caller.scope, account_id)
    if account_id == caller.account_id:
        raise RefusedError("self", "an account: expected another one than your own")


def _check_rights(
    connection: Connection, caller: Caller, role: Role, reaches: Sequence[Reach]
) -> None:
    """Refuse rights beyond one's own.

    Raises:
        RefusedError: they are.
    """
    if role not in roles_within(caller.role):
        raise RefusedError("role", "a role: expected one that includes no more than your own")
    check_handed_on(connection, caller.scope, reaches)


def realms(connection: Connection, caller: Caller) -> list[str]:
    """The endings of the names that somebody may give; none: any name."""
    if caller.scope.all_organisations:
        return []
    query = caller.scope.limit(select(organisation.c.slug), organisation)
    return [AT + slug for slug in connection.execute(query.order_by(organisation.c.slug)).scalars()]


def _given_name(connection: Connection, caller: Caller, name: str, reaches: Sequence[Reach]) -> str:
    """The name under which an account is made.

    Raises:
        RefusedError: it cannot be given.
    """
    inside = {one.org_id for one in reaches}
    if caller.scope.all_organisations:
        _, at, key = folded(name).rpartition(AT)
        named = select(organisation.c.org_id).where(organisation.c.slug == key)
        org_id = connection.execute(named).scalar() if at else None
        if org_id is not None and inside != {org_id}:
            raise unfit()
        return name_of(name)
    if len(inside) != 1:
        raise RefusedError("one_organisation", "a reach: expected one organisation's alone")
    (org_id,) = inside
    named = select(organisation.c.slug).where(organisation.c.org_id == org_id)
    ending = AT + connection.execute(named).scalar_one()
    return name_of(folded(name).removesuffix(ending) + ending)
