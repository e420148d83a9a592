"""A store's total: the union of the released cells of all its points.

A visit belongs to exactly one point, so nobody counts twice. Queues hold the parties that no
counter served; without them a total would forget whoever gave up. The points' cells need not
cover the same time: the total says which point is in it for which time, and which is not.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from sqlalchemy import Connection

from firmware_cfg.messages import Coverage
from server import queries
from server.figures import PointFigures, point_figures
from server.periods import Period
from server.queries import CoverageRange, PointView, StoreView, Terms
from server.suppression import (
    Released,
    Suppressed,
    count_released,
    read_released,
    together,
)

REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A point, the time for which it is in a total, and the windows that came about it."""

    point: PointView
    covered: tuple[Period, ...]
    received: tuple[tuple[Period, Coverage], ...] = ()


@dataclass(frozen=True, slots=True)
class StoreTotal:
    """All points of a store as one.

    Attributes:
        figures: of the union of all cells.
        k: the strictest threshold in force.
        smallest_k: the mildest: no figure here is about fewer parties.
        parts: the points that are in it, with their time.
        missing: the points that are not, since nothing of theirs was released.
    """

    figures: PointFigures | Suppressed
    k: int
    smallest_k: int
    parts: tuple[Part, ...]
    missing: tuple[PointView, ...]

    @property
    def coverage(self) -> CoverageRange | None:
        """Bounds of the share of time that was seen, over all points in it."""
        return queries.coverage_range([one for part in self.parts for one in part.received])

    @property
    def even(self) -> bool:
        """Whether all points are in it, for the same time."""
        return not self.missing and len({part.covered for part in self.parts}) <= 1


def total_of(
    connection: Connection,
    points: Sequence[tuple[PointView, Released | Suppressed]],
    asked: Period,
    terms: Terms,
) -> StoreTotal:
    """The total of a store's points; `terms` are what the store's devices report."""
    whole = together([released for _, released in points])
    return StoreTotal(
        figures=point_figures(whole, terms.expectations),
        k=whole.k if isinstance(whole, Released) else terms.k,
        smallest_k=whole.smallest_k if isinstance(whole, Released) else terms.k,
        parts=tuple(
            _part(connection, point, released, asked)
            for point, released in points
            if isinstance(released, Released)
        ),
        missing=tuple(p for p, r in points if isinstance(r, Suppressed)),
    )


def _part(connection: Connection, point: PointView, released: Released, asked: Period) -> Part:
    received = queries.windows_received(connection, point.ref, asked)
    covered = released.covered
    return Part(point, covered, tuple(queries.windows_in(received, covered)))


def read_total(
    connection: Connection, points: Sequence[PointView], asked: Period, terms: Terms
) -> StoreTotal:
    """The total of a store's points over a period."""
    released = [(one, read_released(connection, one.ref, asked)) for one in points]
    return total_of(connection, released, asked, terms)


@dataclass(slots=True)
class Totals:
    """Totals that were asked for before.

    Cells are immutable and only ever added, so their number inside a period tells, beside the
    points' labels and the devices' terms, whether a total still holds.
    """

    _kept: OrderedDict[tuple[UUID, UUID, Period], tuple[tuple[object, ...], StoreTotal]] = field(
        default_factory=OrderedDict
    )
    _lock: Lock = field(default_factory=Lock)

    def of(
        self, connection: Connection, store: StoreView, asked: Period, terms: Terms
    ) -> StoreTotal:
        """The total of `store`, from memory if nothing was added to it."""
        points = queries.points(connection, store)
        ids = [one.ref.point_id for one in points]
        count = count_released(connection, store.org_id, ids, asked)
        state = (count, terms, *points)
        key = (store.org_id, store.store_id, asked)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found[0] == state:
            return found[1]
        total = read_total(connection, points, asked, terms)
        with self._lock:
            self._kept[key] = (state, total)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return total
