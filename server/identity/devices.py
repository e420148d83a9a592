"""Devices in time: moved, replaced, retired. Each is one transaction, at one instant.

What was released stays where it was put: an assignment cannot end before what was released
under it. What was measured at the wrong point before that is amended, not moved.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from server.errors import IdentityError, NotFoundError
from server.identity.asking import (
    AssignmentRow,
    lock_organisation,
    owner_of,
    points_of,
    running,
    the_store,
)
from server.identity.holding import Change, hold
from server.schema.cells import cell
from server.schema.fleet import ledger_day
from server.schema.identity import assignment, device, device_owner, store


def move_device(
    change: Change, device_id: str, store_id: UUID, watches: Mapping[str, UUID], at: datetime
) -> None:
    """Let a device's assignments end at `at`, and others begin there; a retired one comes back.

    Args:
        change: of the organisation.
        device_id: one of its devices.
        store_id: where it stands from now on.
        watches: the point, of that store, that each local id stands for from `at` on.
        at: the instant, in the past.

    Raises:
        NotFoundError: no such device or store.
        IdentityError: something does not fit; then nothing is changed.
    """
    lock_organisation(change.connection, change.org_id)
    _label(change.connection, change.org_id, device_id)
    _refuse_future(change, device_id, at)
    here = the_store(change.connection, change.org_id, store_id)
    if change.connection.execute(select(store.c.ended_at).where(here)).scalar() is not None:
        raise IdentityError(
            (f"device {device_id!r}: the store it should go to closed for good",), "store_closed"
        )
    end_assignments(change, device_id, at)
    _open(change, device_id, store_id, watches, at)
    _stand(change, device_id, store_id)


def replace_device(
    change: Change,
    old: str,
    new: str,
    at: datetime,
    renamed: Mapping[str, str] | None = None,
) -> None:
    """Let a new device take over what an old one watches from `at` on; the old one is retired.

    Args:
        change: of the organisation.
        old: one of its devices.
        new: a device that watches nothing yet; it need not be known.
        at: the instant, in the past.
        renamed: the new device's local id by the old one's, where they differ.

    Raises:
        NotFoundError: no such old device.
        IdentityError: something does not fit; then nothing is changed.
    """
    lock_organisation(change.connection, change.org_id)
    label = _label(change.connection, change.org_id, old)
    _refuse_future(change, new, at)
    was = running(change.connection, change.org_id, at, device_id=old)
    locals_of = {one.local_id: one.local_id for one in was}
    unknown = sorted(set(renamed or {}) - set(locals_of))
    if unknown:
        raise IdentityError((f"device {old!r}: watches no point as {unknown[0]!r}",), "local_ids")
    locals_of |= renamed or {}
    if len(set(locals_of.values())) < len(locals_of):
        raise IdentityError(
            (f"device {new!r}: one local id would stand for two points",), "local_ids"
        )
    here = _the_device(change.org_id, old)
    store_id = change.connection.execute(select(device.c.store_id).where(here)).scalar_one()
    _claim(change, new, label, store_id, at)
    end_assignments(change, old, at)
    for one in was:
        _insert(change, new, locals_of[one.local_id], one.point_id, at)
    hold(change, device, here, {"retired_at": at})


def retire_device(change: Change, device_id: str, at: datetime) -> None:
    """Let a device's assignments end at `at`, without another one in its place.

    Raises:
        NotFoundError: no such device.
        IdentityError: something was released under them after `at`.
    """
    lock_organisation(change.connection, change.org_id)
    _label(change.connection, change.org_id, device_id)
    _refuse_future(change, device_id, at)
    end_assignments(change, device_id, at)
    hold(change, device, _the_device(change.org_id, device_id), {"retired_at": at})


def end_assignments(
    change: Change,
    device_id: str,
    at: datetime,
    store_id: UUID | None = None,
) -> int:
    """Let what a device watches (in one store, or everywhere) end at `at`; how many ended.

    Raises:
        IdentityError: one begins later, or something was released under it after `at`.
    """
    ending = running(change.connection, change.org_id, at, device_id=device_id)
    if store_id is not None:
        mine = {one.point_id for one in points_of(change.connection, change.org_id, store_id)}
        ending = [one for one in ending if one.point_id in mine]
    for one in ending:
        where = f"device {device_id!r}: local id {one.local_id!r}"
        if one.valid_from >= at:
            raise IdentityError(
                (f"{where} stands for its point since {one.valid_from}: expected a later instant",),
                "begins_later",
                one.valid_from,
            )
        last = _last_release(change.connection, change.org_id, one)
        if last is not None and last > at:
            raise IdentityError(
                (
                    (
                        f"{where}: released until {last} already: expected that instant or a "
                        "later one; what was measured at the wrong point before is amended"
                    ),
                ),
                "released_until",
                last,
            )
        here = (assignment.c.org_id == change.org_id) & (
            assignment.c.assignment_id == one.assignment_id
        )
        hold(change, assignment, here, {"valid_to": at})
    return len(ending)


def continue_assignments(change: Change, point_ids: Collection[UUID], at: datetime) -> int:
    """Let what ended at `at` run on, where neither device nor point went elsewhere; how many."""
    ended = change.connection.execute(
        select(assignment).where(
            assignment.c.org_id == change.org_id,
            assignment.c.point_id.in_(point_ids),
            assignment.c.valid_to == at,
        )
    ).all()
    count = 0
    for row in ended:
        device_now = running(change.connection, change.org_id, at, device_id=row.device)
        point_now = running(change.connection, change.org_id, at, point_id=row.point_id)
        if point_now or any(one.local_id == row.local_id for one in device_now):
            continue
        here = (assignment.c.org_id == change.org_id) & (
            assignment.c.assignment_id == row.assignment_id
        )
        hold(change, assignment, here, {"valid_to": None})
        count += 1
    return count


def _open(
    change: Change, device_id: str, store_id: UUID, watches: Mapping[str, UUID], at: datetime
) -> None:
    points = {one.point_id: one for one in points_of(change.connection, change.org_id, store_id)}
    for local_id, point_id in sorted(watches.items()):
        where = f"device {device_id!r}: local id {local_id!r}"
        if point_id not in points:
            raise IdentityError(
                (f"{where}: point {point_id} is not one of the store",), "point_elsewhere"
            )
        one = points[point_id]
        if one.merged_into is not None:
            raise IdentityError(
                (f"{where}: point {one.key!r} was merged into another",), "point_merged"
            )
        others = running(change.connection, change.org_id, at, point_id=point_id)
        if others:
            raise IdentityError(
                (f"{where}: device {others[0].device!r} watches point {one.key!r} already",),
                "point_watched",
            )
        _insert(change, device_id, local_id, point_id, at)


def _insert(change: Change, device_id: str, local_id: str, point_id: UUID, at: datetime) -> None:
    row: dict[str, object] = {
        "org_id": change.org_id,
        "assignment_id": uuid4(),
        "device": device_id,
    }
    row |= {"local_id": local_id, "point_id": point_id, "valid_from": at, "valid_to": None}
    row["held"] = {"valid_to": change.mark()}
    change.connection.execute(insert(assignment).values(row))


def _claim(change: Change, new: str, label: str, store_id: UUID, at: datetime) -> None:
    """Make a device known, or take one of the organisation's that watches nothing."""
    owner = owner_of(change.connection, new)
    if owner is None:
        change.connection.execute(insert(device_owner).values(device=new, org_id=change.org_id))
        row = {"org_id": change.org_id, "device": new, "label": label, "store_id": store_id}
        change.connection.execute(insert(device).values(row))
    elif owner.org_id != change.org_id:
        raise IdentityError(
            (f"device {new!r}: belongs to another organisation already",), "device_elsewhere"
        )
    if running(change.connection, change.org_id, at, device_id=new):
        raise IdentityError(
            (f"device {new!r}: watches points already; expected one without any",), "device_watches"
        )
    _stand(change, new, store_id)


