"""Thin windows join along the calendar, and cells are let go once the calendar has settled them.

The rule (docs/privacy.md, rule 2), for one point. A unit that ends hands its cells to the unit
around it, as they are if nothing is pending there and the first of them has k visits; otherwise
they join what is pending, as one whole, until k visits stand together. What is pending when a
unit ends is added to the unit's last cell; without one the whole unit is pending for its own
unit. A month below k is dropped.

Cells are let go where a unit of two cells or more ends and nothing around it is pending: all
but the last one, which a remainder may still reach. At a month's end all go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from firmware_cfg.messages import Level
from server.simulating.calendar import LEAF, Path, Slot, Unit
from server.simulating.tally import Tally


@dataclass(frozen=True, slots=True)
class Joined:
    """Windows that stand together."""

    level: Level
    start: datetime
    end: datetime
    tally: Tally

    def with_later(self, later: Sequence["Joined"], level: Level) -> "Joined":
        """This one with later ones, joined at `level`."""
        tally = self.tally
        for one in later:
            tally += one.tally
        return Joined(level, self.start, later[-1].end, tally)


@dataclass(slots=True)
class _Open:
    """A unit that has not ended: cells of k visits or more, and what is thin so far."""

    unit: Unit
    cells: list[Joined] = field(default_factory=list)
    thin: Joined | None = None


class Joining:
    """Joins one point's windows, taken in order."""

    def __init__(self, k: int, window_s: int) -> None:
        self._k = k
        self._leaf = LEAF[window_s]
        self._open: list[_Open] = []

    def take(self, slot: Slot, tally: Tally, following: Path) -> list[Joined]:
        """Take a window; what is let go. `following` has the next window in opening hours."""
        gone = self._end(slot.path)
        for unit in slot.path[len(self._open) :]:
            self._open.append(_Open(unit))
        self._hand([Joined(self._leaf, slot.start, slot.end, tally)])
        return gone + self._end(following)

    def undecided_since(self) -> datetime | None:
        """Start of what may yet be let go in a cell of its own week; None: nothing."""
        starts = [cell.start for one in self._open for cell in one.cells]
        starts += [one.thin.start for one in self._open[1:] if one.thin is not None]
        return min(starts, default=None)

    def break_off(self) -> list[Joined]:
        """Begin anew, as after a power cut: what has k visits stands, the rest is lost."""
        standing = [cell for one in self._open for cell in one.cells]
        self._open = []
        return standing

    def _end(self, path: Path) -> list[Joined]:
        """End the units that are not on `path`; what is let go."""
        gone: list[Joined] = []
        while self._open and not self._goes_on(path):
            ended = self._open.pop()
            cells = _closed(ended)
            if not self._open:
                return gone + [cell for cell in cells if cell.tally.visits >= self._k]
            settled = all(one.thin is None for one in self._open)
            if cells:
                self._hand(cells)
            if settled and len(cells) > 1:
                gone += self._all_but_the_last()
        return gone

    def _goes_on(self, path: Path) -> bool:
        depth = len(self._open)
        return depth <= len(path) and self._open[-1].unit == path[depth - 1]

    def _hand(self, cells: list[Joined]) -> None:
        """Hand an ended unit's cells, or a window, to the innermost open unit."""
        into = self._open[-1]
        if into.thin is None and cells[0].tally.visits >= self._k:
            into.cells += cells
            return
        level = into.unit[0]
        whole = [one for one in (into.thin, *cells) if one is not None]
        joined = whole[0].with_later(whole[1:], level) if len(whole) > 1 else whole[0]
        into.thin = None
        if joined.tally.visits >= self._k:
            into.cells.append(joined)
        else:
            into.thin = joined

    def _all_but_the_last(self) -> list[Joined]:
        holders = [one for one in self._open if one.cells]
        cells = [cell for one in holders for cell in one.cells]
        for one in holders:
            one.cells = []
        holders[-1].cells = cells[-1:]
        return cells[:-1]


def _closed(ended: _Open) -> list[Joined]:
    """What a unit hands on."""
    if ended.thin is None:
        return ended.cells
    if not ended.cells:
        return [ended.thin]
    return [*ended.cells[:-1], ended.cells[-1].with_later([ended.thin], ended.unit[0])]
