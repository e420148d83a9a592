"""Making amendments and withdrawing them: one transaction each, checked, and roll-ups marked.

The cells themselves are never touched, so a withdrawal brings back exactly what was there. They
are kept for 13 months and their roll-ups for five years, so it is refused once the first of them
may be gone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, select, update

from server.amending.clashes import refuse_clashes
from server.amending.reading import amendments, cell_times, rulings_of
from server.amending.rulings import Rulings
from server.amending.values import Amendment, Kind
from server.errors import AmendmentError, NotFoundError
from server.identity.asking import PointRow, lock_organisation, points_of, store_time
from server.identity.holding import Change
from server.periods import Period
from server.rollups_due import COUNTED_FOR, mark_due
from server.schema.cells import amendment

LONGEST_REASON = 500
AHEAD = timedelta(days=1)
"""How far into the future figures may be amended: until the end of a day that has begun."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An amendment that somebody asks for; the fields are those of `Amendment`.

    `both_ways`: for `relabel`, the cells of `to_point_id` count under `point_id` as well, as
    after two local ids were swapped.
    """

    kind: Kind
    store_id: UUID
    point_id: UUID | None
    period: Period
    reason: str
    to_point_id: UUID | None = None
    both_ways: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What an amendment, or a withdrawal, did."""

    amendments: tuple[Amendment, ...]
    cells: int
    """Released cells that count differently from now on."""


def amend(change: Change, wish: Wish) -> Made:
    """Make an amendment.

    Raises:
        NotFoundError: no such store.
        AmendmentError: a point or reason that does not fit, a time whose figures are no longer
            made anew or that is still to come, or a relabel that would put cells of two points
            at one time under one.
    """
    connection, org_id = change.connection, change.org_id
    if wish.kind is not Kind.NOTE:
        _check_time(wish.period, change.now)
    lock_organisation(connection, org_id)
    before = rulings_of(connection, org_id, wish.store_id)
    points = {one.point_id: one for one in points_of(connection, org_id, wish.store_id)}
    _check(wish, points, before)
    pairs = [(wish.point_id, wish.to_point_id)]
    if wish.both_ways:
        pairs.append((wish.to_point_id, wish.point_id))
    reason = wish.reason.strip()
    made = tuple(
        Amendment(
            uuid4(), wish.kind, wish.store_id, one, to, wish.period, reason, change.by, change.now
        )
        for one, to in pairs
    )
    for one in made:
        connection.execute(insert(amendment).values(_row(org_id, one)))
    changed = _settle(change, wish.store_id, before, made)
    return Made(made, changed)


def withdraw(change: Change, store_id: UUID, amendment_ids: Collection[UUID]) -> Made:
    """Take amendments of one store back, together.

    Raises:
        NotFoundError: no such amendment of this store.
        AmendmentError: one is withdrawn already; its cells may be gone by now, so that it would
            not bring back what was there; or without it cells of two points would stand at one
            time under one.
    """
    connection, org_id = change.connection, change.org_id
    lock_organisation(connection, org_id)
    before = rulings_of(connection, org_id, store_id)
    known = {one.amendment_id: one for one in amendments(connection, org_id, store_id)}
    for one in amendment_ids:
        if one not in known:
            raise NotFoundError(f"no amendment {one}")
        _refuse_to_withdraw(known[one], change.now)
    connection.execute(
        update(amendment)
        .where(amendment.c.org_id == org_id, amendment.c.amendment_id.in_(amendment_ids))
        .values(withdrawn_by=change.by, withdrawn_at=change.now)
    )
    gone = tuple(
        replace(known[one], withdrawn_by=change.by, withdrawn_at=change.now)
        for one in dict.fromkeys(amendment_ids)
    )
    return Made(gone, _settle(change, store_id, before, gone))


def find_store(connection: Connection, org_id: UUID, amendment_id: UUID) -> UUID:
    """The store of an amendment.

    Raises:
        NotFoundError: no such amendment.
    """
    found: UUID | None = connection.execute(
        select(amendment.c.store_id).where(
            amendment.c.org_id == org_id, amendment.c.amendment_id == amendment_id
        )
    ).scalar()
    if found is None:
        raise NotFoundError(f"no amendment {amendment_id}")
    return found


