"""What changed: figures of stores, regions and organisations whose level shifted, and since when.

Everything is read from `standing`, the weeks' figures as they may be shown; nothing that is
suppressed comes into it. The running week is left out, and so is every week in which a share
was asked for another expectation than in the last one.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, String, cast, func, select

from server.catalogue import Slice
from server.level_shifts import Level, Shift, benjamini_hochberg, clearest_shift
from server.periods import monday_of
from server.schema.identity import assignment, point
from server.schema.rollups import standing
from server.scope import Scope
from server.standings import Kind, Subject, subjects

WEEKS = 12
SETTLES = timedelta(days=2)
NOTEWORTHY = 0.05
SLOWER = 1.25
WAITING = "waiting_p90"
MORE_IS_BETTER = frozenset({"served_within", "greeted_within", "flawless"})
FIGURES = (*sorted(MORE_IS_BETTER), "left_unserved", WAITING)
NINTH_DECILE = 0.1
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """A figure whose level shifted.

    Attributes:
        kind, subject: of what.
        figure: as in `standing`.
        expected_s: the limit of a share within a time.
        since: Monday of the first week of the new level.
        before, after: mean of the weeks, a share in [0, 1] or seconds.
        by, low, high: how much it shifted with its 95 % range: of shares their difference, of
            durations what is added in proportion (0.25: a quarter longer).
        weeks_before, weeks_after: how many there were.
        visits: of a week since then, about.
        device_came: whether a device began to watch a point of the store after the first of
            these weeks: the shift may be one of measuring.
    """

    kind: Kind
    subject: Subject
    figure: str
    expected_s: float | None
    since: date
    before: float
    after: float
    by: float
    low: float
    high: float
    weeks_before: int
    weeks_after: int
    visits: int
    device_came: bool

    @property
    def worse(self) -> bool:
        """Whether it is for the worse."""
        return (self.by < 0) == (self.figure in MORE_IS_BETTER)

    @property
    def concerned(self) -> float:
        """Parties of a week that it concerns, about."""
        part = NINTH_DECILE if self.figure == WAITING else abs(self.by)
        return part * self.visits


class _Week(NamedTuple):
    monday: date
    value: float
    rests_on: int | None
    expected_s: float | None


@dataclass(frozen=True, slots=True)
class _Tried:
    """A figure's weeks in which it was asked as in the last one, and its clearest shift."""

    kind: Kind
    subject: Subject
    figure: str
    weeks: Sequence[_Week]
    shift: Shift


def last_whole_week(now: datetime) -> date:
    """Monday of the last week that was over two days ago."""
    return monday_of((now - SETTLES).date()) - timedelta(weeks=1)


def changes(connection: Connection, scope: Scope, now: datetime) -> list[Change]:
    """The changes of the last twelve whole weeks, those that concern most parties first.

    Of each figure the clearest one, if it is noteworthy: 5 points, a quarter longer or a fifth
    shorter. Of all that are named, 5 % are chance at most.
    """
    last = last_whole_week(now)
    mondays = [last - timedelta(weeks=back) for back in range(WEEKS)]
    known = {
        one.subject_id: (kind, one)
        for kind in Kind
        for one in subjects(connection, scope, kind, Slice(None, MOST))
    }
    tried = list(_tried(known, _weeks(connection, known, mondays)))
    most = benjamini_hochberg([one.shift.chance for one in tried])
    clear = [one for one in tried if one.shift.chance <= most and _is_noteworthy(one)]
    came = _latest_devices(connection, clear)
    found = [_change(one, came.get(one.subject.subject_id)) for one in clear]
    return sorted(found, key=lambda one: (-one.concerned, one.subject.name, one.figure))


_Known = Mapping[UUID, tuple[Kind, Subject]]
_Asked = tuple[UUID, str]


def _weeks(
    connection: Connection, known: _Known, mondays: Collection[date]
) -> dict[_Asked, list[_Week]]:
    """The weeks of each subject's figures, in order."""
    rows = connection.execute(
        select(
            cast(standing.c.subject_id, String),
            *standing.c["figure", "week", "value", "rests_on", "expected_s"],
        )
        .where(
            standing.c.org_id.in_({one.org_id for _, one in known.values()}),
            standing.c.subject_id.in_(known),
            standing.c.week.in_(mondays),
            standing.c.figure.in_(FIGURES),
            standing.c.value.is_not(None),
        )
        .order_by(standing.c.week)
    )
    found: dict[tuple[object, str], list[_Week]] = {}
    for subject, figure, *week in rows.all():  # an id is read once a figure: there are many rows
        found.setdefault((subject, figure), []).append(_Week._make(week))
    return {(UUID(str(subject)), figure): weeks for (subject, figure), weeks in found.items()}


def _tried(known: _Known, found: Mapping[_Asked, Sequence[_Week]]) -> Iterator[_Tried]:
    for (subject_id, figure), every in found.items():
        weeks = [one for one in every if one.expected_s == every[-1].expected_s]
        levels = [_level(figure, one) for one in weeks]
        shift = clearest_shift(levels, shares=figure != WAITING)
        if shift is not None:
            yield _Tried(*known[subject_id], figure, weeks, shift)


def _level(figure: str, week: _Week) -> Level:
    value = math.log(max(week.value, 1.0)) if figure == WAITING else week.value
    return Level(value, week.rests_on or 0)


def _is_noteworthy(one: _Tried) -> bool:
    by = one.shift.after - one.shift.before
    return abs(by) >= (math.log(SLOWER) if one.figure == WAITING else NOTEWORTHY)


def _change(one: _Tried, came_at: datetime | None) -> Change:
    settled = datetime.combine(one.weeks[0].monday + timedelta(weeks=1), time.min, UTC)
    shift, after = one.shift, one.weeks[one.shift.at :]
    by = (shift.after - shift.before, shift.low, shift.high)
    level = (shift.before, shift.after)
    if one.figure == WAITING:
        by = (math.expm1(by[0]), math.expm1(by[1]), math.expm1(by[2]))
        level = (math.exp(level[0]), math.exp(level[1]))
    return Change(
        kind=one.kind,
        subject=one.subject,
        figure=one.figure,
        expected_s=one.weeks[-1].expected_s,
        since=after[0].monday,
        before=level[0],
        after=level[1],
        by=by[0],
        low=by[1],
        high=by[2],
        weeks_before=shift.at,
        weeks_after=len(after),
        visits=round(fmean(one.rests_on or 0 for one in after)),
        device_came=came_at is not None and came_at >= settled,
    )


def _latest_devices(connection: Connection, of: Collection[_Tried]) -> dict[UUID, datetime]:
    """When, at each of the stores, a device last began to watch a point."""
    stores = {one.subject.subject_id for one in of if one.kind is Kind.STORE}
    orgs = {one.subject.org_id for one in of}
    rows = connection.execute(
        select(point.c.store_id, func.max(assignment.c.valid_from).label("came_at"))
        .join(
            assignment,
            (assignment.c.org_id == point.c.org_id) & (assignment.c.point_id == point.c.point_id),
        )
        .where(
            point.c.org_id.in_(orgs), assignment.c.org_id.in_(orgs), point.c.store_id.in_(stores)
        )
        .group_by(point.c.store_id)
    )
    return {row.store_id: row.came_at for row in rows}
