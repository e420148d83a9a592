"""Where a released cell stands: at its point, or, if it is of a store's week, at the store.

Cells are only inserted. Those of one point are disjoint, and so are the weeks of one device
(privacy rule 5): a cell that would overlap another is not placed.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Select, insert, select

from firmware_cfg.messages import Cell, PointKind, Window
from server.identity import assigned_at, assignments_during
from server.ingest.reading import WindowReading
from server.periods import Period, subtract
from server.schema.cells import cell, store_week
from server.schema.messages import AsideReason


def place_cell(
    connection: Connection, org_id: UUID, reading: WindowReading, index: int
) -> AsideReason | None:
    """Insert one cell where it belongs; or the reason why it cannot stand there."""
    of, one = reading.window, reading.window.cells[index]
    if one.kind is PointKind.STORE:
        return _place_week(connection, org_id, of, one)
    assigned = assigned_at(connection, org_id, of.device, one.point, one.start)
    if assigned is None:
        return AsideReason.UNASSIGNED_POINT
    if assigned.valid_to is not None and one.end > assigned.valid_to:
        return AsideReason.OUTSIDE_ASSIGNMENT
    if assigned.kind != one.kind:
        return AsideReason.WRONG_KIND
    overlap = select(cell.c.cell_id).where(
        cell.c.org_id == org_id,
        cell.c.point_id == assigned.point_id,
        cell.c.start_at < one.end,
        cell.c.end_at > one.start,
    )
    if _any(connection, overlap):
        return AsideReason.OVERLAPPING_CELL
    row = _row(of, one) | {"org_id": org_id, "cell_id": uuid4(), "point_id": assigned.point_id}
    row["staff"] = None if one.staff is None else one.staff.model_dump(mode="json")
    connection.execute(insert(cell).values(row))
    return None


def _place_week(connection: Connection, org_id: UUID, of: Window, one: Cell) -> AsideReason | None:
    store_id = _store_of(connection, org_id, of.device, one.start, one.end)
    if isinstance(store_id, AsideReason):
        return store_id
    overlap = select(store_week.c.week_id).where(
        store_week.c.org_id == org_id,
        store_week.c.device == of.device,
        store_week.c.start_at < one.end,
        store_week.c.end_at > one.start,
    )
    if _any(connection, overlap):
        return AsideReason.OVERLAPPING_CELL
    row = _row(of, one) | {"org_id": org_id, "week_id": uuid4(), "store_id": store_id}
    row["week"] = None if one.week is None else one.week.model_dump(mode="json")
    connection.execute(insert(store_week).values(row))
    return None


def _store_of(
    connection: Connection, org_id: UUID, device: str, start: datetime, end: datetime
) -> UUID | AsideReason:
    """The one store whose points a device watched all through [start, end)."""
    week = Period(start, end)
    found = assignments_during(connection, org_id, device, week)
    stores = {one.store_id for one in found}
    if not found:
        return AsideReason.UNASSIGNED_POINT
    if len(stores) > 1 or subtract([week], [one.period for one in found]):
        return AsideReason.OUTSIDE_ASSIGNMENT
    return stores.pop()


def _any(connection: Connection, rows: Select[tuple[UUID]]) -> bool:
    return connection.execute(rows.limit(1)).first() is not None


def _row(of: Window, one: Cell) -> dict[str, object]:
    """What every released cell has."""
    return {
        "device": of.device,
        "epoch": of.epoch,
        "sequence": of.sequence,
        "level": one.level.value,
        "start_at": one.start,
        "end_at": one.end,
        "k": one.k,
        "visits": one.visits,
        "left_censored": one.left_censored,
        "passers_by": one.passers_by,
        **one.outcomes.model_dump(),
        "waiting": one.waiting.model_dump(mode="json"),
        "stay": one.stay.model_dump(mode="json"),
        "observed_s": one.observed_s,
        "bridged_s": one.bridged_s,
        "unknown_s": one.unknown_s,
        "definition_version": of.definition_version,
        "geometry_hash": of.geometry_hash,
        "expectations_hash": of.expectations_hash,
        "model": of.model,
    }
