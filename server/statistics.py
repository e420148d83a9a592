"""Shares and percentiles from merged three-count histograms, with their uncertainty.

A party that leaves is not a party that would have waited: leaving competes with being greeted
(served), and only the end of seeing censors.

* "Share within X s" is the Aalen–Johansen cumulative incidence of the event at X.
* Percentiles are Kaplan–Meier with leaving censored: "had everyone stayed".

Counts are grouped. What leaves the risk set inside a bucket, other than by the event of
interest, is taken at its middle for the estimate (the actuarial rule), and at its beginning
and end for the bounds. A bucket that straddles X is interpolated for the estimate, and left
out and counted in for the bounds. An interval is 95 % of sampling around those bounds.

Formulas: Marubini and Valsecchi, Analysing Survival Data from Clinical Trials, 1995, ch. 10
(incidence and its variance); Greenwood's variance on the log(-log) scale for survival; Wilson
for a proportion, on the effective sample size p(1-p)/var where counts are censored.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s

Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """A share in [0, 1] and its 95 % interval; `base` is the number it is a share of."""

    value: float
    low: float
    high: float
    base: int


@dataclass(frozen=True, slots=True)
class Quantile:
    """A percentile in seconds and its 95 % interval.

    `value_s` is none where the curve does not reach it: then it is more than `more_than_s`.
    `high_s` is none where the interval has no upper end within what was seen.
    """

    q: float
    value_s: float | None
    low_s: float
    high_s: float | None
    more_than_s: float | None
    base: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One bucket: (lower, upper] seconds, those at risk at its beginning, what happened."""

    lower_s: float
    upper_s: float
    at_risk: int
    event: int
    left: int
    censored: int


@dataclass(frozen=True, slots=True)
class _Step:
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


def proportion(count: int, base: int) -> Share | None:
    """A plain share with Wilson's interval; none of nothing."""
    if base == 0:
        return None
    low, high = wilson(count, base)
    return Share(count / base, low, high, base)


def share_within(histogram: Histogram, within_s: float) -> Share | None:
    """Of all who came, the share whose event happened within `within_s` seconds."""
    rows = _rows(histogram)
    base = histogram.total()
    if base == 0:
        return None
    straddling = next((row for row in rows if row.lower_s < within_s < row.upper_s), None)
    inside = [row for row in rows if row.upper_s <= within_s]
    beyond = [*inside, straddling] if straddling is not None else inside
    part = 0.0
    if straddling is not None:
        part = (within_s - straddling.lower_s) / (straddling.upper_s - straddling.lower_s)
    if not any(row.censored for row in beyond):
        return _plain_share(inside, beyond, part, base)
    value = _incidence_at(inside, 0.5)
    value += part * (_incidence_at(beyond, 0.5) - value)
    low = min(_effective_interval(inside, late, base)[0] for late in (0.0, 1.0))
    high = max(_effective_interval(beyond, late, base)[1] for late in (0.0, 1.0))
    return Share(value, min(low, value), max(high, value), base)


def _plain_share(inside: list[_Row], beyond: list[_Row], part: float, base: int) -> Share:
    """What Aalen–Johansen comes to where nothing was censored: counts, and Wilson's interval."""
    least = sum(row.event for row in inside)
    most = sum(row.event for row in beyond)
    value = (least + part * (most - least)) / base
    low, high = wilson(least, base)[0], wilson(most, base)[1]
    return Share(value, min(low, value), max(high, value), base)


def _rows(histogram: Histogram) -> list[_Row]:
    """The histogram as a life table, empty buckets left out."""
    events, lefts, censoreds = (histogram.counts.get(fate, {}) for fate in Fate)
    at_risk = histogram.total()
    rows = []
    for index in sorted({*events, *lefts, *censoreds}):
        lower_s, upper_s = bucket_bounds_s(index, histogram.scale)
        event, left = events.get(index, 0), lefts.get(index, 0)
        censored = censoreds.get(index, 0)
        rows.append(_Row(lower_s, upper_s, at_risk, event, left, censored))
        at_risk -= event + left + censored
    return rows


def _incidence_at(rows: list[_Row], withdrawn: float) -> float:
    steps = _incidence(rows, withdrawn)
    return steps[-1].value if steps else 0.0


