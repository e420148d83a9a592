"""Thin windows join along the calendar until at least k visits stand together.

Privacy rule 2, for one point, online. A month's windows are folded in order into their
units (quarter-hours into half-hours, hours, day parts, days, weeks, the month). In a unit:

    pending  child       then
    none     thick       the child's own cells are kept as they are
    none     thin        the child becomes pending
    thin     any         the child joins as a whole; from k visits on, they are one cell
    the unit ends, something pending, cells kept     the last cell is extended over it
    the unit ends, something pending, no cell kept   the unit is thin for its own unit

A unit is thick if it has a cell. A month that is thin is suppressed. A window without
visits is a thin one like any other: that it was empty is not told apart.

A cell is released once nothing can change it, and not before the released cells themselves
will tell why. Where a unit ends that handed two cells or more to its own unit, and nothing is
pending around it, every cell but the last is released: the first of the two ends inside the
unit, so whoever sees the cells sees that the unit was parted, and that all before was settled
by then. A unit of one cell settles nothing: whether the next window had k by itself, or only
with a remainder, must not be told by the time at which the cell before it leaves. At a month's
end all is released. A cell's level is that of the unit in which windows were joined or a
remainder was added; a window that is thick alone has the window's own level. Its period
runs from its first window's start to its last window's end.

Released cells are disjoint, of at least k visits, and never change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from edge.windows.calendar import Period, Unit
from edge.windows.tally import Tally
from firmware_cfg.messages import Level

Path = tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class JoinedCell:
    """Windows that stand together: what was counted, over which period."""

    level: Level
    period: Period
    tally: Tally

    def joined(self, later: Self, level: Level) -> "JoinedCell":
        """This cell with a later one joined to it, at `level`."""
        period = Period(self.period.start, later.period.end)
        return JoinedCell(level, period, self.tally + later.tally)


@dataclass(frozen=True, slots=True)
class OpenUnit:
    """A calendar unit that has not ended, as another joiner needs it to go on.

    Attributes:
        unit: which one.
        cells: of at least k visits, not released yet, in order.
        pending: windows that are thin together.
    """

    unit: Unit
    cells: tuple[JoinedCell, ...]
    pending: JoinedCell | None


@dataclass(slots=True)
class _Node:
    """A calendar unit that has not ended."""

    unit: Unit
    cells: list[JoinedCell] = field(default_factory=list)
    pending: JoinedCell | None = None

    def take(self, cells: list[JoinedCell], k: int) -> None:
        """Fold a finished child: its cells if thick, its one thin accumulation if not."""
        thick = cells[0].tally.visits >= k
        if self.pending is None and thick:
            self.cells.extend(cells)
            return
        joined = self.pending
        for cell in cells:
            joined = cell if joined is None else joined.joined(cell, self.unit.level)
        if joined is not None and joined.tally.visits >= k:
            self.cells.append(joined)
            joined = None
        self.pending = joined

    def end(self) -> list[JoinedCell]:
        """What the unit hands to its own unit; empty if it never had a window."""
        if self.pending is None:
            return self.cells
        if not self.cells:
            return [self.pending]
        extended = self.cells[-1].joined(self.pending, self.unit.level)
        return [*self.cells[:-1], extended]

    def refold(self, k: int) -> None:
        """Hold what is here to a larger k: join everything if any cell is now too small."""
        if all(cell.tally.visits >= k for cell in self.cells):
            return
        everything = self.cells + ([] if self.pending is None else [self.pending])
        self.cells, self.pending = [], None
        joined = everything[0]
        for cell in everything[1:]:
            joined = joined.joined(cell, self.unit.level)
        if joined.tally.visits >= k:
            self.cells = [joined]
        else:
            self.pending = joined


class Joiner:
    """Joins the windows of one point, given in order.

    Args:
        k: smallest number of visits in a released cell.
        leaf_level: level of a single window.
        units: where an earlier joiner with the same or a smaller k stood.
    """

    def __init__(self, k: int, leaf_level: Level, units: Iterable[OpenUnit] = ()) -> None:
        self._k = k
        self._leaf_level = leaf_level
        self._open = [_Node(one.unit, list(one.cells), one.pending) for one in units]
        for node in self._open:
            node.refold(k)

    def open_units(self) -> tuple[OpenUnit, ...]:
        """What another joiner needs to go on from here, from the month down."""
        return tuple(OpenUnit(one.unit, tuple(one.cells), one.pending) for one in self._open)

    def undecided_since(self) -> datetime | None:
        """Start of the first window that may yet be released in a cell of its own week.

        None if there is none. Weeks that are thin together wait in the month: whatever becomes
        of them, it is no cell of one week.
        """
        held = [cell for node in self._open for cell in node.cells]
        held += [node.pending for node in self._open[1:] if node.pending is not None]
        return min((cell.period.start for cell in held), default=None)

    def take(
        self, window: Period, tally: Tally, path: Path, following: Path | None
    ) -> list[JoinedCell]:
        """Fold one closed window, and return the cells that became final.

        Args:
            window: its bounds; later than every one before.
            tally: what was counted in it.
            path: the units that contain it, from the month down.
            following: the units of the next window in opening hours; None if there is none.
        """
        released = self._end_units(path)
        self._open += [_Node(unit) for unit in path[len(self._open) :]]
        self._open[-1].take([JoinedCell(self._leaf_level, window, tally)], self._k)
        return released + self._end_units(following or ())

    def closed_cells(self) -> list[JoinedCell]:
        """Cells of at least k visits that are not released yet, in order.

        They may be kept durably: should everything else be lost, they stand as they are.
        """
        return [cell for node in self._open for cell in node.cells]

    def raise_k(self, k: int) -> None:
        """Hold everything not yet released to a larger threshold.

        Raises:
            ValueError: `k` is smaller than the one in force.
        """
        if k < self._k:
            raise ValueError(f"k may only be raised: {self._k} is in force, found {k}")
        self._k = k
        for node in self._open:
            node.refold(k)

    def _end_units(self, path: Path) -> list[JoinedCell]:
        """End the open units that `path` does not share; what became final comes out."""
        shared = 0
        while shared < min(len(self._open), len(path)) and self._open[shared].unit == path[shared]:
            shared += 1
        released: list[JoinedCell] = []
        while len(self._open) > max(shared, 1):
            cells = self._open.pop().end()
            alone = all(node.pending is None for node in self._open)
            if cells:
                self._open[-1].take(cells, self._k)
            if alone and len(cells) > 1:
                released += self._all_but_the_last()
        if shared or not self._open:
            return released
        month = self._open.pop().end()
        return released + [cell for cell in month if cell.tally.visits >= self._k]

    def _all_but_the_last(self) -> list[JoinedCell]:
        """Take out every cell but the last, which a remainder may still extend."""
        cells = [cell for node in self._open for cell in node.cells]
        holder = next(node for node in reversed(self._open) if node.cells)
        for node in self._open:
            node.cells = []
        holder.cells = cells[-1:]
        return cells[:-1]
