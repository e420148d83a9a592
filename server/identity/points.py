"""Merging points: one's cells count under the other, from an instant on or from the beginning."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection

from server.amending import Rulings, rulings_of
from server.amending.clashes import refuse_clashes
from server.amending.reading import cell_times
from server.errors import IdentityError
from server.identity.asking import PointRow, lock_organisation, running, store_time, the_point
from server.identity.holding import Change, hold
from server.periods import Period
from server.rollups_due import mark_due
from server.schema.identity import point


def merge_points(change: Change, point_id: UUID, into_id: UUID, since: datetime | None) -> int:
    """Let the cells of a point count under another one of its store; they keep their point.

    Args:
        change: of the organisation.
        point_id: the point that goes up in the other.
        into_id: the other one, of the same store and kind.
        since: cells that begin there or later; none: all of them.

    Returns:
        how many released cells count differently from now on.

    Raises:
        NotFoundError: no such point.
        IdentityError: the two do not fit, or devices watch both from `since` on.
        AmendmentError: cells of both stand at one time.
    """
    lock_organisation(change.connection, change.org_id)
    one = the_point(change.connection, change.org_id, point_id)
    other = the_point(change.connection, change.org_id, into_id)
    before = rulings_of(change.connection, change.org_id, one.store_id)
    _check(one, other, before)
    _refuse_both_watched(change.connection, change.org_id, one, other, change.now)
    hold(
        change,
        point,
        _here(change.org_id, point_id),
        {"merged_into": into_id, "merged_since": since},
    )
    return _settle(change, one, before)


def unmerge_point(change: Change, point_id: UUID) -> int:
    """Take a merge back.

    Returns:
        how many released cells count differently from now on.

    Raises:
        NotFoundError: no such point.
        IdentityError: it was not merged.
        AmendmentError: without it, cells of two points would stand at one time under one.
    """
    lock_organisation(change.connection, change.org_id)
    one = the_point(change.connection, change.org_id, point_id)
    if one.merged_into is None:
        raise IdentityError((f"point {one.key!r}: was not merged",), "not_merged")
    before = rulings_of(change.connection, change.org_id, one.store_id)
    values = {"merged_into": None, "merged_since": None}
    hold(change, point, _here(change.org_id, point_id), values)
    return _settle(change, one, before)


def _check(one: PointRow, other: PointRow, before: Rulings) -> None:
    where = f"point {one.key!r}"
    if one.store_id != other.store_id:
        raise IdentityError(
            (f"{where}: {other.key!r} is a point of another store",), "point_elsewhere"
        )
    if one.kind != other.kind:
        raise IdentityError((f"{where} is a {one.kind}, {other.key!r} a {other.kind}",), "kinds")
    if one.merged_into is not None:
        raise IdentityError((f"{where}: was merged already; take that back first",), "point_merged")
    if one.point_id in before.targets_of(other.point_id):
        raise IdentityError((f"{where}: {other.key!r} counts under it already",), "circle")


def _refuse_both_watched(
    connection: Connection, org_id: UUID, one: PointRow, other: PointRow, now: datetime
) -> None:
    """Two devices that go on watching both would count the time twice from now on."""
    first = running(connection, org_id, now, point_id=one.point_id)
    second = running(connection, org_id, now, point_id=other.point_id)
    for each in first:
        for another in second:
            if _meet(each.valid_from, each.valid_to, another.valid_from, another.valid_to):
                raise IdentityError(
                    (
                        (
                            f"points {one.key!r} and {other.key!r} are both watched, by devices "
                            f"{each.device!r} and {another.device!r}: move one of them first"
                        ),
                    ),
                    "both_watched",
                )


def _meet(
    start: datetime, end: datetime | None, other_start: datetime, other_end: datetime | None
) -> bool:
    return (end is None or other_start < end) and (other_end is None or start < other_end)


def _settle(change: Change, one: PointRow, before: Rulings) -> int:
    """Refuse what would count twice, mark the roll-ups, and count the cells that it is about."""
    after = rulings_of(change.connection, change.org_id, one.store_id)
    touched: set[UUID] = set()
    for rulings in (before, after):
        for target in rulings.targets_of(one.point_id):
            touched |= {target} | rulings.sources_of(target)
    everything: Period | None = None
    refuse_clashes(change.connection, change.org_id, after, touched, everything)
    time = store_time(change.connection, change.org_id, one.store_id)
    mark_due(change.connection, change.org_id, touched, everything, time, now=change.now)
    return sum(
        before.counts_under(*each) != after.counts_under(*each)
        for each in cell_times(change.connection, change.org_id, touched, everything)
    )


def _here(org_id: UUID, point_id: UUID) -> ColumnElement[bool]:
    return (point.c.org_id == org_id) & (point.c.point_id == point_id)
