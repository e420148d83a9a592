"""A period in a store's calendar: whole weeks, whole trading days, and what is left over.

A cell belongs to the trading day in which it begins. One that ends in the same day is in that
day's roll-up, and any other is alone in a roll-up of the grain `span`; a week's roll-up has all
cells that begin and end in the week, of either kind.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from server.periods import Period, StoreTime, monday_of

DAY, WEEK_DAYS = timedelta(days=1), 7
HOUR = timedelta(hours=1)


class Grain(StrEnum):
    """What a roll-up is of."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the cells inside a period are read; the three together are the period.

    Attributes:
        weeks: time of whole weeks, read by the week.
        days: time of other whole trading days, read by the day.
        pieces: what is left, of which cells are read.
    """

    weeks: tuple[Period, ...]
    days: tuple[Period, ...]
    pieces: tuple[Period, ...]


def plan(time: StoreTime, period: Period, due: Collection[date]) -> Plan:
    """How to read `period`; roll-ups of trading days that are `due` do not hold."""
    first, after = whole_days(time, period)
    if first >= after:
        return Plan((), (), (period,))
    days = [first + number * DAY for number in range((after - first).days)]
    sound = {day for day in days if day not in due}
    mondays = {monday_of(day) for day in sound}
    whole = {one for one in mondays if all(one + n * DAY in sound for n in range(WEEK_DAYS))}
    in_weeks = [day for day in days if day in sound and monday_of(day) in whole]
    alone = [day for day in days if day in sound and monday_of(day) not in whole]
    edges = [(period.start, time.begins(first)), (time.begins(after), period.end)]
    pieces = [Period(start, end) for start, end in edges if start < end]
    pieces += _runs(time, [day for day in days if day not in sound])
    in_order = sorted(pieces, key=lambda one: one.start)
    return Plan(_runs(time, in_weeks), _runs(time, alone), tuple(in_order))


def whole_days(time: StoreTime, period: Period) -> tuple[date, date]:
    """The first trading day that lies inside `period`, and the day after the last one."""
    first = time.trading_day(period.start)
    if time.begins(first) < period.start:
        first += DAY
    return first, time.trading_day(period.end)


def touched_days(time: StoreTime, period: Period) -> tuple[date, date]:
    """The first and the last trading day that have time in common with `period`."""
    return time.trading_day(period.start), time.trading_day(period.end)


def hour_of(time: StoreTime, at: datetime) -> Period:
    """The hour of the store's clock that holds an instant."""
    local = time.local(at)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return Period(at - past, at - past + HOUR)


def begins_at(time: StoreTime, grain: Grain, at: datetime) -> datetime:
    """When the hour, trading day or week begins that holds an instant."""
    if grain is Grain.HOUR:
        return hour_of(time, at).start
    day = time.trading_day(at)
    return time.begins(monday_of(day) if grain is Grain.WEEK else day)


def _runs(time: StoreTime, days: list[date]) -> tuple[Period, ...]:
    """Days in order as few stretches of time."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + DAY)
        else:
            runs.append((day, day + DAY))
    return tuple(Period(time.begins(first), time.begins(after)) for first, after in runs)