def _stand(change: Change, device_id: str, store_id: UUID) -> None:
    """Let a device belong to a store; the heads of its ledger of today stay with the one before.

    Of a day the largest head is kept: what comes later today must not take their place.
    """
    here = _the_device(change.org_id, device_id)
    before = change.connection.execute(select(device.c.store_id).where(here)).scalar()
    if before != store_id:
        today = (
            ledger_day.c.org_id == change.org_id,
            ledger_day.c.device == device_id,
            ledger_day.c.day == change.now.astimezone(UTC).date(),
            ledger_day.c.part == 0,
        )
        part = int(change.now.timestamp() * 1_000_000)
        change.connection.execute(update(ledger_day).where(*today).values(part=part))
    hold(change, device, here, {"store_id": store_id, "retired_at": None})


def _label(connection: Connection, org_id: UUID, device_id: str) -> str:
    here = _the_device(org_id, device_id)
    found: str | None = connection.execute(select(device.c.label).where(here)).scalar()
    if found is None:
        raise NotFoundError(f"no device {device_id}")
    return found


def _the_device(org_id: UUID, device_id: str) -> ColumnElement[bool]:
    return (device.c.org_id == org_id) & (device.c.device == device_id)


def _refuse_future(change: Change, device_id: str, at: datetime) -> None:
    if at > change.now:
        raise IdentityError(
            (f"device {device_id!r}: {at} is in the future: expected now or before",), "future"
        )


def _last_release(connection: Connection, org_id: UUID, one: AssignmentRow) -> datetime | None:
    found: datetime | None = connection.execute(
        select(func.max(cell.c.end_at)).where(
            cell.c.org_id == org_id,
            cell.c.point_id == one.point_id,
            cell.c.device == one.device,
            cell.c.start_at >= one.valid_from,
        )
    ).scalar()
    return found
