"""Shares and percentiles from merged three-count histograms, with their uncertainty.

A party that leaves is not a party that would have waited: leaving competes with being greeted
(served), and only the end of seeing censors.

* "Share within X s" is the Aalen–Johansen cumulative incidence of the event at X.
* Percentiles are Kaplan–Meier with leaving censored: "had everyone stayed".

An interval holds four things: 95 % of sampling, where in its bucket a visit lies, the error of
measuring, and what of the visits is not in the figure. They have nothing to do with one another,
so they are added as independent errors are, by their squares (JCGM 100:2008, Guide to the
expression of uncertainty in measurement, 5.1.2); what is known of a shift is not corrected for,
and is added as it is (F.2.4.5).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from firmware_cfg.accuracy import Misjudged
from firmware_cfg.histogram import Histogram
from server.life_table import (
    Z_95,
    Line,
    Row,
    Step,
    band,
    incidence,
    incidence_at,
    incidence_interval,
    rows_of,
    survival,
    wilson,
)
from server.measuring import EXACT, NEVER, Error, Off, between, of_misjudged, off_by

PLACES = (1 / 3, 2 / 3)
"""Where in a bucket visits may lie on the average: `server.life_table` says why."""
PARTS = tuple(number / 8 for number in range(9))
"""Parts of a bucket at which a band is worked out."""


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


def proportion(
    count: float, base: int, wrong: Misjudged = NEVER, unreached: float = 0.0
) -> Share | None:
    """A plain share of visits; none of nothing."""
    if base == 0:
        return None
    off = Error(wrong=wrong, unreached=unreached).of_visits()
    return _share(count / base, wilson(count, base), off, base)


def recovery(
    left: int,
    broken: int,
    judged: int,
    errors: tuple[Misjudged, Misjudged],
    room: tuple[float, float] = (0.0, 0.0),
) -> Share | None:
    """Of `broken` visits the share that did not leave; none of nothing.

    With L the share of those judged that left, and B that of the broken, it is 1 - L / B. So an
    error of L counts 1 / B times, and one of B L / B² times.

    Args:
        left: of the broken, those who left unserved.
        broken: of the judged, those with a broken expectation.
        judged: visits.
        errors: of those judged, misjudged for served, and for flawless.
        room: parties to whose multiples `left` and `broken` were rounded; and of the broken, the
            share that is not in it, at most.
    """
    if broken == 0:
        return None
    served, flawless = (of_misjudged(one) for one in errors)
    part, weight, (step, unreached) = left / broken, judged / broken, room
    shift = served.down + served.up - part * (flawless.down + flawless.up)
    variance = served.variance + part**2 * flawless.variance
    apart = between(0.0, unreached) + between(0.0, step) * (1 + part**2) / broken**2
    off = off_by(shift * weight, variance * weight**2 + apart)
    return _share(1 - part, wilson(broken - left, broken), off, broken)


def share_within(histogram: Histogram, within_s: float, error: Error = EXACT) -> Share | None:
    """Of all who came, the share whose event happened within `within_s` seconds."""
    rows = rows_of(histogram)
    if not rows:
        return None
    base = rows[0].at_risk
    curve = incidence(rows)
    line = Line.through(rows, curve)
    value = min(1.0, line.at(within_s))
    off = error.of_curve(line, within_s) + error.of_visits()
    beyond = [row for row in rows if row.lower_s < within_s]
    if beyond:
        last = len(beyond) - 1
        rise = curve[last] - (curve[last - 1] if last else 0.0)
        part = min(1.0, (within_s - beyond[-1].lower_s) / (beyond[-1].upper_s - beyond[-1].lower_s))
        off += _inside(rise, part)
    if any(row.censored for row in beyond):
        off += Off(variance=between(*(incidence_at(beyond, place) for place in PLACES)))
    return _share(value, incidence_interval(beyond, value, base), off, base)


def _share(value: float, chance: tuple[float, float], off: Off, base: int) -> Share:
    low, high = _reach(value, chance, off)
    return Share(value, max(0.0, min(low, value)), min(1.0, max(high, value)), base)


def _reach(value: float, chance: tuple[float, float], off: Off) -> tuple[float, float]:
    """A 95 % interval of chance, with room for what else an estimate may be off."""
    room = Z_95**2 * off.variance
    down, up = (math.sqrt((value - end) ** 2 + room) for end in chance)
    return value + off.down - down, value + off.up + up


def _inside(rise: float, part: float) -> Off:
    """What is not known of a curve within a bucket in which it rises so much."""
    most = rise * part * (1 - part)
    return Off(variance=between(-most, most))


def quantile(histogram: Histogram, q: float, error: Error = EXACT) -> Quantile | None:
    """The time by which a share `q` would have had its event, had everyone stayed.

    The interval holds the times at which the 95 % band of the curve holds `q`.
    """
    rows = rows_of(histogram)
    if not rows:
        return None
    curve = _Band(rows, error)
    value_s, low_s, high_s = curve.reached_s(q), curve.earliest_s(q), curve.latest_s(q)
    last_s = rows[-1].lower_s
    if value_s is None:
        return Quantile(q, None, min(low_s, last_s), None, last_s, curve.base)
    high_s = None if high_s is None else max(high_s, value_s)
    return Quantile(q, value_s, min(low_s, value_s), high_s, None, curve.base)


@dataclass(frozen=True, slots=True)
class _End:
    """The curve at the end of a bucket, its 95 % interval of chance, and what else is off."""

    value: float
    chance: tuple[float, float]
    off: Off

    def reach(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return _reach(self.value, self.chance, self.off)


class _Band:
    """The share that had its event, had everyone stayed: 1 - survival, and its 95 % band.

    A visit misjudged, or not in it, when many have left weighs as much as one who remains. The
    error of times is worked out only for buckets where it decides: it can but widen the band.
    """

    def __init__(self, rows: Sequence[Row], error: Error) -> None:
        self.base = rows[0].at_risk
        self._rows = rows
        self._error = error
        self._steps = survival(rows, 0.5)
        self._sides = [survival(rows, place) for place in PLACES]
        self._line = Line.through(rows, [1 - step.value for step in self._steps])
        self._of_visits = error.of_visits()

    def reached_s(self, q: float) -> float | None:
        """When the curve comes to `q`; none: never within what was seen."""
        before = 0.0
        for row, step in zip(self._rows, self._steps, strict=True):
            if 1 - step.value >= q - 1e-12 and 1 - step.value > before:
                part = (q - before) / (1 - step.value - before)
                return row.lower_s + part * (row.upper_s - row.lower_s)
            before = 1 - step.value
        return None

    def earliest_s(self, q: float) -> float:
        """When the upper side of the band comes to `q`; else the beginning of the last bucket."""
        last = len(self._rows) - 1
        some = (n for n in range(last + 1) if self._end(n, timed=False).reach()[1] >= q)
        found = next(some, last)
        while found > 0 and self._end(found - 1).reach()[1] >= q:
            found -= 1
        crossed_s = self._crossed_s(found, 1, q)
        return self._rows[last].lower_s if crossed_s is None else crossed_s

    def latest_s(self, q: float) -> float | None:
        """When the lower side of the band comes to `q`; none: never within what was seen."""
        for n in range(len(self._rows)):
            if self._end(n, timed=False).reach()[0] >= q and self._end(n).reach()[0] >= q:
                return self._crossed_s(n, 0, q)
        return None

    def _end(self, n: int, *, timed: bool = True) -> _End:
        """The end of a bucket; of the one before the first, the beginning."""
        if n < 0:
            chance = band(Step(0.0, 1.0, 0.0), self.base)
            return _End(0.0, (1 - chance[1], 1 - chance[0]), self._of_visits)
        row, step = self._rows[n], self._steps[n]
        before = self._steps[n - 1].value if n else 1.0
        off = self._of_visits.times(max(1.0, self.base * before / row.at_risk))
        off += Off(variance=between(*(side[n].value for side in self._sides)))
        if timed:
            off += self._error.of_curve(self._line, row.upper_s)
        low, high = band(step, self.base)
        return _End(1 - step.value, (1 - high, 1 - low), off)

    def _crossed_s(self, n: int, side: int, q: float) -> float | None:
        """When, in a bucket, one side of the band comes to `q`; none: not in this one."""
        row, begin, end = self._rows[n], self._end(n - 1), self._end(n)
        before: tuple[float, float] | None = None
        for part in PARTS:
            at_s = row.lower_s + part * (row.upper_s - row.lower_s)
            here = _between(begin, end, part).reach()[side]
            if here >= q:
                if before is None or here == before[1]:
                    return at_s
                return before[0] + (q - before[1]) / (here - before[1]) * (at_s - before[0])
            before = (at_s, here)
        return None


def _between(begin: _End, end: _End, part: float) -> _End:
    """The curve within a bucket, straight from its beginning to its end."""

    def mixed(one: float, other: float) -> float:
        return one + part * (other - one)

    off = Off(
        mixed(begin.off.down, end.off.down),
        mixed(begin.off.up, end.off.up),
        mixed(begin.off.variance, end.off.variance),
    )
    low, high = map(mixed, begin.chance, end.chance)
    rise = end.value - begin.value
    return _End(mixed(begin.value, end.value), (low, high), off + _inside(rise, part))
