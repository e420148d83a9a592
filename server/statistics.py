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
    incidence_at,
    incidence_interval,
    incidence_line,
    rows_of,
    survival,
    wilson,
)
from server.measuring import EXACT, NEVER, Error


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
    base = histogram.total()
    if base == 0:
        return None
    inside = [row for row in rows if row.upper_s <= within_s]
    beyond = [row for row in rows if row.lower_s < within_s]
    value = incidence_at(inside, 0.5)
    if len(beyond) > len(inside):
        straddling = beyond[-1]
        part = (within_s - straddling.lower_s) / (straddling.upper_s - straddling.lower_s)
        value += part * (incidence_at(beyond, 0.5) - value)
    off = error.of_curve(incidence_line(rows), within_s)
    low = incidence_interval(inside, base)[0] + off.down - error.wrong.gained
    high = incidence_interval(beyond, base)[1] + off.up + error.wrong.lost
    value = min(1.0, value)
    return Share(value, max(0.0, min(low, value)), min(1.0, max(high, value)), base)


def quantile(histogram: Histogram, q: float, error: Error = EXACT) -> Quantile | None:
    """The time by which a share `q` would have had its event, had everyone stayed.

    The interval holds the times at which the 95 % band of the curve may pass `q`, out to the
    ends of the buckets; the band is widened for errors.
    """
    rows = rows_of(histogram)
    base = histogram.total()
    if base == 0:
        return None
    curve = survival(rows, 0.5)
    value_s = _reached(rows, curve, 1 - q)
    lows, highs = zip(*_bands(rows, curve, base, error), strict=True)
    low_s = _first_lower(rows, lows, 1 - q)
    last_s = rows[-1].lower_s
    if value_s is None:
        return Quantile(q, None, min(low_s, last_s), None, last_s, base)
    high_s = _first_upper(rows, highs, 1 - q)
    high_s = None if high_s is None else max(high_s, value_s)
    return Quantile(q, value_s, min(low_s, value_s), high_s, None, base)


def _bands(
    rows: Sequence[Row], curve: Sequence[Step], base: int, error: Error
) -> list[tuple[float, float]]:
    """Lower and upper bound of the survival curve at the end of each bucket.

    A visit misjudged when many have left weighs as much as one of those who remain.
    """
    line = Line.through(rows, [1 - step.value for step in curve])
    before = [1.0, *(step.value for step in curve[:-1])]
    found = []
    for row, alive, early, late in zip(
        rows, before, survival(rows, 1.0), survival(rows, 0.0), strict=True
    ):
        weight = max(1.0, base * alive / row.at_risk)
        off = error.of_curve(line, row.upper_s)
        low = band(early, base)[0] - off.up - error.wrong.lost * weight
        high = band(late, base)[1] - off.down + error.wrong.gained * weight
        found.append((low, high))
    return found


def _reached(rows: Sequence[Row], curve: Sequence[Step], level: float) -> float | None:
    """When the curve falls to `level`, between the bounds of the bucket where it does."""
    before = 1.0
    for row, step in zip(rows, curve, strict=True):
        if step.value <= level + 1e-12 and before > step.value:
            part = (before - level) / (before - step.value)
            return row.lower_s + part * (row.upper_s - row.lower_s)
        before = step.value
    return None


def _first_lower(rows: Sequence[Row], lows: Sequence[float], level: float) -> float:
    """Lower end of the first bucket in which a band may reach `level`; else the last's."""
    return next(
        (row.lower_s for row, low in zip(rows, lows, strict=True) if low <= level),
        rows[-1].lower_s,
    )


def _first_upper(rows: Sequence[Row], highs: Sequence[float], level: float) -> float | None:
    """Upper end of the first bucket by whose end a band is surely below `level`."""
    return next((row.upper_s for row, high in zip(rows, highs, strict=True) if high <= level), None)
