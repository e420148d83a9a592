"""Routes that change where devices stand: renamed, moved, replaced, retired."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from server.identity import Subject, rename, retire_device
from server.web import device_changes
from server.web.device_api import one_device
from server.web.device_changes import change_of_device, read_again
from server.web.device_shapes import DeviceOut
from server.web.inputs import Instant
from server.web.needs import ForIdentity
from server.web.parts import Parts
from server.web.v1.changing import changing
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
            change = change_of_device(connection, parts, caller, device)
            rename(change, Subject.DEVICE, device, asked.name)
            return one_device(connection, parts, caller, device)

    @router.put("/devices/{device}/place", operation_id="moveDevice")
    def move(caller: ForIdentity, device: DevicePath, asked: DevicePlace) -> DeviceOut:
        """Let a device's assignments end at an instant, and others begin there.

        What it had sent before its place was known is read again.
        """
        with changing(parts) as connection:
            change = change_of_device(connection, parts, caller, device)
            device_changes.move(change, caller, device, asked.store_id, asked.watches, at=asked.at)
            found = one_device(connection, parts, caller, device)
        read_again(parts, device)
        return found

    @router.post("/devices/{device}/replacement", operation_id="replaceDevice")
    def replace(caller: ForIdentity, device: DevicePath, asked: Replacement) -> DeviceOut:
        """Let another device take over what one watches; the old one is retired.

        One that nobody has claimed yet needs a reach over everything; what it had sent before is
        read again.
        """
        with changing(parts) as connection:
            change = change_of_device(connection, parts, caller, device)
            device_changes.replace(
                change, caller, device, asked.device, renamed=asked.renamed, at=asked.at
            )
            found = one_device(connection, parts, caller, asked.device)
        read_again(parts, asked.device)
        return found

    @router.put("/devices/{device}/retirement", operation_id="retireDevice")
    def retire(caller: ForIdentity, device: DevicePath, asked: Retirement) -> DeviceOut:
        """Let a device's assignments end, without another one in its place."""
        with changing(parts) as connection:
            change = change_of_device(connection, parts, caller, device)
            retire_device(change, device, asked.at)
            return one_device(connection, parts, caller, device)
