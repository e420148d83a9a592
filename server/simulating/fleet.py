"""What the devices of a simulated chain say of themselves at its end."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from firmware_cfg.cells import PointKind
from firmware_cfg.messages import Health, Queue, Reported, State
from server.ingest.signs import Signs, keep_signs
from server.simulating.chain import Chain, PlannedDevice, PlannedStore
from server.simulating.service import EXPECTED
from server.simulating.stream import EXPECTATIONS_HASH, MODEL, geometry_of

SOFTWARE = "0.1.0"


def say_hello(connection: Connection, chain: Chain, org_id: UUID, now: datetime) -> None:
    """What the devices that are there at the end say of themselves."""
    found = Signs()
    for one in chain.stores:
        for device in one.devices:
            if device.after is None:
                at = now if one.silent_from is None else one.day_begins(one.silent_from)
                for said in _said(one, device, at):
                    found.take(org_id, device.name, said, at, retained=False)
    keep_signs(connection, found.values)


def _said(
    one: PlannedStore, device: PlannedDevice, now: datetime
) -> Iterator[State | Reported | Health]:
    keys = {kind: tuple(p.key for p in one.points if p.kind is kind) for kind in PointKind}
    counters = keys[PointKind.SERVICE_POINT]
    queues = tuple(Queue(id=key, feeds=counters) for key in keys[PointKind.QUEUE])
    yield State(device=device.name, online=True, software=SOFTWARE, epoch=device.epoch)
    yield Reported(
        device=device.name,
        service_points=counters,
        queues=queues,
        timezone=one.hours.zone,
        k=one.k,
        window_s=one.hours.window_s,
        greet_within_s=EXPECTED.greet_within_s,
        serve_within_s=EXPECTED.serve_within_s,
        geometry_hash=geometry_of(device),
        expectations_hash=EXPECTATIONS_HASH,
    )
    yield Health(
        device=device.name,
        at=now.replace(microsecond=0),
        software=SOFTWARE,
        model=MODEL,
        uptime_s=86_400 * (1 + one.number % 40),
        disk_free_mb=2_000 + 37 * (one.number % 90),
        clock="synchronised",
    )
