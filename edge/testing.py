"""Fakes and small builders for tests of the appliance, and of what stands at its far end."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Quality
from edge.errors import OutboxFullError
from edge.outbox import Build
from edge.visits.values import Duration, Evidence, Outcome, PointId, Visit
from firmware_cfg.messages import Ack, Rejection, ack_signed_bytes
from firmware_cfg.site import Site

NOTHING = Duration(0.0, 0.0, 0.0)
SQUARE = ((0.0, 0.0), (50.0, 0.0), (50.0, 50.0), (0.0, 50.0))


class ManualClock:
    """A clock that moves when told."""

    def __init__(self, now: datetime = datetime(2027, 3, 1, 8, tzinfo=UTC)) -> None:
        self.now = now
        self.elapsed_s = 0.0
        self.kind: Quality = "synchronised"

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.elapsed_s += seconds

    def utc_now(self) -> datetime:
        """UTC as set."""
        return self.now

    def monotonic_s(self) -> float:
        """Seconds that were let pass."""
        return self.elapsed_s

    def quality(self) -> Quality:
        """As set."""
        return self.kind


class MemoryOutbox:
    """An outbox without a file: keeps every message and the released state."""

    def __init__(self, epoch: str = "00000000000000aa") -> None:
        self.epoch = epoch
        self.messages: list[bytes] = []
        self.full = False
        self._state = b""

    def append(self, build: Build, state: bytes) -> int:
        """Keep a message, unless `full`."""
        if self.full:
            raise OutboxFullError("memory: no room for another message, none was dropped")
        self.messages.append(build(self.epoch, len(self.messages) + 1))
        self._state = state
        return len(self.messages)

    def state(self) -> bytes:
        """The state kept last."""
        return self._state

    def save_state(self, state: bytes) -> None:
        """Keep the state alone."""
        self._state = state


class AckSigner:
    """The far end's key: signs acknowledgements as a server does."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._key = Ed25519PrivateKey.generate()

    @property
    def public_hex(self) -> str:
        """The public half, hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def ack(
        self, epoch: str, up_to: int, payload: bytes, rejected: tuple[Rejection, ...] = ()
    ) -> Ack:
        """Acknowledge everything up to message `up_to`, which was `payload`."""
        digest = sha256(payload).hexdigest()
        signed = ack_signed_bytes(self._device, epoch, up_to, digest, rejected)
        return Ack(
            epoch=epoch,
            up_to=up_to,
            sha256=digest,
            rejected=rejected,
            signature=self._key.sign(signed).hex(),
        )


def a_site(**sections: object) -> Site:
    """A site with one queue and one counter; `sections` replace or add tables."""
    tables: dict[str, object] = {
        "camera": {"size_px": (640, 480)},
        "queue": [{"id": "queue-1", "zone_px": SQUARE, "feeds": ["counter-1"]}],
        "service_point": [
            {"id": "counter-1", "service_zone_px": SQUARE, "staff_zone_px": SQUARE},
        ],
    }
    return Site.model_validate(tables | sections)


def a_visit(
    arrived_s: float,
    *,
    stay_s: float = 60.0,
    greeted_after_s: float | None = None,
    served_after_s: float | None = None,
    outcome: Outcome | None = None,
    point: str = "counter-1",
    at_queue: bool = False,
    left_censored: bool = False,
    interruptions: int = 0,
    flawless: bool | None = None,
) -> Visit:
    """A visit by when it began and what happened after how many seconds."""
    here = outcome is Outcome.STILL_PRESENT
    if outcome is None:
        outcome = (
            Outcome.SERVED
            if served_after_s is not None
            else Outcome.GREETED_ONLY
            if greeted_after_s is not None
            else Outcome.ABANDONED
        )
    engaged_s = 0.0 if greeted_after_s is None else stay_s - greeted_after_s
    return Visit(
        service_point=None if at_queue else PointId(point),
        queue=PointId(point) if at_queue else None,
        party_size=1,
        arrived_s=arrived_s,
        greeted_s=_after(arrived_s, greeted_after_s),
        service_started_s=_after(arrived_s, served_after_s),
        departed_s=None if here else round(arrived_s + stay_s, 3),
        left_censored=left_censored,
        interaction=Duration(engaged_s, 0.0, 0.0),
        waiting=None if left_censored else _seen(served_after_s),
        greeting=None if left_censored else _seen(greeted_after_s),
        stay=Duration(stay_s, 0.0, 0.0),
        outcome=outcome,
        pattern=None,
        interruptions=interruptions,
        flawless=flawless,
        evidence=Evidence.NONE if greeted_after_s is None else Evidence.PLACE,
    )


def _after(arrived_s: float, seconds: float | None) -> float | None:
    return None if seconds is None else round(arrived_s + seconds, 3)


def _seen(seconds: float | None) -> Duration | None:
    return None if seconds is None else Duration(seconds, 0.0, 0.0)
