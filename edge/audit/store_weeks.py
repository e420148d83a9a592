"""A store's week beside the cells of its points: the union of whole cells, or it hides another.

A store's week gathers every point whose released cells reach from its start to its end. So each
of its figures that the cells have too is their sum, and its histograms are theirs, added up. What
a small team's cells fold (who was greeted among those who left) is folded on both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from firmware_cfg.histogram import Histogram
from firmware_cfg.messages import Cell, PointKind


@dataclass(frozen=True, slots=True)
class _Figures:
    """What a store's week and its points' cells both tell; each field adds up."""

    visits: int
    served: int
    still_present: int
    left_censored: int
    passers_by: int
    observed_s: float
    bridged_s: float
    unknown_s: float

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> _Figures:
        """Those of some cells together."""
        told = [
            (
                *(one.visits, one.outcomes.served, one.outcomes.still_present),
                *(one.left_censored, one.passers_by),
                *(one.observed_s, one.bridged_s, one.unknown_s),
            )
            for one in cells
        ]
        return cls(*map(sum, zip(*told, strict=True))) if told else cls(0, 0, 0, 0, 0, 0, 0, 0)


def store_weeks(points: Collection[Sequence[Cell]]) -> Iterator[str]:
    """Each store's week that is not the union of whole cells; `points`: the cells of each."""
    stores = [cell for cells in points for cell in cells if cell.kind is PointKind.STORE]
    others = [cells for cells in points if cells and cells[0].kind is not PointKind.STORE]
    for store in stores:
        parts = [one for cells in others for one in _whole(store, cells)]
        differing = ", ".join(_differing(store, parts))
        if differing:
            visits = sum(one.visits for one in parts)
            yield (
                f"week of the store, {store.start.isoformat()} – {store.end.isoformat()}: not the"
                f" sum of whole cells: {store.visits} visits, {visits} in the {len(parts)} cells"
                f" of its points: the difference is a cell of its own ({differing})"
            )


def _whole(store: Cell, cells: Sequence[Cell]) -> list[Cell]:
    """A point's cells in a store's week; none if they do not reach from its start to its end."""
    inside = [one for one in cells if store.start <= one.start and one.end <= store.end]
    starts, ends = {one.start for one in inside}, {one.end for one in inside}
    return inside if store.start in starts and store.end in ends else []


def _differing(store: Cell, parts: Sequence[Cell]) -> Iterator[str]:
    """Names of the figures that are not the sums of the parts'."""
    told, summed = _Figures.of([store]), _Figures.of(parts)
    yield from (name for name in _Figures.__slots__ if getattr(told, name) != getattr(summed, name))
    pairs = (
        ("waiting", store.waiting, [one.waiting for one in parts]),
        ("stay", store.stay, [one.stay for one in parts]),
    )
    for name, whole, finer in pairs:
        together = reduce(add, (one.histogram() for one in finer), Histogram())
        if whole.scale > together.scale or whole.histogram() != together.at_scale(whole.scale):
            yield name
