"""What the error of measuring adds to the uncertainty of a curve.

With T the true and M the measured time of a visit, E = M − T its error, independent of T and
of how the visit ended, and F the curves of the share whose event came by a time:

    F_M(x) = mean of F_T(x − E).

The error has moved the curve by F_M(x) − F_T(x) = mean of F_T(x − E) − F_T(x). F_T is not
known; with F_M in its place the right side says how far the same error, once more, would
move the curve: the first step of simulation and extrapolation (Cook and Stefanski, Simulation-
extrapolation estimation in parametric measurement error models, 1994), without simulating.
So F_T(x) is about F_M(x) + `shift`, with

    shift = F_M(x) − mean of F_M(x − E).

Estimates stay where they are; intervals reach out to the shift, and never in. The site's own
bias, which is not known, adds the standard deviation of the shift that comes of it. For a bias
alone, a share moves by the bias times the curve's slope, and a percentile by the bias; the
spread of errors counts where the curve bends.

A visit taken for served (greeted, …) that was not, or the reverse, moves a share by one visit.
Both together move it by lost − gained: a shift, like the one above. How far they cancel at one
site is not known: by as much as the smaller of the two, either way.

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
    """How far an estimate may be off for errors of measuring.

    Attributes:
        down, up: where the shift is to, below (≤ 0) or above (≥ 0).
        variance: what is not known of the shift.
    """

    down: float = 0.0
    up: float = 0.0
    variance: float = 0.0

    def __add__(self, other: "Off") -> "Off":
        """Both, independent of each other."""
        variance = self.variance + other.variance
        return Off(self.down + other.down, self.up + other.up, variance)

    def times(self, weight: float) -> "Off":
        """What becomes of it where every visit weighs so much."""
        return Off(self.down * weight, self.up * weight, self.variance * weight**2)


def off_by(shift: float, variance: float = 0.0) -> Off:
    """A known shift, not corrected for, and what is not known of it."""
    return Off(min(0.0, shift), max(0.0, shift), variance)


def between(low: float, high: float) -> float:
    """Variance of what may be anywhere between two bounds.

    Source: Guide to the expression of uncertainty in measurement (JCGM 100:2008), 4.3.7.
    """
    return (high - low) ** 2 / 12


def of_misjudged(wrong: Misjudged) -> Off:
    """How far a share of visits may be off for those misjudged."""
    cancel = min(wrong.lost, wrong.gained)
    return off_by(wrong.lost - wrong.gained, between(-cancel, cancel))


@dataclass(frozen=True, slots=True)
class Error:
    """The error of one measure.

    Attributes:
        timing: models of the time's error that may hold; the worst of them counts. None: exact.
        wrong: visits that were taken for what they were not.
        unreached: of the visits that it is about, the share that is not in it, at most.
    """

    timing: tuple[TimingError, ...] = ()
    wrong: Misjudged = NEVER
    unreached: float = 0.0

    def of_visits(self) -> Off:
        """How far a share of visits may be off for those that are wrong, or not in it."""
        return of_misjudged(self.wrong) + Off(variance=between(0.0, self.unreached))

    def of_curve(self, line: Line, x_s: float) -> Off:
        """How far the true curve may be from `line` at `x_s`, for errors of time."""
        here, found = line.at(x_s), Off()
        for one in self.timing:
            low, middle, high = (
                here - line.mean_before(x_s, _points(one, z)) for z in (-Z_95, 0.0, Z_95)
            )
            variance = ((high - low) / (2 * Z_95)) ** 2
            found = Off(
                min(found.down, middle), max(found.up, middle), max(found.variance, variance)
            )
        return found


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

    `unserved` is that of leaving unserved: who was served and not found to be, or the reverse.
    """

    waiting: Error = EXACT
    greeting: Error = EXACT
    interaction: Error = EXACT
    stay: Error = EXACT
    abandoned: Misjudged = NEVER
    unserved: Misjudged = NEVER
    flawless: Misjudged = NEVER

    @classmethod
    def of(cls, known: tuple[Accuracy, ...]) -> Self:
        """What several benchmarks' findings come to."""
        return cls(
            waiting=Error(tuple(one.waiting for one in known), worst(o.served for o in known)),
            greeting=Error(tuple(one.greeting for one in known), worst(o.greeted for o in known)),
            interaction=Error(tuple(one.interaction for one in known)),
            stay=Error(tuple(one.visit for one in known)),
            abandoned=worst(one.abandoned for one in known),
            unserved=worst(Misjudged(one.served.gained, one.served.lost) for one in known),
            flawless=worst(one.flawless for one in known),
        )
