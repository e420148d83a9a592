"""What a simulated day is: people on a floor, exactly, and the shop they are in.

Positions are floor metres of the shop's `Layout`; times are seconds from the day's start. A
day knows nothing of pixels: `film` sees it with a camera, `truth` times it by the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.layouts import Layout

GRID_S = 0.1

FloatArray = NDArray[np.float64]
Span = tuple[float, float]


class Role(StrEnum):
    """What a simulated person is."""

    STAFF = "staff"
    CUSTOMER = "customer"


@dataclass(frozen=True, eq=False)
class Walker:
    """One person, for as long as they exist; who leaves the picture goes on outside it.

    Attributes:
        number: unique in the day, from 1.
        party: customers with the same number belong together; 0 for staff.
        height_m: standing upright.
        from_s: time of the first position, a multiple of `GRID_S`.
        xy_m: (n, 2) positions, one every `GRID_S`.
        shown: (n,) share of the height at that time: 1 upright, less seated or bent over.
    """

    number: int
    role: Role
    party: int
    height_m: float
    from_s: float
    xy_m: FloatArray
    shown: FloatArray

    @property
    def until_s(self) -> float:
        """Time of the last position."""
        return self.from_s + (len(self.xy_m) - 1) * GRID_S

    def at(self, t_s: float) -> tuple[float, float, float] | None:
        """(x, y, share of the height shown), linear in between; None where it is not there."""
        step = (t_s - self.from_s) / GRID_S
        if not -1e-6 <= step <= len(self.xy_m) - 1 + 1e-6:
            return None
        index = min(max(int(step), 0), len(self.xy_m) - 2) if len(self.xy_m) > 1 else 0
        part = step - index
        following = min(index + 1, len(self.xy_m) - 1)
        (x1, y1), (x2, y2) = self.xy_m[index], self.xy_m[following]
        s1, s2 = self.shown[index], self.shown[following]
        return (
            float(x1 + part * (x2 - x1)),
            float(y1 + part * (y2 - y1)),
            float(s1 + part * (s2 - s1)),
        )


@dataclass(frozen=True)
class Figure:
    """Something that looks like a person and is none: a mannequin, a poster, a coat."""

    x_m: float
    y_m: float
    height_m: float
    score: float
    seen_share: float


@dataclass(frozen=True, eq=False)
class Day:
    """A day at a shop, from 0 to `end_s`.

    Attributes:
        walkers: everybody, staff and customers.
        figures: what a detector may take for people.
        blind: spans in which the camera delivers no frame.
    """

    shop: Layout
    walkers: tuple[Walker, ...]
    end_s: float
    figures: tuple[Figure, ...] = ()
    blind: tuple[Span, ...] = ()
