"""Routes that change where devices stand: renamed, moved, replaced, retired."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import Connection

from server import catalogue
from server.access.callers import Caller
from server.errors import IdentityError
from server.identity import (
    Change,
    Subject,
    move_device,
    owner_of,
    rename,
    replace_device,
    retire_device,
)
from server.queries import store_by_id
from server.web.device_api import one_device
from server.web.device_shapes import DeviceOut
from server.web.inputs import Instant
from server.web.needs import ForIdentity
from server.web.parts import Parts
from server.web.v1.changing import change_of, changing
from server.web.v1.fields import Asked, DeviceId, DevicePath, Named

MOST_POINTS = 64


class DevicePlace(Asked):
    """Where a device stands from an instant on, and what it watches there."""

    store_id: UUID
    watches: Annotated[
        dict[DeviceId, UUID],
        Field(max_length=MOST_POINTS, description="the point of each of its local ids"),
    ]
    at: Instant


class Replacement(Asked):
    """The device that takes over what another one watches."""

    device: DeviceId
    at: Instant
    renamed: Annotated[
        dict[DeviceId, DeviceId],
        Field(max_length=MOST_POINTS, description="its local id by the old one's, if they differ"),
    ] = Field(default_factory=dict)


class Retirement(Asked):
    """When a device was taken down."""

    at: Instant


def device_change_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""

    @router.patch("/devices/{device}", operation_id="renameDevice")
    def rename_it(caller: ForIdentity, device: DevicePath, asked: Named) -> DeviceOut:
        """Give a device another label."""
        with changing(parts) as connection:
            change = _change(connection, parts, caller, device)
            rename(change, Subject.DEVICE, device, asked.name)
            return one_device(connection, parts, caller, device)

    @router.put("/devices/{device}/place", operation_id="moveDevice")
    def move(caller: ForIdentity, device: DevicePath, asked: DevicePlace) -> DeviceOut:
        """Let a device's assignments end at an instant, and others begin there."""
        with changing(parts) as connection:
            change = _change(connection, parts, caller, device)
            store_by_id(connection, caller.scope, asked.store_id)
            move_device(change, device, asked.store_id, asked.watches, asked.at)
            return one_device(connection, parts, caller, device)

    @router.post("/devices/{device}/replacement", operation_id="replaceDevice")
    def replace(caller: ForIdentity, device: DevicePath, asked: Replacement) -> DeviceOut:
        """Let another device take over what one watches; the old one is retired.

        One that nobody has claimed yet needs a reach over everything.
        """
        with changing(parts) as connection:
            change = _change(connection, parts, caller, device)
            _check_its_own(connection, caller, asked.device)
            replace_device(change, device, asked.device, asked.at, asked.renamed)
            return one_device(connection, parts, caller, asked.device)

    @router.put("/devices/{device}/retirement", operation_id="retireDevice")
    def retire(caller: ForIdentity, device: DevicePath, asked: Retirement) -> DeviceOut:
        """Let a device's assignments end, without another one in its place."""
        with changing(parts) as connection:
            change = _change(connection, parts, caller, device)
            retire_device(change, device, asked.at)
            return one_device(connection, parts, caller, device)


def _change(connection: Connection, parts: Parts, caller: Caller, name: str) -> Change:
    """A change about a device.

    Raises:
        NotFoundError: no such device in the caller's scope.
    """
    org_id, _ = catalogue.store_of_device(connection, caller.scope, name)
    return change_of(connection, parts, caller, org_id)


def _check_its_own(connection: Connection, caller: Caller, name: str) -> None:
    """Refuse a device that the caller does not see, whether somebody else has it or nobody.

    A device that nobody has claimed may have measured somebody else's store already: only who
    reaches everything may say whose it is.

    Raises:
        IdentityError: in the same words, whichever it is.
    """
    if caller.scope.all_organisations:
        return
    owner = owner_of(connection, name)
    if owner is None or not caller.scope.sees_store(owner.org_id, owner.store_id):
        raise IdentityError((f"device {name!r}: expected one within your reach",))
