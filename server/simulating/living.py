"""The devices of a simulated chain go on living after its end: what they send, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import count

from firmware_cfg.codec import encode
from firmware_cfg.messages import Health, Reported, State
from firmware_cfg.topics import Kind, topic
from server.simulating.chain import Chain, PlannedDevice, PlannedStore
from server.simulating.delivery import received_at
from server.simulating.fleet import said
from server.simulating.stream import messages_after

FOR_DAYS = 365
HEARTBEAT = timedelta(minutes=30)
_KINDS = {State: Kind.STATE, Reported: Kind.REPORTED, Health: Kind.HEALTH}


@dataclass(frozen=True, slots=True)
class Sending:
    """A message, and when it is sent."""

    at: datetime
    topic: str
    payload: bytes
    retained: bool


def goes_on(chain: Chain, now: datetime) -> Iterator[Sending]:
    """What all devices that still work send, in order of time, for a year.

    First what each released since the chain's end, then what it will: windows as they close, and
    heartbeats. It is drawn as it is asked for.
    """
    streams = [_windows(chain.seed, one) for one in chain.stores]
    streams += [_vitals(one, each, now) for one in chain.stores for each in one.working]
    yield from merge(*streams, key=lambda one: one.at)


def _windows(seed: int, store: PlannedStore) -> Iterator[Sending]:
    for one in messages_after(seed, store, FOR_DAYS):
        to = topic(one.device, Kind.WINDOW)
        yield Sending(received_at(store, one), to, encode(one), retained=False)


def _vitals(store: PlannedStore, device: PlannedDevice, now: datetime) -> Iterator[Sending]:
    """Birth and configuration at once, then heartbeats."""
    for number in count():
        at = now + number * HEARTBEAT
        for one in said(store, device, at):
            kind = _KINDS[type(one)]
            if number == 0 or kind is Kind.HEALTH:
                to = topic(device.name, kind)
                yield Sending(at, to, encode(one), retained=kind is not Kind.HEALTH)
