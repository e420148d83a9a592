"""How far the measurement of one visit may be from the truth: a model, fitted on a benchmark.

An error is measured minus true, in seconds: positive where too long was measured. At one site
the error of a visit is, with probability

* `1 − long_share − short_share`: normal around the site's own bias, with `core_sd_s`;
* `long_share`: a gross error. It lies `CORE_SDS` × `core_sd_s` above the site's bias, and
  beyond that as far as an exponential of mean `long_s` says;
* `short_share`: the same below, with mean `short_s`.

A site's bias is normal around `bias_s`, with the standard error `bias_se_s`: cameras differ
more than the mean over many visits lets one hope. The model is Tukey's contaminated normal
(A survey of sampling from contaminated distributions, 1960), with one gross component a side.

Next to times, a visit may be missed, made up, or taken for what it was not: `Accuracy` has
these rates. Its entries are written by `python tests/bench/error_model.py FILE`, from the
benchmark's errors; an entry stands for one `definition_version` and one person detector.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

CORE_SDS = 3.0
NORMAL_POINTS = ((0.0, 2 / 3), (math.sqrt(3), 1 / 6), (-math.sqrt(3), 1 / 6))
EXPONENTIAL_POINTS = (
    (0.4157745568, 0.7110930099),
    (2.2942803603, 0.2785177336),
    (6.2899450829, 0.0103892565),
)


@dataclass(frozen=True, slots=True)
class TimingError:
    """The error of one measure of one visit.

    Attributes:
        bias_s: centre of the core.
        bias_se_s: standard error of the bias at one site.
        core_sd_s: standard deviation of the core at one site, more than 0.
        long_share: share of visits with a gross error that is too long.
        long_s: mean of what such an error is beyond the core.
        short_share: share of visits with a gross error that is too short.
        short_s: mean of what such an error is beyond the core.
        visits: errors that the model was fitted to.
    """

    bias_s: float
    bias_se_s: float
    core_sd_s: float
    long_share: float
    long_s: float
    short_share: float
    short_s: float
    visits: int

    def points(self, standard_errors: float = 0.0) -> list[tuple[float, float]]:
        """(error in seconds, weight) of points that stand for the distribution of errors.

        Gaussian quadrature with three points a component: exact for means of polynomials of
        degree 5 (Abramowitz and Stegun, Handbook of Mathematical Functions, 25.4.45, 25.4.46).

        Args:
            standard_errors: how many of them the site's bias is off `bias_s`.

        >>> exact = TimingError(0.5, 0.1, 1.0, 0.0, 0.0, 0.0, 0.0, 100)
        >>> [(round(error_s, 2), round(weight, 3)) for error_s, weight in exact.points()]
        [(0.5, 0.667), (2.23, 0.167), (-1.23, 0.167)]
        """
        bias_s = self.bias_s + standard_errors * self.bias_se_s
        core = 1 - self.long_share - self.short_share
        found = [(bias_s + z * self.core_sd_s, core * weight) for z, weight in NORMAL_POINTS]
        edge_s = CORE_SDS * self.core_sd_s
        for sign, share, mean_s in (
            (1, self.long_share, self.long_s),
            (-1, self.short_share, self.short_s),
        ):
            if share > 0:
                found += [
                    (bias_s + sign * (edge_s + x * mean_s), share * weight)
                    for x, weight in EXPONENTIAL_POINTS
                ]
        return found


@dataclass(frozen=True, slots=True)
class Misjudged:
    """Shares of visits, both found and true, that were taken for what they were not.

    Attributes:
        lost: of all, those that are it (served, …) and were not found to be.
        gained: of all, those that were found to be it and are not.
    """

    lost: float
    gained: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a benchmark found of one set of definitions with one person detector.

    Attributes:
        definition_version: as in a window message.
        model: the person detector, as in a window message.
        source: the command that measured it, and when.
        visits: true visits of the benchmark.
        missed: of true visits, the share that was not found.
        false: of visits found, the share that was none.
        served, greeted, abandoned: visits misjudged to be so, or not to be.
        flawless: the same, of visits judged.
        waiting, greeting, interaction, visit: errors of the four durations.
    """

    definition_version: int
    model: str
    source: str
    visits: int
    missed: float
    false: float
    served: Misjudged
    greeted: Misjudged
    abandoned: Misjudged
    flawless: Misjudged
    waiting: TimingError
    greeting: TimingError
    interaction: TimingError
    visit: TimingError


def accuracies_of(made_with: Iterable[tuple[int, str]]) -> tuple[Accuracy, ...]:
    """What is known of figures made with these (definition version, detector).

    One that no benchmark has measured could be any: then all entries are returned, and
    `is_measured` says that it was not.
    """
    asked = set(made_with)
    found = tuple(one for one in MEASURED if (one.definition_version, one.model) in asked)
    return found if len(found) == len(asked) else MEASURED


def is_measured(made_with: Iterable[tuple[int, str]]) -> bool:
    """Whether the benchmark has measured each of these (definition version, detector).

    >>> is_measured([(1, "nanodet-288x512-int8")]), is_measured([(1, "another")])
    (True, False)
    """
    return set(made_with) <= {(one.definition_version, one.model) for one in MEASURED}


# What tests/bench/error_model.py makes of the benchmark's errors; never edited by hand.
MEASURED: tuple[Accuracy, ...] = (
    Accuracy(
        definition_version=1,
        model="nanodet-288x512-int8",
        source="tests/bench/bench_encounters.py --seeds 101-105",
        visits=3945,
        missed=0.076,
        false=0.0853,
        served=Misjudged(lost=0.0787, gained=0.0145),
        greeted=Misjudged(lost=0.0562, gained=0.0206),
        abandoned=Misjudged(lost=0.0187, gained=0.0546),
        flawless=Misjudged(lost=0.0326, gained=0.0337),
        waiting=TimingError(
            bias_s=-0.0,
            bias_se_s=0.104,
            core_sd_s=0.151,
            long_share=0.1408,
            long_s=12.36,
            short_share=0.1069,
            short_s=17.68,
            visits=2770,
        ),
        greeting=TimingError(
            bias_s=-0.006,
            bias_se_s=0.104,
            core_sd_s=0.163,
            long_share=0.1345,
            long_s=12.3,
            short_share=0.1341,
            short_s=19.34,
            visits=2863,
        ),
        interaction=TimingError(
            bias_s=-0.121,
            bias_se_s=0.653,
            core_sd_s=0.307,
            long_share=0.1248,
            long_s=10.15,
            short_share=0.2264,
            short_s=10.41,
            visits=2876,
        ),
        visit=TimingError(
            bias_s=-0.024,
            bias_se_s=0.041,
            core_sd_s=0.156,
            long_share=0.1303,
            long_s=19.09,
            short_share=0.1743,
            short_s=10.69,
            visits=3460,
        ),
    ),
)
