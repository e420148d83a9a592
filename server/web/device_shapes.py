"""Devices and the heads of their ledgers, as the API gives them. Times are UTC."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from firmware_cfg.messages import LedgerHead
from server.heads import KeptHead
from server.queries import Alive, DeviceView


class KeptHeadOut(BaseModel):
    """A head of a device's ledger, as a heartbeat brought it; its signature is not checked here."""

    day: Annotated[date, Field(description="of receipt")]
    received_at: datetime
    head: LedgerHead

    @classmethod
    def of(cls, kept: KeptHead) -> "KeptHeadOut":
        """A head as the API shows it."""
        return cls(day=kept.day, received_at=kept.received_at, head=kept.head)


class KeptHeadsOut(BaseModel):
    """For each day of the last 90 the largest head of each ledger, the latest first."""

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
    software: str | None
    faults: tuple[str, ...]
    clock: str | None
    ledger: Annotated[KeptHeadOut | None, Field(description="the latest head that it sent")]

    @classmethod
    def of(cls, one: DeviceView, head: KeptHead | None) -> "DeviceOut":
        """A device as the API shows it."""
        return cls(
            device=one.device,
            label=one.label,
            store_id=one.store_id,
            alive=one.alive,
            last_sign_at=one.last_sign_at,
            software=one.software,
            faults=one.faults,
            clock=one.clock,
            ledger=None if head is None else KeptHeadOut.of(head),
        )


class DevicesOut(BaseModel):
    """Devices."""

    items: tuple[DeviceOut, ...]
