"""What is done with a device where it stands: named, moved, replaced, taken down.

By the API and by the device's page alike, with the same checks: the device, the store it goes to
and the device that takes over lie within the caller's reach. What the device had sent before its
place was known is read again afterwards.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from server import catalogue
from server.access.callers import Caller
from server.errors import IdentityError
from server.identity import Change, move_device, owner_of, replace_device
from server.ingest.requeue import requeue
from server.queries import store_by_id
from server.web.parts import Parts


def change_of_device(connection: Connection, parts: Parts, caller: Caller, name: str) -> Change:
    """A change about a device.

    Raises:
        NotFoundError: no such device in the caller's scope.
    """
    org_id, _ = catalogue.store_of_device(connection, caller.scope, name)
    return Change(connection, org_id, caller.name, parts.clock())


def move(
    change: Change,
    caller: Caller,
    name: str,
    store_id: UUID,
    watches: Mapping[str, UUID],
    *,
    at: datetime,
) -> None:
    """Let a device watch points of a store within the caller's scope from `at` on.

    Raises:
        NotFoundError: no such store there.
        IdentityError: something does not fit.
    """
    store_by_id(change.connection, caller.scope, store_id)
    move_device(change, name, store_id, watches, at)


def replace(
    change: Change,
    caller: Caller,
    old: str,
    new: str,
    *,
    renamed: Mapping[str, str],
    at: datetime,
) -> None:
    """Let a device that the caller sees, or may claim, take over from another one.

    A device that nobody has claimed may have measured somebody else's store already: only who
    reaches everything may say whose it is.

    Raises:
        IdentityError: something does not fit; in the same words, whether somebody else has it
            or nobody.
    """
    if not caller.scope.all_organisations:
        owner = owner_of(change.connection, new)
        if owner is None or not caller.scope.sees_store(owner.org_id, owner.store_id):
            raise IdentityError(
                (f"device {new!r}: expected one within your reach",), "device_elsewhere"
            )
    replace_device(change, old, new, at, renamed)


def read_again(parts: Parts, name: str) -> int:
    """Read again what a device had sent before its place was known; how many that resolved."""
    return requeue(parts.engine, parts.clock(), name)
