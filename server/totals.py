"""A store's total: the union of the released cells of all its points.

A visit belongs to exactly one point, so nobody counts twice. Queues hold the parties that no
counter served; without them a total would forget whoever gave up. The points' cells need not
cover the same time: the total says which point is in it for which time, and which is not. Its
figures make room for what of the queues is not in it (`server.rollups.evenness`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server import queries
from server.amending import rulings_of
from server.figures import Expectations, PointFigures, point_figures
from server.periods import Period, period_of
from server.queries import CoverageRange, PointView, StoreView
from server.rollups.blocks import Subject, read_union
from server.rollups.evenness import NONE, Queues, even, queues_of
from server.suppression import Suppressed
from server.terms import InForce, in_force_in
from server.unions import Union, merged_unions
from server.unseen import Watch, length_ms, unseen


@dataclass(frozen=True, slots=True)
class Part:
    """A point, and the time for which it is in a total."""

    point: PointView
    covered: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class StoreTotal:
    """All points of a store as one.

    Attributes:
        figures: of the union of all cells.
        expectations: those in force at its points.
        k: the strictest threshold in force.
        smallest_k: the mildest: no figure here is about fewer parties.
        parts: the points that are in it, with their time.
        missing: the points that are not, since nothing of theirs was released.
        coverage: bounds of the share of time that was seen, over all points in it.
    """

    figures: PointFigures | Suppressed
    expectations: Expectations
    k: int
    smallest_k: int
    parts: tuple[Part, ...]
    missing: tuple[PointView, ...]
    coverage: CoverageRange | None = None

    @property
    def even(self) -> bool:
        """Whether all points are in it, for the same time."""
        return not self.missing and len({part.covered for part in self.parts}) <= 1


def total_of(
    points: Sequence[tuple[PointView, Union | Suppressed]],
    terms: InForce,
    queues: Queues,
    unseen_ms: int,
) -> StoreTotal:
    """The total of a store's points.

    `terms` are what was in force at them, and `unseen_ms` is how much of their opening time no
    device told of that was to watch.
    """
    unions = [one for _, one in points if isinstance(one, Union)]
    whole = merged_unions(unions) if unions else Suppressed()
    return _total([point for point, _ in points], whole, terms, queues, unseen_ms)


def queues_in(connection: Connection, store: StoreView, asked: Period) -> Queues:
    """A store's queues, watched during a period or not."""
    found = queues_of(connection, store.org_id, [store.store_id], asked)
    return found.get(store.store_id, NONE)


def read_total(
    connection: Connection, store: StoreView, asked: Period, now: datetime
) -> StoreTotal:
    """The total of a store's points over a period."""
    terms = in_force_in(connection, store.org_id, store.store_id, asked)
    points = queries.points(connection, store)
    rulings = rulings_of(connection, store.org_id, store.store_id)
    ids = tuple(one.ref.point_id for one in points)
    subject = Subject(store.org_id, store.store_id, ids, store.time, rulings)
    whole = read_union(connection, subject, asked)
    watch = Watch(store.org_id, ids, store.time, rulings)
    lacking = unseen(connection, watch, asked, now).values()
    unseen_ms = sum(map(length_ms, lacking))
    return _total(points, whole, terms, queues_in(connection, store, asked), unseen_ms)


def _total(
    points: Sequence[PointView],
    whole: Union | Suppressed,
    terms: InForce,
    queues: Queues,
    unseen_ms: int,
) -> StoreTotal:
    if isinstance(whole, Suppressed):
        told = terms.throughout
        return StoreTotal(whole, told.expectations, told.k, told.k, (), tuple(points))
    covered = {one: whole.covered_of(one.ref.point_id) for one in points}
    expectations = terms.during(*whole.covered_periods).expectations
    return StoreTotal(
        figures=point_figures(even(whole, queues), expectations),
        expectations=expectations,
        k=whole.k,
        smallest_k=whole.smallest_k,
        parts=tuple(
            Part(one, tuple(map(period_of, spans))) for one, spans in covered.items() if spans
        ),
        missing=tuple(one for one, spans in covered.items() if not spans),
        coverage=queries.coverage_of(whole.seen, unseen_ms),
    )
