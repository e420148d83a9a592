"""Devices and the heads of their ledgers, as the API gives them.

Times are on the clock of the device's store; what a head says itself is in UTC, as it was signed.
"""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from firmware_cfg.messages import LedgerHead
from server.catalogue import Assignment
from server.heads import KeptHead
from server.periods import StoreTime
from server.queries import Alive, DeviceView


class KeptHeadOut(BaseModel):
    """A head of a device's ledger, as a heartbeat brought it; its signature is not checked here."""

    day: Annotated[date, Field(description="of receipt, in UTC")]
    received_at: datetime
    head: LedgerHead

    @classmethod
    def of(cls, kept: KeptHead, time: StoreTime) -> "KeptHeadOut":
        """A head as the API shows it."""
        return cls(day=kept.day, received_at=time.local(kept.received_at), head=kept.head)


class KeptHeadsOut(BaseModel):
    """For each day of the last 90 the largest head of each ledger, the latest first.

    On a day on which the device went to another store, there is one of each of the two.
    """

    items: tuple[KeptHeadOut, ...]


class DeviceOut(BaseModel):
    """A device and its last sign of life."""

    device: str
    label: str
    store_id: UUID
    alive: Annotated[
        Alive,
        Field(description="offline: by its own word or its last will; silent: 90 min unheard"),
    ]
    last_sign_at: datetime | None
    retired_at: Annotated[
        datetime | None, Field(description="replaced, or out of service, since; null: at work")
    ]
    software: str | None
    faults: tuple[str, ...]
    clock: str | None
    ledger: Annotated[KeptHeadOut | None, Field(description="the latest head that it sent")]

    @classmethod
    def of(cls, one: DeviceView, head: KeptHead | None, time: StoreTime) -> "DeviceOut":
        """A device as the API shows it."""
        sign_at = one.last_sign_at
        return cls(
            device=one.device,
            label=one.label,
            store_id=one.store_id,
            alive=one.alive,
            last_sign_at=None if sign_at is None else time.local(sign_at),
            retired_at=None if one.retired_at is None else time.local(one.retired_at),
            software=one.software,
            faults=one.faults,
            clock=one.clock,
            ledger=None if head is None else KeptHeadOut.of(head, time),
        )


class DevicesOut(BaseModel):
    """A page of devices, in the order of their ids."""

    items: tuple[DeviceOut, ...]
    next_cursor: str | None


class AssignmentOut(BaseModel):
    """What a device's local id stands for, and when."""

    local_id: str
    point_id: UUID
    store_id: UUID
    valid_from: datetime
    valid_to: Annotated[datetime | None, Field(description="null: until further notice")]

    @classmethod
    def of(cls, one: Assignment, time: StoreTime) -> "AssignmentOut":
        """On the store's clock."""
        return cls(
            local_id=one.local_id,
            point_id=one.point_id,
            store_id=one.store_id,
            valid_from=time.local(one.valid_from),
            valid_to=None if one.valid_to is None else time.local(one.valid_to),
        )


class AssignmentsOut(BaseModel):
    """What a device watched, the latest first."""

    items: tuple[AssignmentOut, ...]
