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

from server import queries
from server.figures import Expectations, PointFigures, point_figures
from server.periods import Period
from server.queries import PointView, StoreView
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
    """A point, and its released cells inside the period."""

    point: PointView
    released: Released | Suppressed

    @property
    def covered(self) -> tuple[Period, ...]:
        """The time for which it is in the total."""
        return self.released.covered if isinstance(self.released, Released) else ()


@dataclass(frozen=True, slots=True)
class StoreTotal:
    """All points of a store as one.

    Attributes:
        figures: of the union of all cells.
        k: the strictest threshold in force.
        parts: the points that are in it, with their time.
        missing: the points that are not, since nothing of theirs was released.
    """

    figures: PointFigures | Suppressed
    k: int
    parts: tuple[Part, ...]
    missing: tuple[PointView, ...]

    @property
    def even(self) -> bool:
        """Whether all points are in it, for the same time."""
        return not self.missing and len({part.covered for part in self.parts}) <= 1


def total_of(parts: Sequence[Part], expectations: Expectations, k: int) -> StoreTotal:
    """The total of a store's points; `k` where nothing was released."""
    whole = together([one.released for one in parts])
    return StoreTotal(
        figures=point_figures(whole, expectations),
        k=whole.k if isinstance(whole, Released) else k,
        parts=tuple(one for one in parts if one.covered),
        missing=tuple(one.point for one in parts if not one.covered),
    )


def read_total(
    connection: Connection,
    of: StoreView,
    asked: Period,
    expectations: Expectations | None = None,
) -> StoreTotal:
    """The total of a store over a period."""
    points = queries.points(connection, of)
    terms = [queries.terms_of(connection, one.ref, asked) for one in points]
    parts = [Part(one, read_released(connection, one.ref, asked)) for one in points]
    default = terms[0].expectations if terms else Expectations()
    k = max((one.k for one in terms), default=queries.Terms().k)
    return total_of(parts, expectations or default, k)


@dataclass(slots=True)
class Totals:
    """Totals that were asked for before.

    Cells are immutable and only ever added, so their number inside a period tells whether a
    total still holds; labels and expectations are looked up anew by whoever changes them.
    """

    _kept: OrderedDict[tuple[UUID, UUID, Period], tuple[tuple[object, ...], StoreTotal]] = field(
        default_factory=OrderedDict
    )
    _lock: Lock = field(default_factory=Lock)

    def of(self, connection: Connection, store: StoreView, asked: Period) -> StoreTotal:
        """The total of `store`, from memory if nothing was added to it."""
        points = queries.points(connection, store)
        ids = [one.ref.point_id for one in points]
        count = count_released(connection, store.org_id, ids, asked)
        terms = [queries.terms_of(connection, one.ref, asked) for one in points]
        state = (count, *points, *terms)
        key = (store.org_id, store.store_id, asked)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found[0] == state:
            return found[1]
        total = read_total(connection, store, asked)
        with self._lock:
            self._kept[key] = (state, total)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return total
