"""How a queue was left. A queue's visits are, by definition, parties that no counter served.

A party that was served belongs to the counter that served it; so the share served of a queue
is 0 whatever happens there, and says nothing. What a queue can tell is how many left from it,
and how long they had stayed.
"""

from dataclasses import dataclass

from server.figures import MEDIAN, P90, counts_of, errors_of, quantile_shown
from server.periods import Period, period_of
from server.statistics import Quantile
from server.suppression import Suppressed, count_shown, reached
from server.unions import Counts, Measure, Part, Union


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who left a queue unserved, over the whole cells inside a period.

    Attributes:
        covered: the time of the cells that are in `left`; of all where that is suppressed.
        left: parties that left unserved, in steps of 5 % of the visits below 50 visits, else of
            1 %. Who only had a look, or was there when a window closed, is not among them.
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


def leaving(union: Union | Suppressed) -> Leaving | None:
    """How the queue of these cells was left; none where nothing was released."""
    if isinstance(union, Suppressed):
        return None
    gone, stayed = reached(union, Measure.LEFT), reached(union, Measure.STAY)
    covered = union.covered_periods
    if isinstance(gone, Suppressed):
        left: int | Suppressed = gone
    else:
        left = count_shown(gone.counts[0], gone.visits, gone.k)
        covered = _periods(gone)
    if isinstance(stayed, Suppressed) or stayed.times is None:
        nothing = stayed if isinstance(stayed, Suppressed) else Suppressed()
        return Leaving(covered, left, (), None, nothing, nothing)
    error = errors_of(union).stay
    median, p90 = (quantile_shown(stayed.times, q, stayed.k, error) for q in (MEDIAN, P90))
    return Leaving(
        covered=covered,
        left=left,
        stay_covered=_periods(stayed),
        stay_counts=counts_of(stayed.times, stayed.visits),
        stay_median=median,
        stay_p90=p90,
    )


def _periods(part: Part) -> tuple[Period, ...]:
    return tuple(map(period_of, part.covered))
