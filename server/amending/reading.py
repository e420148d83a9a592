"""Reading amendments, and what is in force for a store."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, or_, select

from server.amending.rulings import Merge, Rulings
from server.amending.values import Amendment, Kind
from server.errors import NotFoundError
from server.periods import Period
from server.schema.cells import amendment, cell
from server.schema.identity import assignment, point, store


def amendments(connection: Connection, org_id: UUID, store_id: UUID) -> list[Amendment]:
    """All amendments of a store, withdrawn ones too, in the order in which they were made."""
    query = _of(org_id, store_id).order_by(amendment.c.made_at, amendment.c.start_at)
    return [_amendment(row) for row in connection.execute(query)]


def amendments_after(
    connection: Connection, org_id: UUID, store_id: UUID, after: UUID | None, limit: int
) -> list[Amendment]:
    """`limit` amendments of a store, withdrawn ones too, in the order of their ids."""
    query = _of(org_id, store_id).order_by(amendment.c.amendment_id).limit(limit)
    if after is not None:
        query = query.where(amendment.c.amendment_id > after)
    return [_amendment(row) for row in connection.execute(query)]


def voided(connection: Connection, org_id: UUID, store_id: UUID, period: Period) -> list[Amendment]:
    """The standing voids that meet `period`: draw their time as a gap with their reason."""
    return _standing(connection, org_id, store_id, period, Kind.VOID)


def relabelled(
    connection: Connection, org_id: UUID, store_id: UUID, period: Period
) -> list[Amendment]:
    """The standing relabels that meet `period`."""
    return _standing(connection, org_id, store_id, period, Kind.RELABEL)


def notes(connection: Connection, org_id: UUID, store_id: UUID, period: Period) -> list[Amendment]:
    """The standing notes that meet `period`."""
    return _standing(connection, org_id, store_id, period, Kind.NOTE)


def rulings_of(connection: Connection, org_id: UUID, store_id: UUID) -> Rulings:
    """What is in force for a store.

    Raises:
        NotFoundError: no such store.
    """
    mine = (store.c.org_id == org_id) & (store.c.store_id == store_id)
    row = connection.execute(select(store.c.confirmed_at).where(mine)).first()
    if row is None:
        raise NotFoundError(f"no store {store_id}")
    kinds = (Kind.VOID.value, Kind.RELABEL.value)
    standing = _of(org_id, store_id).where(
        amendment.c.withdrawn_at.is_(None), amendment.c.kind.in_(kinds)
    )
    found = connection.execute(standing.order_by(amendment.c.made_at, amendment.c.amendment_id))
    merged = connection.execute(
        select(point.c.point_id, point.c.merged_into, point.c.merged_since).where(
            point.c.org_id == org_id,
            point.c.store_id == store_id,
            point.c.merged_into.is_not(None),
        )
    )
    return Rulings(
        confirmed_at=row.confirmed_at,
        amendments=tuple(_amendment(one) for one in found),
        merges={one.point_id: Merge(one.merged_into, one.merged_since) for one in merged},
    )


def week_counts(
    connection: Connection, org_id: UUID, rulings: Rulings, device: str, week: Period
) -> bool:
    """Whether a device's week is in the figures: if no void meets it of a point it watched.

    A week is of all the device's points together, so it goes out whole where one of them does.
    """
    watched = connection.execute(
        select(assignment.c.point_id).where(
            assignment.c.org_id == org_id,
            assignment.c.device == device,
            assignment.c.valid_from < week.end,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > week.start),
        )
    ).scalars()
    return rulings.week_counts(week, *watched)


def cell_times(
    connection: Connection, org_id: UUID, point_ids: Collection[UUID], period: Period | None
) -> list[tuple[UUID, Period]]:
    """Point and time of each cell of these points that meets `period`; none: of all of them."""
    query = select(cell.c.point_id, cell.c.start_at, cell.c.end_at).where(
        cell.c.org_id == org_id, cell.c.point_id.in_(point_ids)
    )
    if period is not None:
        query = query.where(cell.c.start_at < period.end, cell.c.end_at > period.start)
    rows = connection.execute(query.order_by(cell.c.start_at, cell.c.end_at))
    return [(row.point_id, Period(row.start_at, row.end_at)) for row in rows]


def _of(org_id: UUID, store_id: UUID) -> Select[Any]:
    return select(amendment).where(amendment.c.org_id == org_id, amendment.c.store_id == store_id)


def _standing(
    connection: Connection, org_id: UUID, store_id: UUID, period: Period, kind: Kind
) -> list[Amendment]:
    query = _of(org_id, store_id).where(
        amendment.c.kind == kind.value,
        amendment.c.withdrawn_at.is_(None),
        amendment.c.start_at < period.end,
        amendment.c.end_at > period.start,
    )
    return [_amendment(row) for row in connection.execute(query.order_by(amendment.c.start_at))]


def _amendment(row: Row[Any]) -> Amendment:
    return Amendment(
        amendment_id=row.amendment_id,
        kind=Kind(row.kind),
        store_id=row.store_id,
        point_id=row.point_id,
        to_point_id=row.to_point_id,
        period=Period(row.start_at, row.end_at),
        reason=row.reason,
        made_by=row.made_by,
        made_at=row.made_at,
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
    )
