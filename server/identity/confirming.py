"""A store's trial: until somebody confirms its commissioning, its figures stay on its own page.

What begins before the instant from which it is confirmed stays out of all figures for good, or
until the confirmation is taken back and made from another instant.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, update

from server.errors import IdentityError
from server.identity.asking import lock_organisation, points_of, the_store
from server.identity.holding import Change, hold
from server.identity.tree import mark_store_due
from server.rollups_due import COUNTED_FOR
from server.schema.identity import store
from server.schema.rollups import rollup


def confirm(change: Change, store_id: UUID, at: datetime) -> None:
    """Confirm that a store's devices measure what they should, from `at` on.

    Raises:
        NotFoundError: no such store.
        IdentityError: `at` is in the future.
    """
    if at > change.now:
        raise IdentityError((f"{at} is in the future: expected now or before",))
    _set(change, store_id, at)


def unconfirm(change: Change, store_id: UUID) -> None:
    """Take a confirmation back: the store's figures are a trial again.

    Raises:
        NotFoundError: no such store.
    """
    _set(change, store_id, None)


def _set(change: Change, store_id: UUID, at: datetime | None) -> None:
    lock_organisation(change.connection, change.org_id)
    here = the_store(change.connection, change.org_id, store_id)
    hold(change, store, here, {"confirmed_at": at})
    name = None if at is None else change.by
    change.connection.execute(update(store).where(here).values(confirmed_by=name))
    _forget_rollups(change, store_id, at)
    mark_store_due(change.connection, change.org_id, store_id, change.now)


def _forget_rollups(change: Change, store_id: UUID, at: datetime | None) -> None:
    """Delete the roll-ups that will be made anew, and those of the trial before `at`.

    A region's week must not take over what was counted under the other state meanwhile. Older
    ones cannot be made anew: they stay, and are read only while the store is confirmed.
    """
    points = points_of(change.connection, change.org_id, store_id)
    subjects = [store_id, *(one.point_id for one in points)]
    anew = rollup.c.start_at >= change.now - COUNTED_FOR
    trial = rollup.c.start_at < at if at is not None else anew
    change.connection.execute(
        delete(rollup).where(
            rollup.c.org_id == change.org_id, rollup.c.subject_id.in_(subjects), or_(anew, trial)
        )
    )