def _incidence(rows: list[_Row], withdrawn: float) -> list[_Step]:
    """Aalen–Johansen; `withdrawn` is the part of a bucket's censored who leave it unexposed."""
    terms: list[tuple[float, float, float, float]] = []  # survival before, exposed, event, all
    survival, incidence = 1.0, 0.0
    steps = []
    for row in rows:
        exposed = max(row.at_risk - withdrawn * row.censored, float(row.event + row.left))
        if exposed <= 0:
            continue
        both = row.event + row.left
        terms.append((survival, exposed, float(row.event), float(both)))
        incidence += survival * row.event / exposed
        survival *= 1 - both / exposed
        steps.append(_Step(row.upper_s, incidence, 0.0))
    variance = _incidence_variance(terms, [step.value for step in steps])
    return [*steps[:-1], _Step(steps[-1].upper_s, incidence, variance)] if steps else []


def _incidence_variance(
    terms: list[tuple[float, float, float, float]], values: list[float]
) -> float:
    """Variance of the last value of an incidence curve, by the delta method."""
    variance = 0.0
    for (survival, exposed, event, both), value in zip(terms, values, strict=True):
        later = values[-1] - value
        if exposed > both:
            variance += later**2 * both / (exposed * (exposed - both))
        variance += survival**2 * (exposed - event) * event / exposed**3
        variance -= 2 * later * survival * event / exposed**2
    return max(0.0, variance)


def _effective_interval(rows: list[_Row], withdrawn: float, base: int) -> tuple[float, float]:
    """95 % interval of the incidence after `rows`."""
    steps = _incidence(rows, withdrawn)
    if not steps:
        return wilson(0, base)
    value, variance = steps[-1].value, steps[-1].variance
    size = float(base)
    if variance > 0 and 0 < value < 1:
        size = min(size, value * (1 - value) / variance)
    return wilson(value * size, size)


def quantile(histogram: Histogram, q: float) -> Quantile | None:
    """The time by which a share `q` would have had its event, had everyone stayed.

    The interval holds the times at which the 95 % band of the curve may pass `q`, out to the
    ends of the buckets.
    """
    rows = _rows(histogram)
    base = histogram.total()
    if base == 0:
        return None
    curve = _survival(rows, 0.5)
    value_s = _reached(rows, curve, 1 - q)
    early, late = _survival(rows, 1.0), _survival(rows, 0.0)
    low_s = _first_lower(rows, (_band(step, base)[0] for step in early), 1 - q)
    high_s = _first_upper(rows, (_band(step, base)[1] for step in late), 1 - q)
    last_s = rows[-1].lower_s
    if value_s is None:
        return Quantile(q, None, min(low_s, last_s), None, last_s, base)
    return Quantile(q, value_s, min(low_s, value_s), high_s, None, base)


def _survival(rows: list[_Row], withdrawn: float) -> list[_Step]:
    """Kaplan–Meier with leaving censored, and Greenwood's sum (variance of its logarithm)."""
    survival, greenwood = 1.0, 0.0
    steps = []
    for row in rows:
        gone = withdrawn * (row.left + row.censored)
        exposed = max(row.at_risk - gone, float(row.event))
        if exposed > 0:
            survival *= 1 - row.event / exposed
            if exposed > row.event:
                greenwood += row.event / (exposed * (exposed - row.event))
        steps.append(_Step(row.upper_s, max(0.0, survival), greenwood))
    return steps


def _band(step: _Step, base: int) -> tuple[float, float]:
    """95 % band of a survival curve at one step, on the log(-log) scale."""
    if step.value >= 1:
        return 1 - wilson(0, base)[1], 1.0
    if step.value <= 0:
        return 0.0, wilson(0, base)[1]
    spread = Z_95 * math.sqrt(step.variance) / abs(math.log(step.value))
    return step.value ** math.exp(spread), step.value ** math.exp(-spread)


def _reached(rows: list[_Row], curve: list[_Step], level: float) -> float | None:
    """When the curve falls to `level`, between the bounds of the bucket where it does."""
    before = 1.0
    for row, step in zip(rows, curve, strict=True):
        if step.value <= level + 1e-12 and before > step.value:
            part = (before - level) / (before - step.value)
            return row.lower_s + part * (row.upper_s - row.lower_s)
        before = step.value
    return None


def _first_lower(rows: list[_Row], band: Iterable[float], level: float) -> float:
    """Lower end of the first bucket in which a band may reach `level`; else the last's."""
    return next(
        (row.lower_s for row, value in zip(rows, band, strict=False) if value <= level),
        rows[-1].lower_s,
    )


def _first_upper(rows: list[_Row], band: Iterable[float], level: float) -> float | None:
    """Upper end of the first bucket by whose end a band is surely below `level`."""
    return next(
        (row.upper_s for row, value in zip(rows, band, strict=False) if value <= level), None
    )
