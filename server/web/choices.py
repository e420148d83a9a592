"""The period that a visitor of a page chose, in the store's trading days."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from server.errors import PeriodError
from server.periods import Period, StoreTime


class Choice(StrEnum):
    """What the selector offers."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "week"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice, and the days that it means."""

    choice: Choice
    first: date
    last: date
    period: Period
    instead_of_today: bool = False

    @property
    def one_day(self) -> bool:
        """Whether it is a single trading day."""
        return self.first == self.last


def usual(time: StoreTime, now: datetime, *, released_today: bool) -> Chosen:
    """What is shown where nothing was chosen: today once something was released today."""
    if released_today:
        return choose(time, now, Choice.TODAY, None, None)
    week = choose(time, now, Choice.LAST_7_DAYS, None, None)
    return replace(week, instead_of_today=True)


def choose(
    time: StoreTime, now: datetime, choice: Choice, first: date | None, last: date | None
) -> Chosen:
    """The days of a choice. The last seven days end with yesterday: whole days only.

    Raises:
        PeriodError: a range without its days, reversed, or too long.
    """
    today = time.trading_day(now)
    if choice is Choice.RANGE:
        if first is None or last is None:
            raise PeriodError("expected a first and a last day")
        days = (first, last)
    else:
        yesterday = today - timedelta(days=1)
        days = {
            Choice.TODAY: (today, today),
            Choice.YESTERDAY: (yesterday, yesterday),
            Choice.LAST_7_DAYS: (today - timedelta(days=7), yesterday),
        }[choice]
    return Chosen(choice, *days, time.days(*days))
