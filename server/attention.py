"""Where to look first: the point that clearly serves worst, and queues that people left.

A service point is named only where its share served in time is surely below the best one's:
their 95 % intervals do not meet. A queue is never blamed for serving nobody; it is named where
at least one in twenty of the store's visits ended there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.answers import PointAnswer
from server.figures import PointFigures
from server.statistics import Share
from server.totals import StoreTotal

NOTEWORTHY = 0.05


@dataclass(frozen=True, slots=True)
class Slow:
    """A service point with clearly fewer served in time than another."""

    answer: PointAnswer
    share: Share


@dataclass(frozen=True, slots=True)
class Attention:
    """What deserves the first look."""

    slow: Slow | None
    left_queues: tuple[PointAnswer, ...]

    def __bool__(self) -> bool:
        return self.slow is not None or bool(self.left_queues)


def attention(answers: Sequence[PointAnswer], total: StoreTotal) -> Attention:
    """What stands out among a store's points."""
    visits = total.figures.visits if isinstance(total.figures, PointFigures) else 0
    queues = [
        one
        for one in answers
        if one.leaving is not None
        and isinstance(one.leaving.left, int)
        and one.leaving.left >= NOTEWORTHY * visits
    ]
    return Attention(_slowest(answers), tuple(queues))


def _slowest(answers: Sequence[PointAnswer]) -> Slow | None:
    found = [
        Slow(one, one.figures.served_within)
        for one in answers
        if not one.point.is_queue
        and isinstance(one.figures, PointFigures)
        and isinstance(one.figures.served_within, Share)
    ]
    if not found:
        return None
    worst = min(found, key=lambda slow: slow.share.value)
    best = max(found, key=lambda slow: slow.share.value)
    return worst if worst.share.high < best.share.low else None
