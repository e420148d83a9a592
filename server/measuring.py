"""What the error of measuring adds to the uncertainty of a curve.

With T the true and M the measured time of a visit, E = M − T its error, independent of T and
of how the visit ended, and F the curves of the share whose event came by a time:

    F_M(x) = mean of F_T(x − E).

The error has moved the curve by F_M(x) − F_T(x) = mean of F_T(x − E) − F_T(x). F_T is not
known; with F_M in its place the right side says how far the same error, once more, would
move the curve: the first step of simulation and extrapolation (Cook and Stefanski, Simulation-
extrapolation estimation in parametric measurement error models, 1994), without simulating.
So F_T(x) is about F_M(x) + `shift`, with

    shift = F_M(x) − mean of F_M(x − E),

at each end of the 95 % interval of the site's bias. Estimates stay where they are; intervals
reach out to both shifts, and never in. For a bias alone, a share moves by the bias times the
curve's slope, and a percentile by the bias; the spread of errors counts where the curve bends.

A visit taken for served (greeted, …) that was not, or the reverse, moves a share by one visit:
the lower bound goes down by the share gained wrongly, the upper one up by the share lost.

What this does not hold: visits that were missed or made up are taken to be like the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Self

from firmware_cfg.accuracy import Accuracy, Misjudged, TimingError
from server.life_table import Z_95, Line

NEVER = Misjudged(0.0, 0.0)


@cache
def _points(one: TimingError, standard_errors: float) -> list[tuple[float, float]]:
    return one.points(standard_errors)


@dataclass(frozen=True, slots=True)
class Off:
    """How far a curve may really be below (`down` ≤ 0) and above (`up` ≥ 0)."""

    down: float
    up: float


@dataclass(frozen=True, slots=True)
class Error:
    """The error of one measure.

    Attributes:
        timing: models of the time's error that may hold; the worst of them counts. None: exact.
        wrong: visits that were taken for what they were not.
    """

    timing: tuple[TimingError, ...] = ()
    wrong: Misjudged = NEVER

    def of_curve(self, line: Line, x_s: float) -> Off:
        """How far the true curve may be from `line` at `x_s`."""
        here = line.at(x_s)
        shifts = [
            here - line.mean_before(x_s, _points(one, z))
            for one in self.timing
            for z in (-Z_95, Z_95)
        ]
        return Off(min(0.0, *shifts, 0.0), max(0.0, *shifts, 0.0))


EXACT = Error()


def worst(several: Iterable[Misjudged]) -> Misjudged:
    """The worst of each.

    >>> worst([Misjudged(0.01, 0.04), Misjudged(0.02, 0.0)])
    Misjudged(lost=0.02, gained=0.04)
    """
    found = list(several)
    return Misjudged(
        max((one.lost for one in found), default=0.0),
        max((one.gained for one in found), default=0.0),
    )


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of all measures of figures that were made together.

    Where the team is small, `abandoned` reads "left unserved": it has the worse of both errors.
    """

    waiting: Error = EXACT
    greeting: Error = EXACT
    interaction: Error = EXACT
    stay: Error = EXACT
    abandoned: Misjudged = NEVER
    flawless: Misjudged = NEVER

    @classmethod
    def of(cls, known: tuple[Accuracy, ...]) -> Self:
        """What several benchmarks' findings come to."""
        return cls(
            waiting=Error(tuple(one.waiting for one in known), worst(o.served for o in known)),
            greeting=Error(tuple(one.greeting for one in known), worst(o.greeted for o in known)),
            interaction=Error(tuple(one.interaction for one in known)),
            stay=Error(tuple(one.visit for one in known)),
            abandoned=worst(each for one in known for each in (one.abandoned, one.served)),
            flawless=worst(one.flawless for one in known),
        )
