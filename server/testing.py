"""Fakes and messages for tests, of this package's seams.

`MessageFactory` makes valid windows with plausible cells: arrivals, greetings and leavings
drawn from exponential distributions with a fixed seed.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from firmware_cfg.codec import encode
from firmware_cfg.histogram import Fate, Histogram, scale_for
from firmware_cfg.messages import (
    Cell,
    Coverage,
    Health,
    LedgerHead,
    Level,
    Outcomes,
    PointKind,
    Reported,
    Split,
    StaffFigures,
    State,
    WeekFigures,
    Window,
    WireHistogram,
)

EPOCH = "00000000000000a1"
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


@dataclass(slots=True)
class FakePublisher:
    """Remembers what was published."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes) -> None:
        """Remember it."""
        self.sent.append((topic, payload))


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until it is moved."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        """The present."""
        return self.at


@dataclass(frozen=True, slots=True)
class Load:
    """How a cell's parties fared: mean seconds to service, to greeting, to giving up."""

    serve_s: float = 60.0
    greet_s: float = 25.0
    patience_s: float = 300.0


@dataclass(slots=True)
class MessageFactory:
    """Makes the messages of one device."""

    device: str = "kiosk-1"
    epoch: str = EPOCH
    seed: int = 7
    sequence: int = 0
    expectations_hash: str = "e" * 64

    def window(
        self, *cells: Cell, start: datetime = MONDAY, coverage: Coverage = Coverage.FULL
    ) -> Window:
        """The next window of half an hour, with `cells`."""
        self.sequence += 1
        return Window(
            device=self.device,
            epoch=self.epoch,
            sequence=self.sequence,
            start=start,
            end=start + timedelta(minutes=30),
            definition_version=1,
            geometry_hash="a" * 64,
            expectations_hash=self.expectations_hash,
            model="nanodet-288x512-int8",
            coverage=coverage,
            clock="synchronised",
            cells=cells,
        )

    def cell(
        self,
        start: datetime = MONDAY,
        minutes: int = 30,
        visits: int = 24,
        point: str = "counter-1",
        kind: PointKind = PointKind.SERVICE_POINT,
        *,
        staff: bool = True,
        load: Load | None = None,
        k: int = 10,
    ) -> Cell:
        """A cell of `visits` visits; those of a queue are never served."""
        rng = random.Random(f"{self.seed} {start} {point}")  # noqa: S311 plausible, not secret
        parties = [_Party.draw(rng, load or Load()) for _ in range(visits)]
        if kind is PointKind.QUEUE:
            parties = [party.unserved() for party in parties]
        scale = scale_for(visits)
        stay_s = sum(party.stay_s for party in parties)
        return Cell(
            point=point,
            kind=kind,
            level=Level.HALF_HOUR if minutes == 30 else Level.HOUR,
            start=start,
            end=start + timedelta(minutes=minutes),
            k=k,
            visits=visits,
            left_censored=0,
            passers_by=rng.randrange(visits),
            outcomes=_outcomes(parties),
            waiting=WireHistogram.of(Histogram.of([p.waiting for p in parties], scale)),
            stay=WireHistogram.of(
                Histogram.of([(party.stay_s, Fate.EVENT) for party in parties], scale)
            ),
            staff=_staff(parties, scale) if staff else None,
            observed_s=stay_s * 0.95,
            bridged_s=stay_s * 0.04,
            unknown_s=stay_s * 0.01,
        )

    def week(
        self,
        start: datetime = MONDAY,
        visits: int = 200,
        told: WeekFigures | None = None,
        k: int = 10,
    ) -> Cell:
        """A store's week from `start`: five days of nine hours, of a team of one or two."""
        fields = dict(self.cell(start, visits=visits, staff=False, k=k))
        fields |= {"point": "all-points", "kind": PointKind.STORE, "level": Level.WEEK}
        fields |= {"end": start + timedelta(days=4, hours=9), "week": told or _told(visits)}
        return Cell(**fields)

    def encoded(self, *cells: Cell, start: datetime = MONDAY) -> bytes:
        """The next window as it travels."""
        return encode(self.window(*cells, start=start))

    def state(self, *, online: bool = True) -> State:
        """Birth or last will."""
        return State(device=self.device, online=online, software="0.1.0", epoch=self.epoch)

    def health(self, at: datetime = MONDAY, ledger: LedgerHead | None = None) -> Health:
        """A heartbeat."""
        return Health(
            device=self.device,
            at=at,
            software="0.1.0",
            model="nanodet-288x512-int8",
            uptime_s=3600,
            disk_free_mb=2000,
            clock="synchronised",
            ledger=ledger,
        )

    def reported(
        self, greet_within_s: float = 30.0, serve_within_s: float = 180.0, k: int = 10
    ) -> Reported:
        """The configuration in force."""
        return Reported(
            device=self.device,
            service_points=("counter-1",),
            queues=(),
            timezone="UTC",
            k=k,
            window_s=1800,
            greet_within_s=greet_within_s,
            serve_within_s=serve_within_s,
            geometry_hash="a" * 64,
            expectations_hash=self.expectations_hash,
        )


