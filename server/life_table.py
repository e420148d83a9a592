"""Histograms as life tables: curves of incidence and of survival, and how sure they are.

Counts are grouped. What leaves the risk set inside a bucket, other than by the event of
interest, leaves it at a part `withdrawn` of the bucket: 0.5 for an estimate (the actuarial
rule), 0 and 1 for its bounds.

Formulas: Marubini and Valsecchi, Analysing Survival Data from Clinical Trials, 1995, ch. 10
(incidence and its variance); Greenwood's variance on the log(-log) scale for survival; Wilson
for a proportion, on the effective sample size p(1-p)/var where counts are censored.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s

Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket: (lower, upper] seconds, those at risk at its beginning, what happened."""

    lower_s: float
    upper_s: float
    at_risk: int
    event: int
    left: int
    censored: int


@dataclass(frozen=True, slots=True)
class Line:
    """A curve that starts at 0, straight between its points; level before and after them."""

    times_s: list[float]
    values: list[float]

    @classmethod
    def through(cls, rows: Sequence[Row], values: Sequence[float]) -> "Line":
        """The curve that has `values` at the ends of `rows`, and is level outside them."""
        line = cls([], [])
        before = 0.0
        for row, value in zip(rows, values, strict=True):
            line.times_s.extend((row.lower_s, row.upper_s))
            line.values.extend((before, value))
            before = value
        return line

    def at(self, t_s: float) -> float:
        """Its value at `t_s`."""
        index = bisect_left(self.times_s, t_s)
        if index == 0:
            return 0.0
        if index == len(self.times_s):
            return self.values[-1]
        start_s, end_s = self.times_s[index - 1], self.times_s[index]
        if end_s <= start_s:
            return self.values[index]
        part = (t_s - start_s) / (end_s - start_s)
        return self.values[index - 1] + part * (self.values[index] - self.values[index - 1])


@dataclass(frozen=True, slots=True)
class Step:
    """A value of a curve at the end of a bucket, and its variance."""

    upper_s: float
    value: float
    variance: float


def wilson(count: float, base: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; all of [0, 1] where the base is 0.

    >>> tuple(round(bound, 3) for bound in wilson(8, 10))
    (0.49, 0.943)
    """
    if base <= 0:
        return 0.0, 1.0
    p, z2 = count / base, Z_95**2
    middle = (p + z2 / (2 * base)) / (1 + z2 / base)
    half = Z_95 * math.sqrt(p * (1 - p) / base + z2 / (4 * base**2)) / (1 + z2 / base)
    return max(0.0, middle - half), min(1.0, middle + half)


def rows_of(histogram: Histogram) -> list[Row]:
    """The histogram as a life table, empty buckets left out."""
    events, lefts, censoreds = (histogram.counts.get(fate, {}) for fate in Fate)
    at_risk = histogram.total()
    rows = []
    for index in sorted({*events, *lefts, *censoreds}):
        lower_s, upper_s = bucket_bounds_s(index, histogram.scale)
        event, left = events.get(index, 0), lefts.get(index, 0)
        censored = censoreds.get(index, 0)
        rows.append(Row(lower_s, upper_s, at_risk, event, left, censored))
        at_risk -= event + left + censored
    return rows


def incidence_line(rows: Sequence[Row]) -> "Line":
    """Aalen–Johansen's incidence, straight within buckets."""
    return Line.through(rows, [step.value for step in _incidence(rows, 0.5)])


def incidence_at(rows: Sequence[Row], withdrawn: float) -> float:
    """Aalen–Johansen's incidence of the event at the end of `rows`."""
    steps = _incidence(rows, withdrawn)
    return steps[-1].value if steps else 0.0


def incidence_interval(rows: Sequence[Row], base: int) -> tuple[float, float]:
    """95 % interval of the incidence at the end of `rows`, wherever in a bucket censoring was.

    Where nothing was censored, Aalen–Johansen is a plain proportion, and this Wilson's
    interval of it.
    """
    if not any(row.censored for row in rows):
        return wilson(sum(row.event for row in rows), base)
    both = [_effective_interval(rows, withdrawn, base) for withdrawn in (0.0, 1.0)]
    return min(low for low, _ in both), max(high for _, high in both)


def _incidence(rows: Sequence[Row], withdrawn: float) -> list[Step]:
    """Aalen–Johansen; `withdrawn` is the part of a bucket's censored who leave it unexposed."""
    terms: list[tuple[float, float, float, float]] = []  # staying before, exposed, event, all
    staying, incidence = 1.0, 0.0
    steps = []
    for row in rows:
        both = row.event + row.left
        exposed = max(row.at_risk - withdrawn * row.censored, float(both)) or 1.0  # or nobody
        terms.append((staying, exposed, float(row.event), float(both)))
        incidence += staying * row.event / exposed
        staying *= 1 - both / exposed
        steps.append(Step(row.upper_s, incidence, 0.0))
    variance = _incidence_variance(terms, [step.value for step in steps])
    return [*steps[:-1], Step(steps[-1].upper_s, incidence, variance)] if steps else []


def _incidence_variance(
    terms: list[tuple[float, float, float, float]], values: list[float]
) -> float:
    """Variance of the last value of an incidence curve, by the delta method."""
    variance = 0.0
    for (staying, exposed, event, both), value in zip(terms, values, strict=True):
        later = values[-1] - value
        if exposed > both:
            variance += later**2 * both / (exposed * (exposed - both))
        variance += staying**2 * (exposed - event) * event / exposed**3
        variance -= 2 * later * staying * event / exposed**2
    return max(0.0, variance)


def _effective_interval(rows: Sequence[Row], withdrawn: float, base: int) -> tuple[float, float]:
    steps = _incidence(rows, withdrawn)
    if not steps:
        return wilson(0, base)
    value, variance = steps[-1].value, steps[-1].variance
    size = float(base)
    if variance > 0 and 0 < value < 1:
        size = min(size, value * (1 - value) / variance)
    return wilson(value * size, size)


def survival(rows: Sequence[Row], withdrawn: float) -> list[Step]:
    """Kaplan–Meier with leaving censored, and Greenwood's sum (variance of its logarithm)."""
    value, greenwood = 1.0, 0.0
    steps = []
    for row in rows:
        gone = withdrawn * (row.left + row.censored)
        exposed = max(row.at_risk - gone, float(row.event))
        if exposed > 0:
            value *= 1 - row.event / exposed
            if exposed > row.event:
                greenwood += row.event / (exposed * (exposed - row.event))
        steps.append(Step(row.upper_s, max(0.0, value), greenwood))
    return steps


def band(step: Step, base: int) -> tuple[float, float]:
    """95 % band of a survival curve at one step, on the log(-log) scale."""
    if step.value >= 1:
        return 1 - wilson(0, base)[1], 1.0
    if step.value <= 0:
        return 0.0, wilson(0, base)[1]
    spread = Z_95 * math.sqrt(step.variance) / abs(math.log(step.value))
    return step.value ** math.exp(spread), step.value ** math.exp(-spread)
