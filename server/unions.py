"""For each figure the union of the cells that may be in it, its time and its counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from firmware_cfg.accuracy import Misjudged
from firmware_cfg.histogram import Fate, Histogram
from server import statistics
from server.measuring import EXACT, Error
from server.periods import Period
from server.statistics import Quantile, Share
from server.suppression import (
    Released,
    ReleasedCell,
    Suppressed,
    part_shown,
    shown,
    step_for,
    stepped,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a figure rests on, in steps of 5 % of the visits below 50, else of 1 %.

    Attributes:
        of: visits that are in it.
        left: of these, those who left before the event; none where that is no part of it.
        censored: of these, those whose seeing ended before.
    """

    of: int
    left: int | None = None
    censored: int | None = None


@dataclass(slots=True)
class Unions:
    """The unions of one answer's figures, by name: their time, and their counts."""

    released: Released
    covers: dict[str, tuple[Period, ...]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)

    def within(
        self, name: str, of: Callable[[ReleasedCell], Histogram], limit_s: float, error: Error
    ) -> Share | Suppressed:
        """The share whose event came within `limit_s`."""
        found = self._with_base(name, lambda one: of(one).total())
        if isinstance(found, Suppressed):
            return found
        whole = merged([of(one) for one in found.cells])
        self.counts[name] = counts_of(whole, found)
        return shown(statistics.share_within(whole, limit_s, error), _visits(found), found.k)

    def rate(
        self,
        name: str,
        count: Callable[[ReleasedCell], int],
        base: Callable[[ReleasedCell], int],
        wrong: Misjudged,
    ) -> Share | Suppressed:
        """A plain share."""
        found = self._with_base(name, base)
        if isinstance(found, Suppressed):
            return found
        total, visits = sum(map(base, found.cells)), _visits(found)
        self.counts[name] = Counts(part_shown(total, visits))
        share = statistics.proportion(sum(map(count, found.cells)), total, wrong)
        return shown(share, visits, found.k)

    def quantile(
        self, name: str, of: Callable[[ReleasedCell], Histogram], q: float, error: Error
    ) -> Quantile | Suppressed:
        """A percentile."""
        found = self._with_base(name, lambda one: of(one).total())
        if isinstance(found, Suppressed):
            return found
        whole = merged([of(one) for one in found.cells])
        self.counts[name] = counts_of(whole, found)
        return quantile_shown(whole, q, found.k, error)

    def attended(self, name: str) -> float | Suppressed:
        """Of the time with a party present, the share with staff present too."""
        found = self._with_base(name, _visits_with_presence)
        if isinstance(found, Suppressed):
            return found
        self.counts[name] = Counts(_visits(found))
        staff = [one.staff for one in found.cells if one.staff is not None]
        share = sum(one.attended_s for one in staff) / sum(one.present_s for one in staff)
        return stepped(min(1.0, share), step_for(_visits(found)))

    def _with_base(self, name: str, base: Callable[[ReleasedCell], int]) -> Released | Suppressed:
        found = self.released.with_base(base)
        self.covers[name] = found.covered if isinstance(found, Released) else ()
        return found


def _visits_with_presence(one: ReleasedCell) -> int:
    return one.visits if one.staff is not None and one.staff.present_s > 0 else 0


def _visits(released: Released) -> int:
    return sum(one.visits for one in released.cells)


def counts_of(whole: Histogram, released: Released) -> Counts:
    """The counts of a histogram that merges those of `released`."""
    visits = _visits(released)
    parts = (whole.total(), whole.total(Fate.LEFT), whole.total(Fate.CENSORED))
    return Counts(*(part_shown(part, visits) for part in parts))


def quantile_shown(
    histogram: Histogram, q: float, k: int, error: Error = EXACT
) -> Quantile | Suppressed:
    """A percentile as it may be shown: suppressed below k."""
    found = statistics.quantile(histogram, q, error)
    return Suppressed() if found is None or found.base < k else found


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """The sum of histograms, at the coarsest scale among them; at least one."""
    scale = min(one.scale for one in histograms)
    counts: dict[Fate, Counter[int]] = {}
    for one in histograms:
        shift = one.scale - scale
        for fate, buckets in one.counts.items():
            into = counts.setdefault(fate, Counter())
            for index, count in buckets.items():
                into[index >> shift] += count
    return Histogram(scale, {fate: dict(sorted(found.items())) for fate, found in counts.items()})
