"""Times on the command line: instants, and a store's trading days."""

from datetime import date, datetime, timedelta

from server.errors import PeriodError
from server.periods import Period, StoreTime, check_years

FORMS = "expected now, 2026-11-09, 2026-11-09T14:30, or an instant such as 2026-11-09T14:30+08:00"


def instant_of(text: str, clock: StoreTime | None, now: datetime, option: str) -> datetime:
    """An instant; without an offset from UTC it is on a store's clock, where one is given.

    A day alone is the beginning of that trading day.

    Raises:
        PeriodError: not of that form.
    """
    if text == "now":
        return now
    if clock is not None and (day := _day(text)) is not None:
        return clock.instant(day, clock.day_starts)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PeriodError(f"{option}: {FORMS}, found {text!r}") from None
    check_years(found.date(), found.date())
    if found.tzinfo is not None:
        return found
    if clock is None:
        raise PeriodError(f"{option}: expected an offset from UTC too, found {text!r}")
    return clock.instant(found.date(), found.time())


def period_of(first: str, last: str, clock: StoreTime, now: datetime) -> Period:
    """From `first` to `last`; a day alone as the last one is included.

    Raises:
        PeriodError: not of that form, or reversed.
    """
    start = instant_of(first, clock, now, "--from")
    day = _day(last)
    if day is None:
        return Period(start, instant_of(last, clock, now, "--to"))
    return Period(start, clock.instant(day + timedelta(days=1), clock.day_starts))


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    check_years(found, found)
    return found
