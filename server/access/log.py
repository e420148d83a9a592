"""The log of who saw what: a row for each answer with figures, and for each that was refused.

A row says when, which account, by a session or a token, the operation, of what (a store, a
point, a device, with the period asked for) and the status. An answer about one thing is logged
at its place; one about many at each place that the caller may see: organisations, or else the
uppermost regions and the stores outside of them. What is not there, or only in an organisation
of which the caller sees nothing, is logged in none.

Who sees a part of an organisation reads what touched that part: what was about one of its places,
about a region above one, or, of figures and evidence, about all stores.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, insert, null, or_, select, true

from server.access.callers import Caller, Way
from server.schema.access import access_log
from server.schema.columns import NO_ORGANISATION
from server.schema.identity import device, organisation, point, region, store
from server.scope import Place, Scope

LONGEST_SUBJECT = 300


class Kind(StrEnum):
    """What an answer can be about."""

    STORE = "store"
    POINT = "point"
    DEVICE = "device"
    REGION = "region"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class About:
    """The one thing that an answer is about; `name` as the caller wrote it."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Where:
    """Where an answer is logged: an organisation, and the one store or region of it, if one."""

    org_id: UUID
    store_id: UUID | None = None
    region_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, as it is written down later.

    Attributes:
        at: when.
        caller: to whom.
        operation: the operation id of the API, or the name of a page.
        subject: of what, in words.
        about: of which one thing; none: of all that the caller may see.
        status: the HTTP status.
        of_stores: whether it shows what is of stores: figures, or evidence.
    """

    at: datetime
    caller: Caller
    operation: str
    subject: str
    about: About | None
    status: int
    of_stores: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log."""

    org_id: UUID
    entry_id: UUID
    at: datetime
    account_id: UUID | None
    account: str
    way: Way
    operation: str
    subject: str
    store_id: UUID | None
    status: int


def write(connection: Connection, seen: Sequence[Seen]) -> int:
    """Write answers down; how many rows that made."""
    if not seen:
        return 0
    orgs = list(connection.execute(select(organisation.c.org_id)).scalars())
    places = _places(connection, orgs, [one.about for one in seen if one.about])
    scopes = {one.caller.scope for one in seen if one.about is None}
    parts = {scope: _parts(connection, scope) for scope in scopes}
    rows = [
        row for one in seen for row in _rows(one, orgs, places, parts.get(one.caller.scope, ()))
    ]
    connection.execute(insert(access_log), rows)
    return len(rows)


def _rows(
    one: Seen, orgs: Sequence[UUID], places: dict[About, Where], parts: Sequence[Where]
) -> list[dict[str, object]]:
    place = places.get(one.about) if one.about else None
    scope = one.caller.scope
    if place is not None and not (scope.all_organisations or place.org_id in scope.touched):
        place = None
    if place is not None:
        where = [place]
    elif one.about is not None:
        where = []
    elif scope.all_organisations:
        where = [Where(org_id) for org_id in orgs]
    else:
        where = list(parts)
    common = {
        "at": one.at,
        "account_id": one.caller.account_id,
        "account": one.caller.name,
        "way": one.caller.way,
        "operation": one.operation[:64],
        "subject": one.subject[:LONGEST_SUBJECT],
        "status": one.status,
    }
    return [
        {
            **common,
            "entry_id": uuid4(),
            "org_id": at.org_id,
            "store_id": at.store_id,
            "region_id": at.region_id,
            "everywhere": one.of_stores and at.store_id is None and at.region_id is None,
        }
        for at in where or [Where(NO_ORGANISATION)]
    ]


def _parts(connection: Connection, scope: Scope) -> list[Where]:
    """The largest places that a scope is made of."""
    found = [Where(org_id) for org_id in sorted(scope.org_ids)]
    known = _regions(connection, {one.org_id for one in scope.regions})
    found += [
        Where(one.org_id, region_id=one.id)
        for one in sorted(scope.regions)
        if (one.org_id, known.get(one)) not in scope.regions
    ]
    rows = connection.execute(
        select(store.c.org_id, store.c.store_id, store.c.region_id)
        .where(
            store.c.org_id.in_({one.org_id for one in scope.stores}),
            store.c.store_id.in_({one.id for one in scope.stores}),
        )
        .order_by(store.c.store_id)
    )
    return found + [
        Where(row.org_id, store_id=row.store_id)
        for row in rows
        if (row.org_id, row.region_id) not in scope.regions
    ]


