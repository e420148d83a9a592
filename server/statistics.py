"""Shares and percentiles from merged three-count histograms, with their uncertainty.

A party that leaves is not a party that would have waited: leaving competes with being greeted
(served), and only the end of seeing censors.

* "Share within X s" is the Aalen–Johansen cumulative incidence of the event at X.
* Percentiles are Kaplan–Meier with leaving censored: "had everyone stayed".

An interval holds three things: 95 % of sampling, the width of the buckets, and the error of
measuring; `server.measuring` says what the last adds to a curve and to a share. Estimates are
not corrected for errors: intervals are widened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_cfg.accuracy import Misjudged
from firmware_cfg.histogram import Histogram
from server.life_table import (
    Line,
    Row,
    Step,
    band,
    incidence,
    incidence_bounds,
    rows_of,
    survival,
    survival_steps,
    wilson,
)
from server.measuring import EXACT, NEVER, Error

ROUNDING = 1e-9
"""More than sums of floating-point numbers are off here."""


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


def proportion(count: int, base: int, wrong: Misjudged = NEVER) -> Share | None:
    """A plain share with Wilson's interval, widened by those misjudged; none of nothing."""
    if base == 0:
        return None
    low, high = wilson(count, base)
    return Share(count / base, max(0.0, low - wrong.gained), min(1.0, high + wrong.lost), base)


def share_within(histogram: Histogram, within_s: float, error: Error = EXACT) -> Share | None:
    """Of all who came, the share whose event happened within `within_s` seconds."""
    rows = rows_of(histogram)
    if not rows:
        return None
    base = rows[0].at_risk
    curve = incidence(rows)
    inside = [row for row in rows if row.upper_s <= within_s]
    beyond = [row for row in rows if row.lower_s < within_s]
    value = curve[len(inside) - 1] if inside else 0.0
    if len(beyond) > len(inside):
        straddling = beyond[-1]
        part = (within_s - straddling.lower_s) / (straddling.upper_s - straddling.lower_s)
        value += part * (curve[len(beyond) - 1] - value)
    off = error.of_curve(Line.through(rows, curve), within_s)
    low, high = incidence_bounds(beyond, len(inside), base)
    low = low + off.down - error.wrong.gained
    high = high + off.up + error.wrong.lost
    value = min(1.0, value)
    return Share(value, max(0.0, min(low, value)), min(1.0, max(high, value)), base)


def quantile(histogram: Histogram, q: float, error: Error = EXACT) -> Quantile | None:
    """The time by which a share `q` would have had its event, had everyone stayed.

    The interval holds the times at which the 95 % band of the curve may pass `q`, out to the
    ends of the buckets; the band is widened for errors.
    """
    rows = rows_of(histogram)
    if not rows:
        return None
    base = rows[0].at_risk
    curve = survival(rows, 0.5)
    value_s = _reached(rows, curve, 1 - q)
    low_s, high_s = _bounds_s(rows, curve, 1 - q, error)
    last_s = rows[-1].lower_s
    if value_s is None:
        return Quantile(q, None, min(low_s, last_s), None, last_s, base)
    high_s = None if high_s is None else max(high_s, value_s)
    return Quantile(q, value_s, min(low_s, value_s), high_s, None, base)


def _bounds_s(
    rows: Sequence[Row], curve: Sequence[Step], level: float, error: Error
) -> tuple[float, float | None]:
    """Where the band of the survival curve, widened for errors, may pass `level`.

    These are the lower end of the first bucket in which the band may reach it, else of the
    last; and the upper end of the first by whose end the band is surely below it, if any is.

    A visit misjudged when many have left weighs as much as one of those who remain. The error
    of measuring is worked out only for buckets where it decides: it widens the band, and never
    by more than the share that the curve has come to.
    """
    base = rows[0].at_risk
    line = Line.through(rows, [1 - step.value for step in curve])
    lower_s: float | None = None
    before = 1.0
    earlies, lates = survival_steps(rows, 1.0), survival_steps(rows, 0.0)
    for row, step, early, late in zip(rows, curve, earlies, lates, strict=True):
        weight = max(1.0, base * before / row.at_risk)
        before = step.value
        if lower_s is None:
            low = band(early, base)[0]
            lost = error.wrong.lost * weight
            if low - (1 - step.value) - lost <= level + ROUNDING:
                off = error.of_curve(line, row.upper_s)
                lower_s = row.lower_s if low - off.up - lost <= level else None
        if lower_s is not None:
            high = band(late, base)[1]
            gained = error.wrong.gained * weight
            if high + gained <= level + ROUNDING:
                off = error.of_curve(line, row.upper_s)
                if high - off.down + gained <= level:
                    return lower_s, row.upper_s
    return rows[-1].lower_s if lower_s is None else lower_s, None


def _reached(rows: Sequence[Row], curve: Sequence[Step], level: float) -> float | None:
    """When the curve falls to `level`, between the bounds of the bucket where it does."""
    before = 1.0
    for row, step in zip(rows, curve, strict=True):
        if step.value <= level + 1e-12 and before > step.value:
            part = (before - level) / (before - step.value)
            return row.lower_s + part * (row.upper_s - row.lower_s)
        before = step.value
    return None
