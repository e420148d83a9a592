"""What the devices of a simulated store send: a window message for each window, with its cells."""

import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain as together
from itertools import pairwise
from random import Random

from firmware_cfg.cells import Cell, Coverage, PointKind
from firmware_cfg.messages import Invalid, Window
from server.periods import monday_of
from server.simulating import arrivals
from server.simulating.calendar import Path, Slot
from server.simulating.chain import Gap, PlannedDevice, PlannedStore
from server.simulating.joining import Joined, Joining
from server.simulating.releasing import Terms, cell_of
from server.simulating.service import EXPECTED, Party, parties, poisson
from server.simulating.tally import Tally
from server.simulating.weeks import Weeks

MODEL = "nanodet-288x512-int8"
MOST_CELLS = 12
"""In one message; others wait for the next one."""
BLINKS, BLINK = 0.01, (0.04, 0.3)
"""Share of windows in which the camera saw nothing for a part of the time, and how large one."""
NEVER: Path = ()
EXPECTATIONS_HASH = sha256(repr(EXPECTED).encode()).hexdigest()


@dataclass(slots=True)
class Drawn:
    """What was drawn for a store: parties that came, those that nobody saw left out."""

    visits: Counter[date] = field(default_factory=Counter)


def messages(
    seed: int, store: PlannedStore, drawn: Drawn, scale: int | None = None
) -> Iterator[Window]:
    """All window messages of a store's devices, a device after the other.

    Args:
        seed: the chain's.
        store: the store.
        drawn: counts the visits by the Monday of their week.
        scale: of all histograms, where it is not to follow from a cell's visits.
    """
    for device in store.devices:
        yield from _Device(seed, store, device, drawn, scale=scale).messages()


def messages_after(seed: int, store: PlannedStore, days: int) -> Iterator[Window]:
    """What the devices that work at a store's end send of the days after it.

    They go on with the next sequence, and join anew, as after a restart.

    Args:
        seed: the chain's.
        store: the store.
        days: how many.
    """
    later = replace(store, opens=store.ends, ends=store.ends + timedelta(days=days), gaps=())
    for device in store.working:
        sent, goes_on = _sent(store, device), replace(device, first=store.ends)
        yield from _Device(seed + 1, later, goes_on, Drawn(), sent=sent).messages()


def _sent(store: PlannedStore, device: PlannedDevice) -> int:
    """How many messages a device has sent by the store's end."""
    broken = [gap for gap in store.gaps if gap.broken]
    slots = store.hours.slots(device.first, device.after or store.ends)
    return sum(not any(gap.first <= one.day < gap.after for gap in broken) for one in slots)


def geometry_of(device: PlannedDevice) -> str:
    """The hash of a device's zones."""
    return sha256(f"zones of {device.name} since {device.epoch}".encode()).hexdigest()