def _regions(connection: Connection, orgs: Collection[UUID]) -> dict[Place, UUID | None]:
    """The regions of organisations, with the one above each."""
    rows = connection.execute(
        select(region.c.org_id, region.c.region_id, region.c.parent_id).where(
            region.c.org_id.in_(orgs)
        )
    )
    return {Place(row.org_id, row.region_id): row.parent_id for row in rows}


def _places(
    connection: Connection, orgs: Sequence[UUID], named: Sequence[About]
) -> dict[About, Where]:
    """The organisation, and the store, of each thing that there is."""
    found: dict[About, Where] = {}
    for kind, table, column in (
        (Kind.STORE, store, store.c.store_id),
        (Kind.POINT, point, point.c.point_id),
        (Kind.DEVICE, device, device.c.device),
        (Kind.REGION, region, region.c.region_id),
        (Kind.ORGANISATION, organisation, organisation.c.org_id),
    ):
        names = {one.name for one in named if one.kind is kind}
        keys = names if kind is Kind.DEVICE else {UUID(name) for name in names if _is_uuid(name)}
        if not keys:
            continue
        rows = connection.execute(
            select(table.c.org_id, _store_in(table), column.label("name")).where(
                table.c.org_id.in_(orgs), column.in_(keys)
            )
        )
        for row in rows:
            region_id = row.name if kind is Kind.REGION else None
            found[About(kind, str(row.name))] = Where(row.org_id, row.store_id, region_id)
    return found


def _store_in(table: Table) -> ColumnElement[Any]:
    """The column of the store, null where the table has none."""
    return table.c.store_id if "store_id" in table.c else null().label("store_id")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def entries(
    connection: Connection,
    scope: Scope,
    *,
    account_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Rows inside `scope`, the latest first; `before`: those after this one in that order.

    Rows of no organisation are shown to those who see all of them.
    """
    query = select(access_log).where(_touched(connection, scope))
    if scope.all_organisations:  # named, so that a spread table is not asked everywhere
        orgs = [NO_ORGANISATION, *connection.execute(select(organisation.c.org_id)).scalars()]
        query = query.where(access_log.c.org_id.in_(orgs))
    if account_id is not None:
        query = query.where(access_log.c.account_id == account_id)
    if before is not None:
        at, entry_id = before
        earlier = access_log.c.at < at
        beside = and_(access_log.c.at == at, access_log.c.entry_id < entry_id)
        query = query.where(or_(earlier, beside))
    order = (access_log.c.at.desc(), access_log.c.entry_id.desc())
    return [_entry(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def _touched(connection: Connection, scope: Scope) -> ColumnElement[bool]:
    """Whether a row is about something inside a scope: of whole organisations all are."""
    if scope.all_organisations:
        return true()
    above = set(scope.regions)
    known = _regions(connection, {one.org_id for one in scope.stores | scope.regions})
    rows = connection.execute(
        select(store.c.org_id, store.c.region_id).where(
            store.c.org_id.in_({one.org_id for one in scope.stores}),
            store.c.store_id.in_({one.id for one in scope.stores}),
        )
    )
    waiting = [*above, *(Place(*row) for row in rows if row.region_id is not None)]
    while waiting:
        one = waiting.pop()
        above.add(one)
        parent = known.get(one)
        if parent is not None and Place(one.org_id, parent) not in above:
            waiting.append(Place(one.org_id, parent))
    inside = (
        access_log.c.everywhere,
        access_log.c.region_id.in_({one.id for one in above}),
        access_log.c.store_id.in_({one.id for one in scope.stores}),
    )
    orgs = {one.org_id for one in scope.stores | scope.regions}
    part = and_(access_log.c.org_id.in_(orgs), or_(*inside))
    return or_(access_log.c.org_id.in_(scope.org_ids), part)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        org_id=row.org_id,
        entry_id=row.entry_id,
        at=row.at,
        account_id=row.account_id,
        account=row.account,
        way=Way(row.way),
        operation=row.operation,
        subject=row.subject,
        store_id=row.store_id,
        status=row.status,
    )
