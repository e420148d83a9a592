"""A store's trial: until somebody confirms its commissioning, its figures stay on its own page.

What begins before the instant from which it is confirmed stays out of all figures for good, or
until the confirmation is taken back and made from another instant.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from server.errors import IdentityError
from server.identity.asking import lock_organisation, the_store
from server.identity.holding import Change, hold
from server.identity.tree import mark_store_due
from server.schema.identity import store


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
    mark_store_due(change.connection, change.org_id, store_id, change.now)
