"""A store's trial: until somebody confirms its commissioning, its figures stay on its own page.

What begins before the instant from which it is confirmed stays out of all figures. Whoever may
confirm ends a trial once. To move that instant, or to make the store a trial again, changes
figures that others have seen: it needs a reason, and each change is written down for good.
Roll-ups whose cells may be gone are never deleted: those from before the instant are not read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, insert, select, update

from server.errors import IdentityError
from server.identity.asking import lock_organisation, points_of, store_time, the_store
from server.identity.holding import Change, hold
from server.identity.tree import mark_store_due
from server.rollups.trial import leave_regions
from server.rollups_due import COUNTED_FOR
from server.schema.identity import confirmation, store
from server.schema.rollups import rollup

REACHED = COUNTED_FOR - timedelta(days=8)
"""So far back the week of any instant is made anew whole."""
LONGEST_REASON = 500
BY_FILE = "the identity file"
"""Nobody's name: names have no spaces."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One change of when a store's figures begin to count.

    Attributes:
        was_from: from when on they counted before; none: the store was on trial.
        counts_from: from when on they counted then; none: the store was a trial again.
        reason: in somebody's words; none where a trial ended.
        made_by, made_at: who made it, and when.
    """

    was_from: datetime | None
    counts_from: datetime | None
    reason: str | None
    made_by: str
    made_at: datetime

    @property
    def is_of_file(self) -> bool:
        """Whether the identity file made it, and nobody by name."""
        return self.made_by == BY_FILE


def confirm(change: Change, store_id: UUID, at: datetime) -> None:
    """End a store's trial: its devices measure what they should, from `at` on.

    Raises:
        NotFoundError: no such store.
        IdentityError: it counted before, from another instant; or `at` cannot be.
    """
    counted = _lock(change, store_id)
    if counted == at:
        return
    before = [one.counts_from for one in confirmations(change.connection, change.org_id, store_id)]
    last = next((one for one in reversed(before) if one is not None), counted)
    if last is not None and last != at:
        raise IdentityError(
            (f"the store counted from {last}: another instant needs a reason (amend)",),
            "counted_before",
            last,
        )
    _set(change, store_id, counted, at, None)


def amend_confirmation(change: Change, store_id: UUID, at: datetime | None, reason: str) -> None:
    """Move the instant from which a store counts; none: it is a trial again.

    Raises:
        NotFoundError: no such store.
        IdentityError: no reason, nothing to change, or `at` cannot be.
    """
    counted = _lock(change, store_id)
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        raise IdentityError(
            (f"expected a reason of 1 to {LONGEST_REASON} characters",), "no_reason"
        )
    if counted == at:
        raise IdentityError((f"{at}: that is in force already",), "in_force")
    _set(change, store_id, counted, at, reason.strip())


def confirmations(connection: Connection, org_id: UUID, store_id: UUID) -> list[Confirmation]:
    """All changes of when a store's figures begin to count, the latest last."""
    table = confirmation.c
    rows = connection.execute(
        select(*table["was_from", "counts_from", "reason", "made_by", "made_at"])
        .where(table.org_id == org_id, table.store_id == store_id)
        .order_by(table.made_at, table.number)
    )
    return [Confirmation(*row) for row in rows]


def write_down(connection: Connection, org_id: UUID, store_id: UUID, made: Confirmation) -> None:
    """Keep a change on record."""
    number = len(confirmations(connection, org_id, store_id)) + 1
    connection.execute(
        insert(confirmation).values(
            org_id=org_id,
            confirmation_id=uuid4(),
            store_id=store_id,
            number=number,
            was_from=made.was_from,
            counts_from=made.counts_from,
            reason=made.reason,
            made_by=made.made_by,
            made_at=made.made_at,
        )
    )


def _lock(change: Change, store_id: UUID) -> datetime | None:
    """Let other changes wait; from when on the store counts."""
    lock_organisation(change.connection, change.org_id)
    here = the_store(change.connection, change.org_id, store_id)
    found: datetime | None = change.connection.execute(
        select(store.c.confirmed_at).where(here)
    ).scalar()
    return found


def _set(
    change: Change,
    store_id: UUID,
    counted: datetime | None,
    at: datetime | None,
    reason: str | None,
) -> None:
    connection, org_id = change.connection, change.org_id
    _refuse(change, store_id, at)
    if counted is not None:
        time = store_time(connection, org_id, store_id)
        leave_regions(connection, org_id, store_id, time, change.now)
    here = the_store(connection, org_id, store_id)
    hold(change, store, here, {"confirmed_at": at})
    name = None if at is None else change.by
    connection.execute(update(store).where(here).values(confirmed_by=name))
    made = Confirmation(counted, at, reason, change.by, change.now)
    write_down(connection, org_id, store_id, made)
    _forget_rollups(change, store_id)
    mark_store_due(connection, org_id, store_id, change.now)


def _refuse(change: Change, store_id: UUID, at: datetime | None) -> None:
    """Refuse an instant in the future, and one before which figures are no longer made anew.

    But for one from which it counted before: what was made of it then is still there.
    """
    if at is None:
        return
    if at > change.now:
        raise IdentityError((f"{at} is in the future: expected now or before",), "future")
    made = confirmations(change.connection, change.org_id, store_id)
    known = {each for one in made for each in (one.was_from, one.counts_from)}
    oldest = change.now - REACHED
    if at < oldest and at not in known:
        raise IdentityError(
            (f"{at}: expected {oldest} or later: older figures are no longer made anew",),
            "too_early",
            oldest,
        )


def _forget_rollups(change: Change, store_id: UUID) -> None:
    """Delete the roll-ups that will be made anew.

    A region's week must not take over what was counted under the other state meanwhile.
    """
    points = points_of(change.connection, change.org_id, store_id)
    change.connection.execute(
        delete(rollup).where(
            rollup.c.org_id == change.org_id,
            rollup.c.subject_id.in_([store_id, *(one.point_id for one in points)]),
            rollup.c.start_at >= change.now - COUNTED_FOR,
        )
    )
