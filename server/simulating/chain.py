"""The plan of a simulated chain: its stores, what they are like, and what happens to them.

What happens goes by a store's number, so that a small chain has some of everything; how much and
when is drawn from the seed and the number, so that a store is the same in a larger chain.

| numbers | |
|---|---|
| 1 of 3 each | one counter; two counters; two counters with a queue before them |
| 4, 9, 14, … | small: cells are thin |
| 1, 5, 9, … | the device is broken for some days: no windows |
| 15, 31, 47, … | the device is broken since three days before the end |
| 2, 6, 10, … | the camera is blind for some days: windows of nothing |
| 5, 14, 23, … | the device is replaced by another |
| 7, 19, 31, … | closes for good; its device moves to the next store, which opens a week later |
| 6, 14, 22, … | staff are missing in the last five weeks: greeting and service begin later |
| 3, 13, 23, … | the uplink is down now and then: messages come late |
| the last of 10 or more | has just opened, and is on trial |
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from firmware_cfg.cells import PointKind
from server.periods import monday_of
from server.simulating.calendar import DAY, DAY_STARTS, Hours
from server.simulating.places import PLACES, TRAINED_LAND, Place
from server.simulating.service import Service

ORGANISATION = "simulated"
TEAMS = (5, 3, 2, 8, None, 4, 3, 1, 12, 6)
THRESHOLDS = (10, 10, 15, 10, 10, 12, 10, 20)
WINDOWS_S = (1800, 3600, 1800, 3600, 900)
SHORT_FOR = timedelta(weeks=5)
SILENT_FOR = timedelta(days=3)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """A point of a store; its device knows it by the same key."""

    key: str
    label: str
    kind: PointKind


@dataclass(frozen=True, slots=True)
class PlannedDevice:
    """A device at a store from one date up to another, and why it came."""

    name: str
    epoch: str
    first: date
    after: date | None
    why: str = "first"


@dataclass(frozen=True, slots=True)
class Gap:
    """Dates [first, after) without a device's eyes; `broken`: without the device."""

    first: date
    after: date
    broken: bool


