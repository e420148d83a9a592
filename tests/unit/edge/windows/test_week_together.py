"""Counts told together: the faces that are asked about, and all weeks of some small shops.

An attacker knows the rule, each finer cell's own figures, and what is told of the week and what
is not. For every week that a shop can have, and every cell of it, everything that the cell's
own figures leave open must still be possible, all its hidden counts together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, product
from math import gcd
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from edge.testing import a_visit
from edge.visits.values import Outcome
from edge.windows import week_together
from edge.windows.tally import Tally
from edge.windows.week_bounds import EVERY_KIND, LEFT_EARLY, LEFT_LATE, Bounds, Sums, Ways, served
from edge.windows.week_together import NAMES, SIDES, told_together
from firmware_cfg.site import Encounter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from edge.visits.values import Visit

Told = tuple[tuple[str, int], ...]
KINDS: dict[str, tuple[Visit, Ways]] = {
    "served": (a_visit(0, stay_s=300, greeted_after_s=5, served_after_s=60), served()),
    "prompt": (a_visit(0, stay_s=300, greeted_after_s=5, served_after_s=9), served(prompt=True)),
    "slow": (a_visit(0, stay_s=400, greeted_after_s=5, served_after_s=300), served(slow=True)),
    "brief": (
        a_visit(0, stay_s=12, greeted_after_s=3, served_after_s=4),
        served(prompt=True, brief=True),
    ),
    "late": (a_visit(0, stay_s=90), LEFT_LATE),
    "early": (a_visit(0, stay_s=9), LEFT_EARLY),
    "here": (a_visit(0, stay_s=90, outcome=Outcome.STILL_PRESENT), LEFT_EARLY),
}


def reduced(vector: Iterable[int]) -> tuple[int, ...]:
    whole = tuple(vector)
    common = gcd(*whole)
    return tuple(one // common for one in whole) if common else whole


def normals(among: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Candidates: perpendicular to as many steps between two ways as it takes, of some counts."""
    steps = {
        reduced(a[n] - b[n] for n in among) for ways in EVERY_KIND for a, b in product(ways, ways)
    }
    found = set[tuple[int, ...]]()
    for chosen in combinations(sorted(steps), len(among) - 1):
        matrix = np.array(chosen).reshape(len(among) - 1, len(among))
        minors = [np.linalg.det(np.delete(matrix, n, 1)) for n in range(len(among))]
        normal = reduced(round((-1) ** n * minor) for n, minor in enumerate(minors))
        if any(normal):
            whole = dict(zip(among, normal, strict=True))
            found.add(tuple(whole.get(n, 0) for n in range(4)))
    return found | {tuple(-one for one in normal) for normal in found}


def is_face(side: tuple[int, ...], among: tuple[int, ...]) -> bool:
    """Whether the ways that reach furthest span all but one dimension."""
    steps = []
    for ways in EVERY_KIND:
        reach = [sum(w * s for w, s in zip(way, side, strict=True)) for way in ways]
        far = [way for way, one in zip(ways, reach, strict=True) if one == max(reach)]
        steps += [[one[n] - far[0][n] for n in among] for one in far]
    return int(np.linalg.matrix_rank(np.array(steps))) >= len(among) - 1


def test_the_sides_are_all_faces_that_any_of_the_counts_have() -> None:
    found = {
        side
        for size in range(1, 5)
        for among in combinations(range(4), size)
        for side in normals(among)
        if is_face(side, among)
    }
    assert found == set(SIDES)


@dataclass
class Remembered:
    """Bounds of which each side is asked once."""

    bounds: Bounds
    found: dict[Sums, int] = field(default_factory=dict)

    def most(self, weights: Sums) -> int:
        """As `Bounds.most`."""
        if weights not in self.found:
            self.found[weights] = self.bounds.most(weights)
        return self.found[weights]


class Shop:
    """A week of cells; a cell is a tuple of kinds of visits."""

    def __init__(self, cells: Sequence[tuple[str, ...]]) -> None:
        self.cells = cells
        tallies = [Tally.of_visit(KINDS[kind][0]) for cell in cells for kind in cell]
        self.public = cast("Bounds", Remembered(Bounds(sum(tallies[1:], tallies[0]), Encounter())))
        self.apart = 1 + max(map(len, cells))
        self._size = 1 + len(tallies)

    def open_sums(self, cells: Iterable[tuple[str, ...]]) -> set[Sums]:
        """Every point of counts that the cells' own figures leave open."""
        grid: NDArray[np.bool_] = np.zeros((self._size,) * 4, bool)
        grid[0, 0, 0, 0] = True
        for kind in (kind for cell in cells for kind in cell):
            grid = np.logical_or.reduce(
                [np.roll(grid, way, (0, 1, 2, 3)) for way in KINDS[kind][1]]
            )
        return {cast("Sums", tuple(map(int, one))) for one in np.argwhere(grid)}

    def weeks(self) -> dict[Sums, Told]:
        """What is told of each point of counts that the week can have."""
        found = dict[Sums, Told]()
        for counts in self.open_sums(self.cells):
            told = told_together(counts, self.public, self.apart)
            both = zip(NAMES, counts, strict=True)
            found[counts] = tuple((name, count) for name, count in both if name in told)
        return found

    def told_on(self) -> set[Told]:
        """What is told, where it excludes something that a cell's own figures leave open."""
        weeks, found = self.weeks(), set[Told]()
        for cell in set(self.cells):
            others = list(self.cells)
            others.remove(cell)
            rest = np.array(list(self.open_sums(others)))
            for own in self.open_sums([cell]):
                possible = {weeks[cast("Sums", one)] for one in map(tuple, (rest + own).tolist())}
                found |= set(weeks.values()) - possible
        return found


SHOPS: dict[str, Sequence[tuple[str, ...]]] = {
    "one visit a cell": [("served",)] * 8 + [("late",)] * 5,
    "all kinds": [("served",)] * 6
    + [("prompt",)] * 2
    + [("slow",)] * 2
    + [("brief",), ("early",), ("here",)]
    + [("late",)] * 5,
    "service begins with the greeting": [("prompt",)] * 9 + [("slow",)] * 2 + [("late",)] * 5,
    "two a cell": [("served", "late")] * 7 + [("slow",)] * 2,
    "one large cell": [("served", "served", "late")] + [("served",)] * 8 + [("late",)] * 5,
    "some wait long": [("served",)] * 8 + [("slow",)] * 2 + [("late",)] * 5 + [("early",)] * 2,
    "nobody leaves": [("served",)] * 8 + [("slow",)] * 3,
}


@pytest.mark.parametrize("name", SHOPS)
def test_all_that_is_told_of_a_week_leaves_every_cell_as_open_as_it_was(name: str) -> None:
    assert Shop(SHOPS[name]).told_on() == set()


def test_all_four_counts_are_told_in_some_week() -> None:
    assert max(map(len, Shop(SHOPS["some wait long"]).weeks().values())) == 4


def test_the_attack_works_where_each_count_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with no sum or difference among the sides."""
    alone = tuple(side for side in SIDES if sum(map(abs, side)) == 1)
    monkeypatch.setattr(week_together, "SIDES", alone)
    assert len(Shop(SHOPS["one visit a cell"]).told_on()) > 10


def test_the_attack_works_where_a_cell_is_larger_than_the_room() -> None:
    """The control: two visits a cell, room for one."""
    shop = Shop(SHOPS["two a cell"])
    shop.apart = 1
    assert len(shop.told_on()) > 10