@dataclass(frozen=True, slots=True)
class _Party:
    """One invented party; only its contribution to a cell is ever kept."""

    greeting: tuple[float, Fate]
    waiting: tuple[float, Fate]
    stay_s: float
    interaction_s: float

    @classmethod
    def draw(cls, rng: random.Random, load: Load) -> "_Party":
        greet_s = rng.expovariate(1 / load.greet_s)
        serve_s = greet_s + rng.expovariate(1 / max(1.0, load.serve_s - load.greet_s))
        leave_s = 15 + rng.expovariate(1 / load.patience_s)
        interaction_s = rng.expovariate(1 / 90) + 5
        greeting = (greet_s, Fate.EVENT) if greet_s < leave_s else (leave_s, Fate.LEFT)
        if serve_s < leave_s:
            return cls(greeting, (serve_s, Fate.EVENT), serve_s + interaction_s, interaction_s)
        return cls(greeting, (leave_s, Fate.LEFT), leave_s, 5.0)

    def unserved(self) -> "_Party":
        """The same party, gone at the moment at which it would have been served."""
        at_s = self.waiting[0]
        return replace(self, waiting=(at_s, Fate.LEFT), stay_s=at_s)


def a_head(size: int, ledger: str = EPOCH, window: datetime = MONDAY) -> LedgerHead:
    """A head of `size` entries; nobody signed it."""
    root = sha256(f"{ledger} {size}".encode()).hexdigest()
    return LedgerHead(ledger=ledger, size=size, root=root, window=window, signature="0" * 128)


def _told(visits: int) -> WeekFigures:
    """Every figure of a week of `visits` visits, but service patterns."""
    part, rest = visits * 3 // 4, visits - visits * 3 // 4
    return WeekFigures(
        greeted_in_time=Split(yes=part, no=rest),
        left_greeted=Split(yes=rest // 2, no=rest - rest // 2),
        flawless=Split(yes=part, no=rest),
        recovered=Split(yes=rest - rest // 2, no=rest // 2),
        interrupted=Split(yes=rest, no=part),
        greeting_median_s=(16.0, 22.6),
        interaction_median_s=(90.5, 128.0),
        attended_percent=85,
    )


def _outcomes(parties: list[_Party]) -> Outcomes:
    served = sum(party.waiting[1] is Fate.EVENT for party in parties)
    greeted = sum(party.greeting[1] is Fate.EVENT for party in parties) - served
    return Outcomes(served=served, greeted_only=greeted, abandoned=len(parties) - served - greeted)


def _staff(parties: list[_Party], scale: int) -> StaffFigures:
    greeted = [party for party in parties if party.greeting[1] is Fate.EVENT]
    good = sum(
        party.waiting[1] is Fate.EVENT and party.greeting[0] <= 30 and party.waiting[0] <= 180
        for party in parties
    )
    served = sum(party.waiting[1] is Fate.EVENT for party in parties)
    talks = [(party.interaction_s, Fate.EVENT) for party in greeted]
    return StaffFigures(
        greeting=WireHistogram.of(Histogram.of([p.greeting for p in parties], scale)),
        interaction=WireHistogram.of(Histogram.of(talks, scale)),
        flawless=good,
        judged=len(parties),
        broken=len(parties) - good,
        recovered=served - good,
        interrupted=0,
        attended_s=900.0,
        present_s=1200.0,
    )
