"""The roll-ups of one store: of its points by hour, day and week, and of all points together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from server.amending import Rulings
from server.periods import Period, StoreTime
from server.released_cell import ReleasedCell
from server.rollups.blocks import unions_of
from server.rollups.calendar import DAY, Grain, begins_at, hour_of
from server.rollups.writing import (
    Made,
    delete_rollups,
    read_rollups,
    read_starts,
    replace_rollups,
)
from server.suppression import Within, standing_cells
from server.unions import Union, merged_unions

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class RolledStore:
    """A store whose roll-ups are made.

    Attributes:
        org_id, store_id: which one.
        region_id: the region that it lies in; none: in none.
        time: its calendar.
        points: all of its points.
        rulings: where its cells count.
    """

    org_id: UUID
    store_id: UUID
    region_id: UUID | None
    time: StoreTime
    points: tuple[UUID, ...]
    rulings: Rulings


def roll_day(
    connection: Connection, store: RolledStore, points: Collection[UUID], day: date
) -> None:
    """Make the roll-ups of the cells of `points` that begin in a trading day."""
    period = store.time.day_of(day)
    within = Within((period,))
    cells = standing_cells(connection, store.org_id, store.rulings, points, within)
    unions = unions_of(connection, store.org_id, cells)
    made = _of_day(store.time, period, list(zip(cells, unions, strict=True)))
    grains = (Grain.HOUR, Grain.DAY, Grain.SPAN)
    replace_rollups(connection, store.org_id, points, grains, period, made=made)
    near = Period(period.start - 2 * DAY, period.end + 2 * DAY)
    _drop_of_another_clock(connection, store, (Grain.HOUR, Grain.DAY), near)


def roll_week(
    connection: Connection, store: RolledStore, points: Collection[UUID], monday: date
) -> None:
    """Make the roll-ups of a week of `points` from those of its days."""
    period = store.time.week_of(monday)
    grains = (Grain.DAY, Grain.SPAN)
    parts = read_rollups(connection, store.org_id, points, grains, period)
    inside = [one for one in parts if one.period.end <= period.end]
    by_point = _by((one.subject_id, one.union) for one in inside)
    made = [_made(point_id, Grain.WEEK, period, found) for point_id, found in by_point.items()]
    replace_rollups(connection, store.org_id, points, [Grain.WEEK], period, made=made)
    near = Period(period.start - 8 * DAY, period.end + 8 * DAY)
    _drop_of_another_clock(connection, store, (Grain.WEEK,), near)


def roll_together(connection: Connection, store: RolledStore, grain: Grain, period: Period) -> None:
    """Make the store's own roll-up of a day or a week from those of its points."""
    parts = read_rollups(connection, store.org_id, store.points, [grain], period)
    unions = [one.union for one in parts]
    made = [_made(store.store_id, grain, period, unions)] if unions else []
    replace_rollups(connection, store.org_id, [store.store_id], [grain], period, made=made)


def _drop_of_another_clock(
    connection: Connection, store: RolledStore, grains: Collection[Grain], near: Period
) -> None:
    """Delete roll-ups from before the store's zone or its beginning of the day was changed."""
    subjects = (store.store_id, *store.points)
    starts = read_starts(connection, store.org_id, subjects, grains, near)
    wrong = {at for grain, at in starts if begins_at(store.time, grain, at) != at}
    if wrong:
        delete_rollups(connection, store.org_id, subjects, grains, wrong)


def _of_day(time: StoreTime, day: Period, cells: list[tuple[ReleasedCell, Union]]) -> list[Made]:
    inside = [(cell, union) for cell, union in cells if cell.period.end <= day.end]
    by_hour = _by(
        ((cell.point_id, hour), union)
        for cell, union in inside
        if cell.period.end <= (hour := hour_of(time, cell.period.start)).end
    )
    by_day = _by((cell.point_id, union) for cell, union in inside)
    beyond = _by(
        ((cell.point_id, cell.period.start), (cell.period, union))
        for cell, union in cells
        if cell.period.end > day.end
    )
    return [
        *(_made(key[0], Grain.HOUR, key[1], found) for key, found in by_hour.items()),
        *(_made(key, Grain.DAY, day, found) for key, found in by_day.items()),
        *(_span(key[0], found) for key, found in beyond.items()),
    ]


def _span(point_id: UUID, cells: list[tuple[Period, Union]]) -> Made:
    """A cell that ends in a later day; of a merged point it may be two that begin together."""
    last = max((period for period, _ in cells), key=lambda one: one.end)
    return _made(point_id, Grain.SPAN, last, [union for _, union in cells])


def _made(subject_id: UUID, grain: Grain, period: Period, unions: list[Union]) -> Made:
    return Made(subject_id, grain, period, merged_unions(unions))


def _by(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
