"""Weeks that are asked for, and the clock for what has no store's."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from server.errors import PeriodError
from server.periods import Period, StoreTime, check_years, monday_of

MOST_WEEKS = 60
UTC_TIME = StoreTime(ZoneInfo("UTC"), time(0), {}, frozenset())
FirstWeek = Annotated[date, Query(description="a day of the first week")]
LastWeek = Annotated[date, Query(description="a day of the last week, included")]


def weeks_asked(first: date, last: date) -> tuple[date, date]:
    """The Mondays of the first and the last week.

    Raises:
        PeriodError: reversed, or too many weeks.
    """
    check_years(first, last)
    one, other = monday_of(first), monday_of(last)
    if other < one:
        raise PeriodError(f"last_week {last} is before first_week {first}")
    if other - one >= timedelta(weeks=MOST_WEEKS):
        raise PeriodError(f"expected at most {MOST_WEEKS} weeks")
    return one, other


def period_asked(start: datetime, end: datetime, longest: timedelta) -> Period:
    """A period that may be asked for.

    Raises:
        PeriodError: reversed, too long, or at an end of the calendar.
    """
    check_years(start, end)
    asked = Period(start.astimezone(UTC), end.astimezone(UTC))
    if asked.end - asked.start > longest:
        raise PeriodError(f"expected at most {longest.days} days")
    return asked
