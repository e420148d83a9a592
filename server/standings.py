"""Weeks of stores, regions and organisations as they may be shown, read from `standing`.

Nothing is computed here: the rows were made by the roll-up job, through the suppression layer.
Stores on trial have none, and are in no region's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, select

from server.catalogue import Slice, organisations, regions
from server.schema.identity import organisation, store
from server.schema.rollups import standing
from server.scope import Scope

MOST_ORGANISATIONS = 10_000
A_WEEK = timedelta(days=7)


class Kind(StrEnum):
    """What has standings."""

    STORE = "store"
    REGION = "region"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Subject:
    """A store, a region or an organisation."""

    org_id: UUID
    subject_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a week; without a value only its bounds are known.

    Attributes:
        figure: `visits`, `served_within`, `greeted_within`, `left_unserved`, `flawless` (shares),
            `waiting_p90` (seconds), `coverage`.
        value, low, high: with its 95 % interval.
        rests_on: visits that are in it, in steps.
        expected_s: for what expectation a share was asked.
    """

    figure: str
    value: float | None
    low: float | None
    high: float | None
    rests_on: int | None
    expected_s: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """A week by the date of its Monday; what is absent is suppressed."""

    monday: date
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The weeks of one subject, in order."""

    subject: Subject
    weeks: tuple[Week, ...]


def subjects(connection: Connection, scope: Scope, kind: Kind, part: Slice) -> list[Subject]:
    """What a caller may see of one kind, in the order of the ids; confirmed stores alone."""
    if kind is Kind.REGION:
        found = regions(connection, scope, part)
        return [Subject(one.org_id, one.region_id, one.name) for one in found]
    if kind is Kind.ORGANISATION:
        every = organisations(connection, scope, Slice(part.after, MOST_ORGANISATIONS))
        seen = [Subject(one.org_id, one.org_id, one.name) for one in every if one.whole]
        return seen[: part.limit]
    query = (
        select(store.c.org_id, store.c.store_id, store.c.name)
        .join(organisation, organisation.c.org_id == store.c.org_id)
        .where(store.c.confirmed_at.is_not(None))
        .order_by(store.c.store_id)
        .limit(part.limit)
    )
    if part.after is not None:
        query = query.where(store.c.store_id > part.after)
    rows = connection.execute(scope.limit(query, store))
    return [Subject(row.org_id, row.store_id, row.name) for row in rows]


def standings(
    connection: Connection, of: Collection[Subject], first: date, last: date
) -> list[Standing]:
    """The weeks from `first` to `last` (Mondays, both included) of subjects already checked."""
    rows = connection.execute(
        select(standing)
        .where(
            standing.c.org_id.in_({one.org_id for one in of}),
            standing.c.subject_id.in_([one.subject_id for one in of]),
            standing.c.week >= first,
            standing.c.week <= last,
        )
        .order_by(standing.c.week, standing.c.figure)
    )
    since = _counted_since(connection, of)
    found: dict[tuple[UUID, UUID], dict[date, list[Figure]]] = {}
    for row in rows:
        if row.subject_id in since and row.week + A_WEEK <= since[row.subject_id]:
            continue  # it stays, but counts no more
        weeks = found.setdefault((row.org_id, row.subject_id), {})
        figure = Figure(row.figure, row.value, row.low, row.high, row.rests_on, row.expected_s)
        weeks.setdefault(row.week, []).append(figure)
    return [Standing(one, _weeks(found.get((one.org_id, one.subject_id), {}))) for one in of]


def _counted_since(connection: Connection, of: Collection[Subject]) -> dict[UUID, date]:
    """Of those that are stores, the day from which they count."""
    rows = connection.execute(
        select(store.c.store_id, store.c.confirmed_at).where(
            store.c.org_id.in_({one.org_id for one in of}),
            store.c.store_id.in_([one.subject_id for one in of]),
            store.c.confirmed_at.is_not(None),
        )
    )
    return {row.store_id: row.confirmed_at.date() for row in rows}


def _weeks(found: dict[date, list[Figure]]) -> tuple[Week, ...]:
    return tuple(Week(monday, tuple(figures)) for monday, figures in found.items())
