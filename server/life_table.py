"""Histograms as life tables: curves of incidence and of survival, and how sure they are.

Counts are grouped. What leaves the risk set inside a bucket, other than by the event of
interest, leaves it at a part `withdrawn` of the bucket: 0.5 for an estimate (the actuarial
rule). Visits are taken to lie in a bucket with a density that is straight, level or however
steep: then the mean place is between a third and two thirds of the bucket, and the part of its
visits before a part p of it is between p - p(1 - p) and p + p(1 - p).

Formulas: Marubini and Valsecchi, Analysing Survival Data from Clinical Trials, 1995, ch. 10
(incidence and its variance); Greenwood's variance on the log(-log) scale for survival; Wilson
for a proportion, on the effective sample size p(1-p)/var where counts are censored.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s

Z_95 = 1.959964


class Row(NamedTuple):
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

    def mean_before(self, t_s: float, weights: Sequence[tuple[float, float]]) -> float:
        """Mean of its values at `t_s` less each (seconds, weight); weights come to 1."""
        times_s, values, after = self.times_s, self.values, len(self.times_s)
        total = 0.0
        for before_s, weight in weights:
            at_s = t_s - before_s
            index = bisect_left(times_s, at_s)
            if index == 0:
                continue
            if index == after:
                total += weight * values[-1]
                continue
            start_s, end_s = times_s[index - 1], times_s[index]
            value = values[index]
            if end_s > start_s:
                first = values[index - 1]
                value = first + (at_s - start_s) / (end_s - start_s) * (value - first)
            total += weight * value
        return total


class Step(NamedTuple):
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


@lru_cache(maxsize=4096)
def _bounds_s(index: int, scale: int) -> tuple[float, float]:
    """Bounds of a bucket: there are few, and each table asks for them again."""
    return bucket_bounds_s(index, scale)


def rows_of(histogram: Histogram) -> list[Row]:
    """The histogram as a life table, empty buckets left out."""
    events, lefts, censoreds = (histogram.counts.get(fate, {}) for fate in Fate)
    at_risk = sum(events.values()) + sum(lefts.values()) + sum(censoreds.values())
    rows = []
    for index in sorted({*events, *lefts, *censoreds}):
        lower_s, upper_s = _bounds_s(index, histogram.scale)
        event, left = events.get(index, 0), lefts.get(index, 0)
        censored = censoreds.get(index, 0)
        rows.append(Row(lower_s, upper_s, at_risk, event, left, censored))
        at_risk -= event + left + censored
    return rows


def incidence(rows: Sequence[Row]) -> list[float]:
    """Aalen–Johansen's incidence of the event at the end of each bucket."""
    return _incidence(rows, 0.5)[0]


def incidence_at(rows: Sequence[Row], withdrawn: float) -> float:
    """Aalen–Johansen's incidence of the event at the end of `rows`."""
    values, _ = _incidence(rows, withdrawn)
    return values[-1] if values else 0.0


def incidence_interval(rows: Sequence[Row], value: float, base: int) -> tuple[float, float]:
    """95 % interval of chance of an incidence `value` within or at the end of `rows`.

    Where nothing was censored, Aalen–Johansen is a plain proportion, and this Wilson's interval
    of it; else it is Wilson's on the effective size at the end of `rows`.
    """
    size = float(base)
    if any(row.censored for row in rows):
        values, terms = _incidence(rows, 0.5)
        variance, last = _incidence_variance(terms, values), values[-1]
        if variance > 0 and 0 < last < 1:
            size = min(size, last * (1 - last) / variance)
    return wilson(value * size, size)


_Term = tuple[float, float, float, float]
"""Of a bucket: share of those staying before it, exposed in it, event, event or left."""


def _incidence(rows: Sequence[Row], withdrawn: float) -> tuple[list[float], list[_Term]]:
    """Aalen–Johansen; `withdrawn` is the part of a bucket's censored who leave it unexposed."""
    terms: list[_Term] = []
    staying, value = 1.0, 0.0
    values = []
    for _, _, at_risk, event, left, censored in rows:
        both = event + left
        exposed = max(at_risk - withdrawn * censored, float(both)) or 1.0  # or nobody
        terms.append((staying, exposed, float(event), float(both)))
        value += staying * event / exposed
        staying *= 1 - both / exposed
        values.append(value)
    return values, terms


def _incidence_variance(terms: Sequence[_Term], values: Sequence[float]) -> float:
    """Variance of the last value of an incidence curve, by the delta method."""
    variance = 0.0
    last = values[-1]
    for (staying, exposed, event, both), value in zip(terms, values, strict=True):
        later = last - value
        if exposed > both:
            variance += later**2 * both / (exposed * (exposed - both))
        variance += staying**2 * (exposed - event) * event / exposed**3
        variance -= 2 * later * staying * event / exposed**2
    return max(0.0, variance)


def survival(rows: Sequence[Row], withdrawn: float) -> list[Step]:
    """Kaplan–Meier with leaving censored, and Greenwood's sum (variance of its logarithm).

    Where all who are left have the event, the sum would not grow, though little is known there:
    it grows as if half a party had stayed.
    """
    steps = []
    value, greenwood = 1.0, 0.0
    for _, upper_s, at_risk, event, left, censored in rows:
        exposed = max(at_risk - withdrawn * (left + censored), float(event))
        if exposed > 0 and event:
            value *= 1 - event / exposed
            gone = min(event, exposed - 0.5)
            greenwood += gone / (exposed * (exposed - gone))
        steps.append(Step(upper_s, max(0.0, value), greenwood))
    return steps


def band(step: Step, base: int) -> tuple[float, float]:
    """95 % band of a survival curve at one step, on the log(-log) scale."""
    if step.value >= 1:
        return 1 - wilson(0, base)[1], 1.0
    if step.value <= 0:
        return 0.0, wilson(0, min(base, max(1.0, 1 / step.variance)))[1]
    spread = Z_95 * math.sqrt(step.variance) / abs(math.log(step.value))
    return step.value ** math.exp(spread), step.value ** math.exp(-spread)
