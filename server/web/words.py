"""The pages' words, in English and Chinese, and how numbers and times are written.

`locales/<language>.json` holds every word; a test keeps the catalogues complete. What the
texts mean is fixed by the glossary, so both say the same thing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from server.periods import Period, StoreTime, subtract
from server.queries import CoverageRange
from server.statistics import Quantile, Share
from server.suppression import Suppressed

LANGUAGES = ("en", "zh")
LOCALES = Path(__file__).parent.parent / "locales"
MAX_SPANS = 3


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every word of a language."""
    words: dict[str, str] = json.loads((LOCALES / f"{language}.json").read_text("utf-8"))
    return words


def preferred(accepted: str, chosen: str | None) -> str:
    """The language to speak: the one chosen, else the first accepted one, else English.

    >>> preferred("fr, zh-CN;q=0.8, en;q=0.5", None)
    'zh'
    """
    if chosen in LANGUAGES:
        return str(chosen)
    tags = [tag.partition(";")[0].strip().lower()[:2] for tag in accepted.split(",")]
    return next((tag for tag in tags if tag in LANGUAGES), LANGUAGES[0])


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words and ways of writing."""

    language: str

    @property
    def html_language(self) -> str:
        """The tag for `<html lang>`."""
        return "zh-Hans" if self.language == "zh" else "en"

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key`, with its values filled in.

        Raises:
            KeyError: no such text, which the catalogue's test excludes.
        """
        return catalogue(self.language)[key].format(**values)

    def percent(self, value: float) -> str:
        """A share in [0, 1].

        >>> Words("en").percent(0.845)
        '84 %'
        """
        return f"{round(value * 100)} %" if self.language == "en" else f"{round(value * 100)}%"

    def percent_range(self, share: Share | CoverageRange) -> str:
        """An interval of shares.

        >>> Words("en").percent_range(Share(0.5, 0.35, 0.65, 20))
        '35–65 %'
        """
        return f"{round(share.low * 100)}–{self.percent(share.high)}"

    def points(self, by: float) -> str:
        """How much a share rose or fell.

        >>> Words("en").points(-0.124)
        '−12 points'
        """
        return self("unit.points", points=_signed(by))

    def more(self, by: float) -> str:
        """How much is added to something in proportion.

        >>> Words("en").more(0.38), Words("zh").more(-0.2)
        ('+38 %', '−20%')
        """
        return _signed(by) + self.percent(0)[1:]

    def points_range(self, low: float, high: float) -> str:
        """Between two changes, in points or per cent.

        >>> Words("en").points_range(-0.05, 0.12)
        '−5 to +12'
        """
        return self("unit.range_points", low=_signed(low), high=_signed(high))

    def seconds(self, value_s: float) -> str:
        """A duration.

        >>> Words("en").seconds(42.4), Words("zh").seconds(200)
        ('42 s', '3 分 20 秒')
        """
        whole = round(value_s)
        if whole < 60:
            return self("unit.seconds", seconds=whole)
        minutes, seconds = divmod(whole, 60)
        if seconds == 0:
            return self("unit.minutes", minutes=minutes)
        return self("unit.minutes_seconds", minutes=minutes, seconds=seconds)

    def quantile(self, one: Quantile) -> str:
        """A percentile, or the time that it exceeds."""
        if one.value_s is None:
            return self("figure.more_than", value=self.seconds(one.more_than_s or 0.0))
        return self.seconds(one.value_s)

    def quantile_range(self, one: Quantile) -> str:
        """A percentile's interval; nothing beside a mere lower bound.

        >>> Words("en").quantile_range(Quantile(0.5, 42.0, 36.0, 50.0, None, 80))
        '36–50 s'
        """
        if one.value_s is None:
            return ""
        low_s, high_s = round(one.low_s), one.high_s
        if high_s is None:
            return self("figure.at_least", value=self.seconds(low_s))
        return self.seconds_range(low_s, high_s)

    def seconds_range(self, low_s: float, high_s: float) -> str:
        """A duration between two bounds.

        >>> Words("en").seconds_range(22.6, 32), Words("zh").seconds_range(45.3, 90.5)
        ('23–32 s', '0:45–1:30 分')
        """
        low, high = round(low_s), round(high_s)
        if high_s < 60:
            return self("unit.range_seconds", low=low, high=high)
        from_text, to_text = (f"{value // 60}:{value % 60:02}" for value in (low, high))
        return self("unit.range_minutes", low=from_text, high=to_text)

    def day(self, at: datetime) -> str:
        """A day, with its weekday."""
        return self(
            "time.day",
            weekday=self(f"weekday.{at.weekday()}"),
            day=at.day,
            month=self(f"month.{at.month}"),
            year=at.year,
        )

    def short_day(self, at: date) -> str:
        """A day without its year."""
        return self("time.short_day", day=at.day, month=self(f"month.{at.month}"))

    def days(self, period: Period, time: StoreTime) -> str:
        """The trading days from a period's first to its last, without their year."""
        first = time.trading_day(period.start)
        last = time.trading_day(period.end - timedelta(seconds=1))
        return self("time.days", first=self.short_day(first), last=self.short_day(last))

    def week(self, monday: date) -> str:
        """The days of a week.

        >>> Words("en").week(date(2026, 11, 16))
        '16 November – 22 November'
        """
        last = monday + timedelta(days=6)
        return self("time.days", first=self.short_day(monday), last=self.short_day(last))

    def moment(self, at: datetime) -> str:
        """A day without its year, and the time of day.

        >>> Words("en").moment(datetime(2026, 11, 16, 9, 5))
        '16 November 09:05'
        """
        return f"{self.short_day(at)} {at:%H:%M}"

    def spans(self, periods: Sequence[Period], time: StoreTime, *, dated: bool) -> str:
        """Periods on the store's clock, in few words; a gap is opening time without figures."""
        if not periods:
            return ""
        if len(periods) > MAX_SPANS:
            whole = Period(periods[0].start, periods[-1].end)
            span = self._span(whole, time, dated)
            missed = len(subtract(time.open_times(whole), periods))
            if missed == 0:
                return self("time.opening_hours", span=span)
            return self("time.one_gap" if missed == 1 else "time.with_gaps", span=span, gaps=missed)
        return self("time.comma").join(self._span(one, time, dated) for one in periods)

    def _span(self, one: Period, time: StoreTime, dated: bool) -> str:
        start, end = time.local(one.start), time.local(one.end)
        same = time.trading_day(one.start) == time.trading_day(one.end - timedelta(seconds=1))
        if same and not dated:
            return f"{start:%H:%M}–{end:%H:%M}"
        if same:
            return f"{self.short_day(start)} {start:%H:%M}–{end:%H:%M}"
        return f"{self.short_day(start)} {start:%H:%M} – {self.short_day(end)} {end:%H:%M}"

    def ago(self, at: datetime, now: datetime) -> str:
        """How long ago something was."""
        minutes = max(0, int((now - at).total_seconds() // 60))
        if minutes < 1:
            return self("time.just_now")
        if minutes < 120:
            return self("time.minutes_ago", minutes=minutes)
        if minutes < 48 * 60:
            return self("time.hours_ago", hours=minutes // 60)
        return self("time.days_ago", days=minutes // 1440)


def _signed(part: float) -> str:
    """Hundredths with their sign."""
    return f"{round(part * 100):+d}".replace("-", "−")


def hidden(value: object) -> bool:
    """Whether a figure is suppressed (a test for templates)."""
    return isinstance(value, Suppressed)
