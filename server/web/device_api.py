"""The API's routes about devices: how they are, and the heads of their ledgers."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter

from firmware_cfg.messages import LedgerHead
from server import heads, queries
from server.web.device_shapes import DeviceOut, DevicesOut, KeptHeadOut, KeptHeadsOut
from server.web.needs import Evidence, Figures
from server.web.parts import Parts


def device_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""

    @router.get("/devices", operation_id="listDevices")
    def devices(caller: Figures, store_id: UUID | None = None) -> DevicesOut:
        """Devices with their last sign of life and the latest head of their ledger."""
        with parts.engine.connect() as connection:
            found = queries.devices(connection, caller.scope, parts.clock(), store_id)
            kept = heads.latest_heads(connection, found)
        return DevicesOut(items=tuple(DeviceOut.of(one, kept.get(one.device)) for one in found))

    @router.get("/devices/{device}/ledger-head", operation_id="getLedgerHead")
    def ledger_head(caller: Evidence, device: str) -> LedgerHead:
        """The latest head, as a file for `encounter-edge ledger verify --head`."""
        with parts.engine.connect() as connection:
            return heads.latest_head(connection, caller.scope, device).head

    @router.get("/devices/{device}/ledger-heads", operation_id="listLedgerHeads")
    def ledger_heads(caller: Evidence, device: str) -> KeptHeadsOut:
        """One head a day and ledger, for 90 days."""
        with parts.engine.connect() as connection:
            found = heads.heads_by_day(connection, caller.scope, device)
        return KeptHeadsOut(items=tuple(KeptHeadOut.of(one) for one in found))

    @router.get("/devices/{device}/ledger-heads/{day}", operation_id="getLedgerHeadOfDay")
    def ledger_head_of_day(caller: Evidence, device: str, day: date) -> LedgerHead:
        """The head kept of a day, as a file for `encounter-edge ledger verify --head`."""
        with parts.engine.connect() as connection:
            return heads.head_of_day(connection, caller.scope, device, day).head
