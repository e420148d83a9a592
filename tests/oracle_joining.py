"""What happened in which window, and which windows stand together (docs/privacy.md, rule 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.oracle_calendar import MINUTE, instant, is_open

if TYPE_CHECKING:
    from datetime import datetime

    from firmware_cfg.site import Site

Row = dict[str, Any]
LEVELS = ("month", "week", "day", "day_part", "hour", "half_hour", "quarter_hour")


@dataclass
class Leaf:
    """One window in opening hours: the keys of its units, and what happened in it."""

    path: tuple[Any, ...]
    start: datetime
    end: datetime
    rows: list[Row] = field(default_factory=list)
    passers: int = 0
    present_ms: int = 0
    attended_ms: int = 0


@dataclass
class Group:
    """Windows that stand together, and at which level they were put together."""

    level: str
    leaves: list[Leaf]

    @property
    def visits(self) -> int:
        """Visits in them."""
        return sum(len(leaf.rows) for leaf in self.leaves)


@dataclass(frozen=True)
class Presence:
    """A span with a party at a point, capture times."""

    point: str
    start_s: float
    end_s: float
    attended: bool


def fill(site: Site, leaves: list[Leaf], rows: list[Row], zero_utc: datetime) -> None:
    for row in rows:
        for leaf in holding(site, leaves, instant(zero_utc, row["arrived_s"])):
            leaf.rows.append(row)


def holding(site: Site, leaves: list[Leaf], at: datetime) -> list[Leaf]:
    if not is_open(site, at):
        return []
    return [leaf for leaf in leaves if leaf.start <= at < leaf.end]


def spread(site: Site, leaves: list[Leaf], span: Presence, zero_utc: datetime) -> None:
    first, last = instant(zero_utc, span.start_s), instant(zero_utc, span.end_s)
    for leaf in leaves:
        if last <= leaf.start or leaf.end <= first:
            continue
        minute = leaf.start
        while minute < leaf.end:
            overlap = min(last, minute + MINUTE) - max(first, minute)
            if overlap > timedelta(0) and is_open(site, minute):
                milliseconds = overlap // timedelta(milliseconds=1)
                leaf.present_ms += milliseconds
                leaf.attended_ms += milliseconds if span.attended else 0
            minute += MINUTE


def fold_in(done: list[Group], waiting: list[Leaf], child: list[Group], k: int, level: str) -> None:
    """One step of rule 2: put a finished child after `done`, or to what is `waiting`."""
    if not waiting and child[0].visits >= k:
        done += child
        return
    waiting += [leaf for group in child for leaf in group.leaves]
    together = Group(level, list(waiting))
    if together.visits >= k:
        done.append(together)
        waiting.clear()


def whole(leaves: list[Leaf], depth: int, k: int) -> list[Group]:
    """A unit that ended: its cells, or the one thin group that it is."""
    if depth == len(leaves[0].path) - 1:
        return [Group(LEVELS[depth], leaves)]
    done: list[Group] = []
    waiting: list[Leaf] = []
    for child in children(leaves, depth):
        fold_in(done, waiting, whole(child, depth + 1, k), k, LEVELS[depth])
    if not waiting:
        return done
    if not done:
        return [Group(LEVELS[depth], waiting)]
    return [*done[:-1], Group(LEVELS[depth], done[-1].leaves + waiting)]


def _certain(leaves: list[Leaf], following: tuple[Any, ...], depth: int, k: int) -> list[Group]:
    """Groups of a unit that has not ended, which nothing around them will absorb."""
    done: list[Group] = []
    waiting: list[Leaf] = []
    for child in children(leaves, depth):
        if child[0].path[: depth + 2] == following[: depth + 2]:
            return done if waiting else done + _certain(child, following, depth + 1, k)
        fold_in(done, waiting, whole(child, depth + 1, k), k, LEVELS[depth])
    return done


def children(leaves: list[Leaf], depth: int) -> list[list[Leaf]]:
    return [list(g) for _, g in groupby(leaves, key=lambda leaf: leaf.path[: depth + 2])]


def released(leaves: list[Leaf], following: tuple[Any, ...] | None, k: int) -> list[Group]:
    groups: list[Group] = []
    for _, month in groupby(leaves, key=lambda leaf: leaf.path[0]):
        inside = list(month)
        if following is not None and inside[0].path[0] == following[0]:
            groups += _told(_certain(inside, following, 0, k), inside, following)
        else:
            groups += [group for group in whole(inside, 0, k) if group.visits >= k]
    return groups


def _told(sure: list[Group], month: list[Leaf], following: tuple[Any, ...]) -> list[Group]:
    """Up to the last group that ends before a unit around it does, which has ended.

    Whoever sees that group sees that the unit was parted: its leaving tells nothing more.
    """
    most = 0
    for number, group in enumerate(sure, start=1):
        first, last = group.leaves[0].path, group.leaves[-1]
        for depth in range(2, len(first)):
            unit = [leaf for leaf in month if leaf.path[:depth] == first[:depth]]
            ended, inside = first[:depth] != following[:depth], last.path[:depth] == first[:depth]
            if ended and inside and last is not unit[-1]:
                most = number
    return sure[:most]