def _refuse_to_withdraw(one: Amendment, now: datetime) -> None:
    if not one.stands:
        when = one.withdrawn_at
        raise AmendmentError(
            f"amendment {one.amendment_id}: withdrawn already, at {when}", "withdrawn", when
        )
    if not one.can_be_withdrawn(now):
        until = one.can_be_withdrawn_until
        raise AmendmentError(
            f"amendment {one.amendment_id}: could be withdrawn until {until}; since then cells of "
            "its time may be gone, and what was there would not come back",
            "kept_for_good",
            until,
        )


def _check_time(period: Period, now: datetime) -> None:
    """Refuse figures that are no longer made anew, and those that nobody has seen."""
    if period.start < now - COUNTED_FOR:
        raise AmendmentError(
            f"{period.start}: figures from before {now - COUNTED_FOR} are no longer made anew, "
            "since their cells may be gone; a note can be made",
            "too_old",
            now - COUNTED_FOR,
        )
    if period.end > now + AHEAD:
        raise AmendmentError(
            f"{period.end}: expected an end by {now + AHEAD}: figures that are still to come "
            "cannot be judged; a note can be made",
            "too_far",
            now + AHEAD,
        )


def _check(wish: Wish, points: dict[UUID, PointRow], before: Rulings) -> None:
    """Refuse what can be seen without the cells."""
    if not 1 <= len(wish.reason.strip()) <= LONGEST_REASON:
        raise AmendmentError(f"expected a reason of 1 to {LONGEST_REASON} characters", "no_reason")
    named = [one for one in (wish.point_id, wish.to_point_id) if one is not None]
    for point_id in named:
        if point_id not in points:
            raise AmendmentError(f"point {point_id}: not one of this store", "point_elsewhere")
    if wish.kind is not Kind.RELABEL:
        if wish.to_point_id is not None or wish.both_ways:
            raise AmendmentError(f"a {wish.kind} names no other point")
        return
    if wish.point_id is None or wish.to_point_id is None or wish.point_id == wish.to_point_id:
        raise AmendmentError("a relabel names two points", "two_points")
    one, other = points[wish.point_id], points[wish.to_point_id]
    if one.kind != other.kind:
        raise AmendmentError(
            f"point {one.key!r} is a {one.kind}, {other.key!r} a {other.kind}: expected two alike",
            "kinds",
        )
    for standing in before.amendments:
        if (
            standing.kind is Kind.RELABEL
            and standing.period.meets(wish.period)
            and (standing.point_id in named)
        ):
            raise AmendmentError(
                f"amendment {standing.amendment_id} relabels a point of these in that time "
                "already: withdraw it first",
                "relabelled",
            )


def _settle(change: Change, store_id: UUID, before: Rulings, changed: Sequence[Amendment]) -> int:
    """Check what is in force now, mark the roll-ups, and count the cells that it is about."""
    connection, org_id = change.connection, change.org_id
    after = rulings_of(connection, org_id, store_id)
    everywhere = {one.point_id for one in points_of(connection, org_id, store_id)}
    time = store_time(connection, org_id, store_id)
    cells: set[tuple[UUID, Period]] = set()
    for one in changed:
        if one.kind is Kind.NOTE:
            continue
        touched: set[UUID] = set()
        named = {each for each in (one.point_id, one.to_point_id) if each is not None}
        for point_id in named or everywhere:
            touched |= _related(before, point_id) | _related(after, point_id)
        if one.kind is Kind.RELABEL or not one.stands:
            refuse_clashes(connection, org_id, after, touched, one.period)
        cells.update(cell_times(connection, org_id, touched, one.period))
        mark_due(connection, org_id, touched, one.period, time, now=change.now)
    return sum(before.counts_under(*each) != after.counts_under(*each) for each in cells)


def _related(rulings: Rulings, point_id: UUID) -> frozenset[UUID]:
    return rulings.targets_of(point_id) | rulings.sources_of(point_id)


def _row(org_id: UUID, one: Amendment) -> dict[str, object]:
    return {
        "org_id": org_id,
        "amendment_id": one.amendment_id,
        "kind": one.kind.value,
        "store_id": one.store_id,
        "point_id": one.point_id,
        "to_point_id": one.to_point_id,
        "start_at": one.period.start,
        "end_at": one.period.end,
        "reason": one.reason,
        "made_by": one.made_by,
        "made_at": one.made_at,
    }
