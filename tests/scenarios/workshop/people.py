"""People over the samples of a record, as the definitions look at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.workshop.day import Role

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Run = tuple[int, int]  # samples [from, to)


@dataclass(frozen=True, eq=False)
class Person:
    """One person over all n samples.

    Attributes:
        number: the walker's number.
        party: customers with the same number belong together.
        seen: (n,) in the picture, hidden by others or not.
        queue: (n, queues) in that queue's zone, in the site's order.
        service: (n, service points) in that point's service zone.
        staff: (n, service points) in that point's staff zone.
        customers_side: (n,) on the customers' side of every counter.
        xy_m: (n, 2) on the floor, outside the picture too; NaN where there is nobody.
    """

    number: int
    role: Role
    party: int
    seen: BoolArray
    queue: BoolArray
    service: BoolArray
    staff: BoolArray
    customers_side: BoolArray
    xy_m: FloatArray

    @property
    def present(self) -> BoolArray:
        """(n,) in a queue or a service zone."""
        inside: BoolArray = self.seen & (self.queue.any(axis=1) | self.service.any(axis=1))
        return inside

    def part(self, run: Run) -> Person:
        """The same person over some of the samples."""
        cut = slice(*run)
        return replace(
            self,
            seen=self.seen[cut],
            queue=self.queue[cut],
            service=self.service[cut],
            staff=self.staff[cut],
            customers_side=self.customers_side[cut],
            xy_m=self.xy_m[cut],
        )


def runs(mask: BoolArray) -> list[Run]:
    """Where a mask holds.

    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return [(int(a), int(b)) for a, b in steps.reshape(-1, 2)]


def any_of(masks: Iterable[BoolArray]) -> BoolArray:
    """Where any of several masks, or of several tables of zones, holds."""
    held: BoolArray = np.logical_or.reduce(list(masks))
    return held


def present_in(members: Sequence[Person], stays: Sequence[Run]) -> list[Person]:
    """The members who came to a zone in these presences."""
    return [one for one in members if any(one.present[slice(*run)].any() for run in stays)]


def apart_m(one: Person, other: Person, index: int) -> float:
    """Floor distance of two people at a sample."""
    return float(np.hypot(*(one.xy_m[index] - other.xy_m[index])))