class _Device:
    def __init__(
        self,
        seed: int,
        store: PlannedStore,
        device: PlannedDevice,
        drawn: Drawn,
        *,
        scale: int | None = None,
        sent: int = 0,
    ) -> None:
        self._store = store
        self._device = device
        self._drawn = drawn
        self._terms = Terms(store.k, store.team_size, scale)
        self._rng = Random(f"{seed} {device.name} {device.epoch}")  # noqa: S311 plausible
        self._joining = self._anew()
        self._weeks = Weeks(store)
        self._waiting: deque[Cell] = deque()
        self._sequence = sent
        self._geometry = geometry_of(device)

    def _anew(self) -> dict[str, Joining]:
        store = self._store
        return {one.key: Joining(store.k, store.hours.window_s) for one in store.points}

    def messages(self) -> Iterator[Window]:
        until = self._device.after or self._store.ends
        slots = self._store.hours.slots(self._device.first, until)
        broken = False
        for slot, following in pairwise(together(slots, (None,))):
            if slot is None:
                return
            gap = self._gap(slot.day)
            if gap is not None and gap.broken:
                broken = True
                continue
            if broken:
                self._break_off()
                broken = False
            yield self._message(slot, NEVER if following is None else following.path, gap)

    def _gap(self, day: date) -> Gap | None:
        return next((gap for gap in self._store.gaps if gap.first <= day < gap.after), None)

    def _break_off(self) -> None:
        """The device was off: what was not closed is lost, and so is the week."""
        for point, joining in self._joining.items():
            self._let_go(point, joining.break_off())
        self._joining = self._anew()
        self._weeks = Weeks(self._store)

    def _message(self, slot: Slot, following: Path, gap: Gap | None) -> Window:
        seen, invalid = self._seen(slot, gap)
        tallies = self._tallies(slot, seen)
        self._weeks.closed(slot)
        for point, joining in self._joining.items():
            self._let_go(point, joining.take(slot, tallies[point], following))
        undecided = [one.undecided_since() for one in self._joining.values()]
        since = min((at for at in undecided if at is not None), default=slot.end)
        self._waiting.extend(self._weeks.over(since))
        cells = [self._waiting.popleft() for _ in range(min(MOST_CELLS, len(self._waiting)))]
        self._sequence += 1
        return Window.model_construct(
            device=self._device.name,
            epoch=self._device.epoch,
            sequence=self._sequence,
            start=slot.start,
            end=slot.end,
            definition_version=1,
            geometry_hash=self._geometry,
            expectations_hash=EXPECTATIONS_HASH,
            model=MODEL,
            coverage=Coverage.of(seen),
            invalid=invalid,
            clock="synchronised",
            cells=tuple(cells),
        )

    def _seen(self, slot: Slot, gap: Gap | None) -> tuple[float, tuple[Invalid, ...]]:
        """The share of the window's opening time that was seen, and what was not."""
        if gap is not None:
            return 0.0, (_unseen(slot.start, slot.end),)
        if self._rng.random() >= BLINKS:
            return 1.0, ()
        share = self._rng.uniform(*BLINK)
        lost = timedelta(seconds=math.ceil(share * (slot.end - slot.start).total_seconds()))
        return 1 - share, (_unseen(slot.start, slot.start + lost),)

    def _tallies(self, slot: Slot, seen: float) -> dict[str, Tally]:
        """What came in a window, by point."""
        tallies = {one.key: Tally() for one in self._store.points}
        if seen == 0:
            return tallies
        store, rng = self._store, self._rng
        hours = slot.open_s * seen / 3600
        mean = store.visits_h * arrivals.of_day(slot.day) * arrivals.of_hour(slot.hour) * hours
        came = parties(store.service_on(slot.day), rng, poisson(rng, mean))
        for point, found in self._by_point(list(came)).items():
            tallies[point].count(found)
            tallies[point].passers_by = poisson(rng, 0.15 * mean / len(store.points))
        self._drawn.visits[monday_of(slot.day)] += sum(one.visits for one in tallies.values())
        return tallies

    def _by_point(self, came: list[Party]) -> dict[str, list[Party]]:
        """Where parties count: where they were served; in the queue if they left it unserved."""
        points = self._store.points
        counters = [one.key for one in points if one.kind is PointKind.SERVICE_POINT]
        queue = next((one.key for one in points if one.kind is PointKind.QUEUE), None)
        found: dict[str, list[Party]] = {one.key: [] for one in points}
        lists, uniform = [found[one] for one in counters], self._rng.random
        for one in came:
            if queue is not None and one.served_s == math.inf:
                found[queue].append(one)
            else:
                lists[int(uniform() * len(lists))].append(one)
        return found

    def _let_go(self, point: str, joined: list[Joined]) -> None:
        store = self._store
        kind = next(one.kind for one in store.points if one.key == point)
        for one in joined:
            cell = cell_of(one, point, kind, self._terms)
            self._waiting.append(cell)
            self._weeks.add(point, one, cell.waiting.scale)


def _unseen(start: datetime, end: datetime) -> Invalid:
    return Invalid.model_construct(start=start, end=end, reason="no_frames")
