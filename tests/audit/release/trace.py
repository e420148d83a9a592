"""A device in simulated time, and everything that it sends, with the time it leaves.

Real: windows, joining, release, checkpoint, outbox, ledger, heartbeat, publisher. Simulated:
the clock, the visits, the connection (`TraceLink` takes what the publisher gives it), and how
long frames take to be worked off, which grows with the number of people in them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

from edge.health import HEARTBEAT_S
from edge.outbox import Outbox
from edge.testing import AckSigner, ManualClock, a_site
from edge.upload import OUTBOX_FILE, Upload
from edge.visits.values import PasserBy, PointId, PresenceSpan
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Window
from firmware_cfg.topics import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.engine import Engine
    from edge.visits.values import Event, Visit
    from firmware_cfg.site import Site

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
DEVICE = "kiosk-7"
FINAL_AFTER_S = 60.0
FRAME_S = 1.0
LAG_S, LAG_EACH_S = 0.05, 0.06
COUNTER = PointId("counter-1")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as someone on the network sees it.

    Attributes:
        at_s: when it left, seconds after the start.
        kind: its topic.
        payload: its bytes.
    """

    at_s: float
    kind: Kind
    payload: bytes


@dataclass(frozen=True, slots=True)
class Device:
    """Who sends: the same ids and keys in every world.

    Attributes:
        site: its site file.
        signer: the server's key.
    """

    site: Site
    signer: AckSigner

    @classmethod
    def made(cls, folder: Path, *, always_open: bool = False, **encounter: int) -> Device:
        """A device whose outbox and keys are in `folder`."""
        signer = AckSigner(DEVICE)
        site = a_site(
            device={"id": DEVICE, "state_dir": str(folder)},
            broker={"host": "127.0.0.1", "tls": False, "server_key": signer.public_hex},
            encounter=encounter,
            store={} if always_open else {"opening": {"mon": ("09:00-18:00",)}},
            privacy={"team_size": 5},
        )
        Outbox(folder / OUTBOX_FILE, 64, DEVICE, signer.public_hex).close()
        return cls(site, signer)


@dataclass(slots=True)
class World:
    """What happens in front of the camera, and the process that sees it.

    Attributes:
        visits: everybody who comes, by arrival.
        clock: simulated time.
        frame: number of the frame that comes next.
    """

    visits: Sequence[Visit]
    clock: ManualClock = field(default_factory=lambda: ManualClock(NINE))
    frame: int = 0
    ticked_s: float = -1.0
    come: int = 0
    here: list[Visit] = field(default_factory=list)

    def open_visits(self) -> tuple[Visit, ...]:
        """Visits that have begun and are not final, as an engine would give them."""
        return tuple(self.here)

    def advance(self, seconds: float, upload: Upload) -> None:
        """Let time pass; work off the frames that are due."""
        self.clock.advance(seconds)
        engine = cast("Engine", self)
        while (capture_s := self.frame * FRAME_S) + self._lag_s() <= self.clock.monotonic_s():
            upload.observe(self._events(capture_s), capture_s, engine)
            self.frame += 1
        if self.clock.monotonic_s() - self.ticked_s >= 1.0:
            self.ticked_s = self.clock.monotonic_s()
            upload.tick(engine)

    def _lag_s(self) -> float:
        return LAG_S + LAG_EACH_S * len(self.here)

    def _events(self, until_s: float) -> list[Event]:
        while self.come < len(self.visits) and self.visits[self.come].arrived_s <= until_s:
            self.here.append(self.visits[self.come])
            self.come += 1
        due = [v for v in self.here if _final_s(v) <= until_s]
        self.here = [v for v in self.here if _final_s(v) > until_s]
        passing = [PasserBy(COUNTER, v.arrived_s) for v in due if v.flawless]
        present = [
            PresenceSpan(COUNTER, v.arrived_s, v.departed_s or v.arrived_s, attended=True)
            for v in due
        ]
        return [*due, *passing, *present]


def _final_s(visit: Visit) -> float:
    return (visit.departed_s or visit.arrived_s) + FINAL_AFTER_S


class TraceLink:
    """Stands where the connection to the broker is; time passes while it is waited on."""

    limit = 8
    refusal = None

    def __init__(self, step: Callable[[], None], now_s: Callable[[], float], of: Device) -> None:
        self.inbox: deque[tuple[Kind, bytes]] = deque()
        self.unacknowledged: set[int] = set()
        self.sent: list[Sent] = []
        self._step = step
        self._now_s = now_s
        self._of = of

    def __call__(self, *_: object) -> TraceLink:
        """The publisher asks for a connection."""
        return self

    def open(self) -> None:
        """It is there."""

    def idle(self) -> bool:
        """Nothing waits."""
        return True

    def close(self, farewell: bytes | None) -> None:
        """The last word."""
        if farewell is not None:
            self.publish(Kind.STATE, farewell)

    def publish(self, kind: Kind, payload: bytes) -> None:
        """Write down what leaves, and acknowledge it as the server does."""
        self.sent.append(Sent(round(self._now_s(), 3), kind, payload))
        if kind is Kind.WINDOW:
            window = decode(Window, payload)
            ack = self._of.signer.ack(window.epoch, window.sequence, payload)
            self.inbox.append((Kind.ACK, encode(ack)))

    def step(self, _timeout_s: float) -> None:
        """Time passes."""
        self._step()


def everything_sent(
    of: Device,
    visits: Sequence[Visit],
    until_s: float,
    step_s: float,
    start: datetime = NINE,
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> list[Sent]:
    """What a device sends from `start` on for `until_s` seconds, in steps of `step_s`."""
    world = World(sorted(visits, key=lambda one: one.arrived_s), ManualClock(start))
    upload = Upload(of.site, None, world.clock, key=b"k" * 32)
    publisher = upload._publisher
    publisher._timing = replace(publisher._timing, heartbeat_s=heartbeat_s)

    def step() -> None:
        world.advance(step_s, upload)
        if world.clock.monotonic_s() >= until_s:
            publisher._stopping.set()

    link = TraceLink(step, world.clock.monotonic_s, of)
    with (
        patch("edge.publisher.BrokerLink", link),
        patch("edge.health._free_bytes", return_value=10**10),
    ):
        publisher._serve()
    upload._outbox.close()
    return link.sent