@dataclass(frozen=True, slots=True)
class PlannedStore:
    """A store.

    Attributes:
        number: of the chain, from 0.
        place: its region.
        hours: zone, opening, windows.
        visits_h: parties an hour, on the average of the year.
        team_size: as declared at the device; none: not declared.
        trained_from: from when on greetings are quicker; none: never.
        short_from: from when on staff are missing; none: never.
        opens, ends: trading days [opens, ends) of business.
        trial: nobody has confirmed it.
        late: its uplink is down now and then.
    """

    number: int
    key: str
    name: str
    place: Place
    hours: Hours
    points: tuple[PlannedPoint, ...]
    devices: tuple[PlannedDevice, ...]
    gaps: tuple[Gap, ...]
    service: Service
    visits_h: float
    team_size: int | None
    k: int
    trained_from: date | None
    short_from: date | None
    opens: date
    ends: date
    trial: bool
    late: bool

    def service_on(self, day: date) -> Service:
        """The times of a day."""
        found = self.service
        if self.trained_from is not None and day >= self.trained_from:
            found = found.trained()
        if self.short_from is not None and day >= self.short_from:
            found = found.shorthanded()
        return found

    def regimes(self) -> list[date]:
        """The days from which on other times hold than before; the first one is `opens`."""
        changes = {one for one in (self.trained_from, self.short_from) if one is not None}
        return [self.opens, *sorted(day for day in changes if self.opens < day < self.ends)]

    @property
    def silent_from(self) -> date | None:
        """Since when its device has been broken, if it still is at the end."""
        still = (gap.first for gap in self.gaps if gap.broken and gap.after == self.ends)
        return next(still, None)

    @property
    def working(self) -> list[PlannedDevice]:
        """The devices that are there and work at the end."""
        still = self.silent_from is None
        return [one for one in self.devices if one.after is None and still]

    def day_begins(self, day: date) -> datetime:
        """When a trading day begins, UTC."""
        return datetime.combine(day, DAY_STARTS, ZoneInfo(self.hours.zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain over the trading days [start, end), as stores of one organisation."""

    organisation: str
    seed: int
    start: date
    end: date
    trained_from: date
    stores: tuple[PlannedStore, ...]


def planned_chain(
    stores: int, days: int, seed: int, start: date, organisation: str = ORGANISATION
) -> Chain:
    """The plan of a chain."""
    end = start + timedelta(days=days)
    trained_from = monday_of(start + timedelta(days=days // 2 + 6))
    plan = _Plan(stores, seed, start, end, trained_from)
    made = tuple(plan.store(number) for number in range(stores))
    return Chain(organisation, seed, start, end, trained_from, made)


@dataclass(frozen=True, slots=True)
class _Plan:
    stores: int
    seed: int
    start: date
    end: date
    trained_from: date

    def store(self, number: int) -> PlannedStore:
        rng = Random(f"{self.seed} plan {number}")  # noqa: S311 plausible, not secret
        place = PLACES[number % len(PLACES)]
        opens, ends = self._business(number)
        city = place.cities[number // len(PLACES) % len(place.cities)]
        small = number % 5 == 4
        return PlannedStore(
            number=number,
            key=f"store-{number:04d}",
            name=f"{city} {number // (len(PLACES) * len(place.cities)) + 1}",
            place=place,
            hours=self._hours(number, place, rng),
            points=_points(number),
            devices=self._devices(number, opens, ends, rng),
            gaps=self._gaps(number, opens, ends, rng),
            service=_service(number, rng),
            visits_h=rng.uniform(1.0, 3.0) if small else rng.uniform(6.0, 26.0),
            team_size=TEAMS[number % len(TEAMS)],
            k=THRESHOLDS[number % len(THRESHOLDS)],
            trained_from=self.trained_from if place.land == TRAINED_LAND else None,
            short_from=monday_of(self.end - SHORT_FOR) if number % 8 == 6 else None,
            opens=opens,
            ends=ends,
            trial=self._is_new(number),
            late=number % 10 == 3,
        )

    def _is_new(self, number: int) -> bool:
        return number == self.stores - 1 and number >= 9

    def _closes_on(self, number: int) -> date | None:
        if number % 12 != 7 or number + 1 >= self.stores or self._is_new(number + 1):
            return None
        share = Random(f"{self.seed} move {number}").uniform(0.3, 0.7)  # noqa: S311 as above
        return monday_of(self.start + (self.end - self.start) * share)

    def _business(self, number: int) -> tuple[date, date]:
        if self._is_new(number):
            return max(self.start, self.end - timedelta(days=21)), self.end
        before = self._closes_on(number - 1) if number else None
        opens = self.start if before is None else before + timedelta(days=7)
        return min(opens, self.end), self._closes_on(number) or self.end

    def _hours(self, number: int, place: Place, rng: Random) -> Hours:
        spans: tuple[str, ...] = ("09:00-19:00",)
        if number % 20 == 12:
            spans = ("18:00-01:00",)
        elif number % 6 == 3:
            spans = ("08:30-12:30", "14:00-20:00")
        opening = dict.fromkeys(WEEK, spans)
        if number % 4 != 0:
            opening["sun"] = ("10:00-18:00",)
        years = range(self.start.year, self.end.year + 1)
        closed = {day for year in years for day in (date(year, 1, 1), date(year, 12, 25))}
        length = (self.end - self.start).days
        closed |= {self.start + rng.randrange(length) * DAY for _ in range(length // 60)}
        return Hours(place.zone, opening, frozenset(closed), WINDOWS_S[number % len(WINDOWS_S)])

    def _devices(
        self, number: int, opens: date, ends: date, rng: Random
    ) -> tuple[PlannedDevice, ...]:
        moved = number > 0 and self._closes_on(number - 1) is not None
        name = _device(number - 1 if moved else number)
        until = ends if ends < self.end else None
        why = "moved" if moved else "first"
        first = PlannedDevice(name, _epoch(rng), opens, until, why)
        if number % 9 != 5 or (ends - opens).days < 4:
            return (first,)
        on = opens + (ends - opens) * rng.uniform(0.35, 0.65)
        other = PlannedDevice(f"{_device(number)}-b", _epoch(rng), on, until, "replaced")
        return (PlannedDevice(name, first.epoch, opens, on, why), other)

    def _gaps(self, number: int, opens: date, ends: date, rng: Random) -> tuple[Gap, ...]:
        length = (ends - opens).days
        if number % 16 == 15 and length > SILENT_FOR.days:
            return (Gap(ends - SILENT_FOR, ends, broken=True),)
        if number % 4 not in (1, 2) or length < 10:
            return ()
        first = opens + rng.randrange(2, max(3, length - 6)) * DAY
        return (Gap(first, min(ends, first + rng.randrange(1, 6) * DAY), number % 4 == 1),)


def _device(number: int) -> str:
    return f"enc-{number:04d}"


def _epoch(rng: Random) -> str:
    return f"{rng.getrandbits(64):016x}"


def _points(number: int) -> tuple[PlannedPoint, ...]:
    counter, queue = PointKind.SERVICE_POINT, PointKind.QUEUE
    if number % 3 == 0:
        return (PlannedPoint("counter", "Counter", counter),)
    two = (
        PlannedPoint("counter-1", "Counter 1", counter),
        PlannedPoint("counter-2", "Counter 2", counter),
    )
    return two if number % 3 == 1 else (PlannedPoint("queue", "Queue", queue), *two)


def _service(number: int, rng: Random) -> Service:
    return Service(
        greet_s=round(rng.uniform(12, 40), 1),
        begin_s=round(rng.uniform(20, 80), 1),
        begin_spread=round(rng.uniform(0.4, 0.8), 2) if number % 2 else 0.0,
        patience_s=round(rng.uniform(150, 600), 1),
        talk_s=round(rng.uniform(50, 120), 1),
        talk_spread=round(rng.uniform(0.35, 0.6), 2),
        interrupted=round(rng.uniform(0, 0.08), 3),
    )
