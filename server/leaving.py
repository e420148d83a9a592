"""How a queue was left. A queue's visits are, by definition, parties that no counter served.

A party that was served belongs to the counter that served it; so the share served of a queue
is 0 whatever happens there, and says nothing. What a queue can tell is how many left from it,
and how long they had stayed.
"""

from dataclasses import dataclass

from server.figures import MEDIAN, P90, errors_of
from server.periods import Period
from server.statistics import Quantile
from server.suppression import Released, Suppressed, count_shown
from server.unions import Counts, counts_of, merged, quantile_shown


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who left a queue unserved, over the whole cells inside a period.

    Attributes:
        covered: the time that the cells cover, and so that of `left`.
        left: parties that left, in steps of 5 % of the visits below 50 visits, else of 1 %:
            those there at the end of a window are not among them.
        stay_covered: the time of the cells that are in the figures of the stay.
        stay_counts: what these figures rest on; none: suppressed.
        stay_median: how long half of them stayed before they left.
        stay_p90: how long nine in ten stayed at most.
    """

    covered: tuple[Period, ...]
    left: int | Suppressed
    stay_covered: tuple[Period, ...]
    stay_counts: Counts | None
    stay_median: Quantile | Suppressed
    stay_p90: Quantile | Suppressed


def leaving(released: Released | Suppressed) -> Leaving | None:
    """How the queue of these cells was left; none where nothing was released."""
    if isinstance(released, Suppressed):
        return None
    left = sum(one.abandoned + one.greeted_only + one.passed for one in released.cells)
    stayed = released.with_base(lambda one: one.stay.total())
    covered: tuple[Period, ...] = ()
    counts: Counts | None = None
    median: Quantile | Suppressed = Suppressed()
    p90: Quantile | Suppressed = Suppressed()
    if isinstance(stayed, Released):
        stay = merged([one.stay for one in stayed.cells])
        covered = stayed.covered
        counts, error = counts_of(stay, stayed), errors_of(stayed.cells).stay
        median, p90 = (quantile_shown(stay, q, stayed.k, error) for q in (MEDIAN, P90))
    return Leaving(
        covered=released.covered,
        left=count_shown(left, sum(one.visits for one in released.cells), released.k),
        stay_covered=covered,
        stay_counts=counts,
        stay_median=median,
        stay_p90=p90,
    )
