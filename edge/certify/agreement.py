"""How far two accounts of the same thing differ: formulas with their sources."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its Wilson interval, all in [0, 1]."""

    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.count / self.of if self.of else math.nan


@dataclass(frozen=True, slots=True)
class Agreement:
    """Errors of a duration, device minus observer, seconds.

    Attributes:
        bias_s: mean error; `bias_low_s` … `bias_high_s` its 95 % confidence interval.
        sd_s: standard deviation of the errors, n − 1 below the line.
        abs_p90_s: nine in ten errors are no larger than this, either way.
        limits_low_s, limits_high_s: limits of agreement: about 95 % of errors lie between.
    """

    pairs: int
    bias_s: float
    bias_low_s: float
    bias_high_s: float
    sd_s: float
    abs_p90_s: float
    limits_low_s: float
    limits_high_s: float


def wilson(count: int, of: int) -> Share:
    """A share with its 95 % interval (E. B. Wilson, JASA 22, 1927, 209–212).

    >>> share = wilson(28, 30)
    >>> round(share.low, 3), round(share.high, 3)
    (0.787, 0.982)
    """
    if not of:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = count / of, Z_95**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 * math.sqrt(p * (1 - p) / of + z2 / (4 * of**2)) / (1 + z2 / of)
    return Share(count, of, max(0.0, middle - half), min(1.0, middle + half))


def agreement(errors_s: Sequence[float]) -> Agreement:
    """Bias, spread and limits of agreement of at least two errors.

    Limits: bias ± 1.96 standard deviations (J. M. Bland and D. G. Altman, Lancet 327, 1986,
    307–310). The bias's interval is Student's: bias ± t · sd / √n.

    Raises:
        ValueError: fewer than two errors.

    >>> found = agreement([1.0, 2.0, 3.0])
    >>> found.bias_s, found.sd_s, round(found.limits_high_s, 2)
    (2.0, 1.0, 3.96)
    """
    errors = np.asarray(errors_s, float)
    if len(errors) < 2:
        raise ValueError(f"expected at least two errors, found {len(errors)}")
    bias_s, sd_s = float(errors.mean()), float(errors.std(ddof=1))
    half_s = t_95(len(errors) - 1) * sd_s / math.sqrt(len(errors))
    return Agreement(
        pairs=len(errors),
        bias_s=bias_s,
        bias_low_s=bias_s - half_s,
        bias_high_s=bias_s + half_s,
        sd_s=sd_s,
        abs_p90_s=float(np.quantile(np.abs(errors), 0.9)),
        limits_low_s=bias_s - 1.96 * sd_s,
        limits_high_s=bias_s + 1.96 * sd_s,
    )


def t_95(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, to 0.001 from five degrees of freedom on.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.

    >>> [round(t_95(n), 2) for n in (9, 29, 1000)]
    [2.26, 2.05, 1.96]
    """
    z, n = Z_95, degrees
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / n**power for power, term in enumerate(terms, 1))
