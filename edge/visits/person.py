"""What is known of one person while in view: place over time, and the evidence for a role.

A role comes from where a person is found over time, never from appearance: who has spent
`STAFF_CERTAIN_S` on a staff side, or `STAFF_LIKELY_S` and a good share of the zone time, is
staff, and stays staff wherever they walk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from edge.visits.zones import UNSURE

if TYPE_CHECKING:
    from edge.tracking.floor import Floor, Measure, Position
    from edge.tracking.track import TrackId

STAFF_CERTAIN_S = 10.0
STAFF_LIKELY_S = 2.0
STAFF_SHARE = 0.3
CUSTOMER_LIKELY_S = 1.0
VOTE_S = 0.3
LONGEST_STEP_S = 1.0


class Role(StrEnum):
    """What a person is at the counter."""

    STAFF = "staff"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Person:
    """A person's timeline; columns of equal length, one entry a sighting.

    Attributes:
        measures: what `floor` needs to tell the place.
        masks: zone bits as measured, before voting.
        changed_s: times at which the zone bits changed.
        from_edge: first seen at the picture's edge.
        unsure: how many of its first sightings leave the staff side open.
        gone_s: when it was last seen, once it has left or is given up; else None.
    """

    id: TrackId
    from_edge: bool
    floor: Floor
    t_s: list[float] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    changed_s: list[float] = field(default_factory=list)
    first_s: float = 0.0
    last_mask: int = 0
    gone_s: float | None = None
    staff_s: float = 0.0
    customer_s: float = 0.0
    unsure: int = 0

    def add(self, t_s: float, measure: Measure, mask: int, staff: int, customer: int) -> None:
        """Take in a sighting; `staff` and `customer` are the bits of those sides' zones."""
        unsure = bool(mask & UNSURE)
        if unsure:
            mask = mask & ~UNSURE | self.last_mask & staff
            self.unsure += self.unsure == len(self.t_s)
        if self.t_s:
            step_s = min(t_s - self.t_s[-1], LONGEST_STEP_S)
            if mask & staff and not unsure:
                self.staff_s += step_s
            elif mask & customer:
                self.customer_s += step_s
        else:
            self.first_s = t_s
        self.t_s.append(t_s)
        self.measures.append(measure)
        self.masks.append(mask)
        if mask != self.last_mask:
            self.changed_s.append(t_s)
        self.last_mask = mask

    def copy(self) -> Person:
        """The same person, with a timeline of its own."""
        return replace(
            self,
            t_s=list(self.t_s),
            measures=list(self.measures),
            masks=list(self.masks),
            changed_s=list(self.changed_s),
        )

    def absorb(self, later: Person, staff: int) -> None:
        """Take over the timeline of `later`, who is the same person seen again."""
        for index in range(later.unsure):
            later.masks[index] |= self.last_mask & staff
        fresh = bisect_right(later.t_s, self.t_s[-1])
        if later.masks[fresh] != self.masks[-1]:
            self.changed_s.append(later.t_s[fresh])
        self.changed_s += later.changed_s[bisect_right(later.changed_s, later.t_s[fresh]) :]
        self.t_s += later.t_s[fresh:]
        self.measures += later.measures[fresh:]
        self.masks += later.masks[fresh:]
        self.last_mask = later.masks[-1]
        self.gone_s = later.gone_s
        self.staff_s += later.staff_s
        self.customer_s += later.customer_s

    @property
    def is_staff(self) -> bool:
        """Whether the evidence says staff."""
        likely = self.staff_s >= STAFF_LIKELY_S
        share = self.staff_s >= STAFF_SHARE * (self.staff_s + self.customer_s)
        return self.staff_s >= STAFF_CERTAIN_S or (likely and share)

    @property
    def role(self) -> Role:
        """Role by the evidence so far."""
        if self.is_staff:
            return Role.STAFF
        return Role.CUSTOMER if self.customer_s >= CUSTOMER_LIKELY_S else Role.UNKNOWN

    @property
    def role_confidence(self) -> float:
        """In [0.5, 1]: the share of the evidence on the role's side, and its amount."""
        total = self.staff_s + self.customer_s
        if total <= 0:
            return 0.5
        side = self.staff_s if self.is_staff else self.customer_s
        return 0.5 + 0.5 * min(1.0, total / STAFF_CERTAIN_S) * side / total

    def index_at(self, t_s: float) -> int | None:
        """Index of the sighting at `t_s` exactly, if there is one."""
        index = bisect_left(self.t_s, t_s)
        return index if index < len(self.t_s) and self.t_s[index] == t_s else None

    def last_index(self, t_s: float) -> int:
        """Index of the last sighting not after `t_s`, else the first."""
        return max(bisect_right(self.t_s, t_s) - 1, 0)

    def voted_mask(self, index: int) -> int:
        """Zone bits by majority within `VOTE_S` on either side of a sighting.

        A single false box does not move anyone into or out of a zone, and a crossing
        keeps its time, since the window is centred.
        """
        _t_s, masks, at = self.t_s, self.masks, self.t_s[index]
        change = bisect_left(self.changed_s, at - VOTE_S)
        if change == len(self.changed_s) or self.changed_s[change] > at + VOTE_S:
            return masks[index]
        low, high = self._around(index, at)
        reach = min(index - low, high - 1 - index)
        window = masks[index - reach : index + reach + 1]
        result, left = 0, 0
        for one in window:
            left |= one
        while left:
            bit = left & -left
            if 2 * sum(1 for one in window if one & bit) > len(window):
                result |= bit
            left ^= bit
        return result

    def _around(self, index: int, at_s: float) -> tuple[int, int]:
        """Indices [low, high) of the sightings within `VOTE_S` of `at_s`."""
        low, high = index, index + 1
        while low and at_s - self.t_s[low - 1] <= VOTE_S:
            low -= 1
        while high < len(self.t_s) and self.t_s[high] - at_s <= VOTE_S:
            high += 1
        return low, high

    def position_m(self, index: int) -> Position:
        """Floor position at a sighting: the mean of as many on either side within `VOTE_S`."""
        low, high = self._around(index, self.t_s[index])
        reach = min(index - low, high - 1 - index)
        places = [
            self.floor.position_m(m) for m in self.measures[index - reach : index + reach + 1]
        ]
        return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)

    def position_near(self, t_s: float) -> Position:
        """Floor position at the last sighting not after `t_s`, else at the first one."""
        return self.position_m(self.last_index(t_s))

    def forget_before(self, t_s: float) -> None:
        """Drop sightings before `t_s`, but the last."""
        count = min(bisect_left(self.t_s, t_s), len(self.t_s) - 1)
        if count > 0:
            del self.t_s[:count], self.measures[:count], self.masks[:count]
            self.unsure = max(0, self.unsure - count)
            del self.changed_s[: bisect_left(self.changed_s, self.t_s[0])]
