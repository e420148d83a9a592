"""The course of a point through a period: its released cells, each alone, and the gaps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from threading import Lock
from uuid import UUID

from sqlalchemy import Connection

from server import statistics
from server.amending import Kind, Rulings
from server.figures import (
    MEDIAN,
    Certainty,
    Expectations,
    PointFigures,
    certainty_of_seconds,
    errors_with,
    point_figures,
    quantile_shown,
)
from server.periods import Period, intersect, subtract, union
from server.queries import CoverageRange
from server.released_cell import ReleasedCell
from server.statistics import Quantile, Share
from server.suppression import PointRef, Suppressed, cell_times, shown
from server.unions import milliseconds, union_of

LONGEST_COURSE = timedelta(days=35, hours=1)
SETTLES_AFTER = timedelta(hours=2)


class Gap(StrEnum):
    """Why a stretch of opening time has no figures."""

    SUPPRESSED = "suppressed"
    PENDING = "pending"
    NOTHING_RECEIVED = "nothing_received"
    OUTSIDE = "outside"
    VOIDED = "voided"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class SpokenFor:
    """Time of a point about which more is known than what came.

    Attributes:
        cells: of the cells that count under it and meet the period.
        voided: what an amendment took out of the figures.
        trial: before the store was confirmed.
    """

    cells: tuple[Period, ...] = ()
    voided: tuple[Period, ...] = ()
    trial: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """The few figures of one cell that a chart and its table show.

    `time` is the median wait at a service point, and at a queue the median stay of those who
    left; a queue has no share served.
    """

    visits: int
    time: Quantile | Suppressed
    served_within: Share | Suppressed | None
    left_unserved: Share | Suppressed
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Step:
    """One released cell of a course, or a gap in it; `coverage` is of the cell's time."""

    period: Period
    cell: ReleasedCell | None = None
    gap: Gap | None = None
    expectations: Expectations = field(default_factory=Expectations)
    is_queue: bool = False
    coverage: CoverageRange | None = None

    @property
    def brief(self) -> Brief | None:
        """What chart and table show of the cell; none for a gap."""
        return None if self.cell is None else _brief_of(self._asked(self.cell))

    @property
    def figures(self) -> PointFigures | Suppressed:
        """All figures of the cell."""
        return Suppressed() if self.cell is None else _figures_of(self._asked(self.cell))

    def _asked(self, cell: ReleasedCell) -> "_Asked":
        return _Asked(cell.cell_id, self.expectations, self.is_queue, cell)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A cell and what is asked of it; cells never change, so their id stands for them."""

    cell_id: UUID
    expectations: Expectations
    is_queue: bool
    cell: ReleasedCell = field(compare=False)


@dataclass(slots=True)
class _Kept:
    """The briefs made last, without the cells that they are of: those are ten times as large."""

    most: int
    found: dict[tuple[UUID, Expectations, bool], Brief] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, asked: _Asked) -> Brief:
        """The brief of a cell, made if it is not there."""
        key = (asked.cell_id, asked.expectations, asked.is_queue)
        brief = self.found.get(key)
        if brief is None:
            brief = _made(asked)
            with self.lock:
                self.found[key] = brief
                while len(self.found) > self.most:
                    del self.found[next(iter(self.found))]
        return brief


def _made(asked: _Asked) -> Brief:
    one = asked.cell
    made_with = one.comparability
    errors = errors_with(frozenset([(made_with.definition_version, made_with.model)]))
    _, serve_s = asked.expectations.limits_s
    served = None
    if not asked.is_queue and serve_s is not None:
        served = statistics.share_within(one.waiting, serve_s, errors.waiting)
    left = statistics.proportion(one.left_unserved, one.closed, errors.unserved)
    length, error = (one.stay, errors.stay) if asked.is_queue else (one.waiting, errors.waiting)
    seconds = (one.observed_s, one.bridged_s, one.unknown_s)
    return Brief(
        visits=one.visits,
        time=quantile_shown(length, MEDIAN, one.k, error),
        served_within=None if asked.is_queue else shown(served, one.visits, one.k),
        left_unserved=shown(left, one.visits, one.k),
        certainty=certainty_of_seconds(*(milliseconds(each) / 1000 for each in seconds)),
    )


_brief_of = _Kept(most=32_768)


@lru_cache(maxsize=1024)
def _figures_of(asked: _Asked) -> PointFigures | Suppressed:
    return point_figures(union_of(asked.cell), asked.expectations)


def spoken_for(
    connection: Connection, point: PointRef, rulings: Rulings, asked: Period
) -> SpokenFor:
    """What is known about a point's time inside `asked`."""
    times = cell_times(connection, point, rulings, asked)
    confirmed = rulings.confirmed_at
    trial = confirmed is not None and asked.start < confirmed
    voids = [
        one.period
        for one in rulings.amendments
        if one.kind is Kind.VOID and one.is_about(point.point_id) and one.period.meets(asked)
    ]
    under = [rulings.counts_under(own, period) for own, period in times]
    voids += [
        period
        for (own, period), at in zip(times, under, strict=True)
        if at is None
        and rulings.point_of(own, period) == point.point_id
        and rulings.void_of(own, period) is not None
    ]
    counted = [period for (_, period), at in zip(times, under, strict=True) if at == point.point_id]
    return SpokenFor(
        cells=tuple(counted),
        voided=tuple(union(voids)),
        trial=(Period(asked.start, confirmed),) if trial and confirmed is not None else (),
    )


def gaps(
    opening: Sequence[Period],
    asked: Period,
    now: datetime,
    taken: SpokenFor,
    received: Sequence[Period],
) -> list[Step]:
    """Opening time without a cell inside the period: why, as far as the server knows.

    Args:
        opening: when the store is open inside `asked`.
        asked: the period.
        now: the present.
        taken: what is known beside the windows.
        received: the windows that came.
    """
    outside = [one for one in taken.cells if one.start < asked.start or one.end > asked.end]
    bare = subtract(opening, taken.cells)
    trial = intersect(bare, taken.trial)
    voided = intersect(subtract(bare, taken.trial), taken.voided)
    left = subtract(bare, [*trial, *voided])
    settled = now - SETTLES_AFTER
    recent = [Period(settled, asked.end)] if settled < asked.end else []
    past = subtract(left, recent)
    known = union(received)
    found = {
        Gap.OUTSIDE: intersect(opening, outside),
        Gap.PENDING: intersect(left, recent),
        Gap.SUPPRESSED: intersect(past, known),
        Gap.NOTHING_RECEIVED: subtract(past, known),
        Gap.VOIDED: voided,
        Gap.TRIAL: trial,
    }
    return [Step(one, gap=gap) for gap, periods in found.items() for one in periods]
