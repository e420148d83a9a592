"""What the devices of a simulated chain say of themselves at its end, or at their own."""

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
    """The last that each device says of itself: now, or when it broke, or when it went."""
    found = Signs()
    left = gone(chain)
    for one in chain.stores:
        for device in one.devices:
            if device.after is None:
                at = now if one.silent_from is None else one.day_begins(one.silent_from)
            elif left.get(device.name) == one.day_begins(device.after):
                at = left[device.name]
            else:
                continue  # it went on to another store
            for each in said(one, device, at):
                found.take(org_id, device.name, each, at, retained=False)
    keep_signs(connection, found)


def gone(chain: Chain) -> dict[str, datetime]:
    """When each device went that is in no store at the end: replaced, or its store closed."""
    stays = {device.name: (one, device) for one in chain.stores for device in one.devices}
    return {
        name: one.day_begins(device.after)
        for name, (one, device) in stays.items()
        if device.after is not None
    }


def said(
    one: PlannedStore, device: PlannedDevice, now: datetime
) -> Iterator[State | Reported | Health]:
    """Birth, configuration and heartbeat of a device."""
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
