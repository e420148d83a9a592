"""What the page of a store shows, read in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from server import queries
from server.amending import Amendment, Kind, amendments, rulings_of
from server.answers import PointAnswer, answers
from server.attention import Attention, attention
from server.course import LONGEST_COURSE
from server.heads import KeptHead, latest_heads
from server.identity import Confirmation, confirmations
from server.periods import Period
from server.queries import DeviceView, PointView, StoreView
from server.released_cell import ReleasedCell
from server.scope import Scope
from server.suppression import Within, count_released, standing_cells
from server.terms import in_force_at, in_force_in
from server.totals import StoreTotal, queues_in, total_of
from server.web.choices import Choice, Chosen, choose, usual
from server.web.gaps import Missing, missing_of
from server.web.hour_map import HourMap, hour_map
from server.web.parts import Parts
from server.weeks import DeviceWeeks, latest_weeks

A_WEEK = timedelta(days=7)
AMENDMENTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class StorePage:
    """What the store page shows.

    Attributes:
        maps: of each service point, hours and weekdays.
        missing: of each point, why opening time has no figures.
        amendments: the latest ones, withdrawn ones too.
        notes: the standing notes about the period.
        confirmations: each change of when the store's figures began to count.
        points: of the store.
    """

    store: StoreView
    chosen: Chosen
    now: datetime
    total: StoreTotal
    attention: Attention
    answers: tuple[PointAnswer, ...]
    weeks: tuple[DeviceWeeks, ...]
    devices: tuple[DeviceView, ...]
    heads: Mapping[str, KeptHead]
    points: tuple[PointView, ...]
    amendments: tuple[Amendment, ...]
    notes: tuple[Amendment, ...]
    confirmations: tuple[Confirmation, ...]
    maps: Mapping[UUID, HourMap] = field(default_factory=dict)
    missing: Mapping[UUID, tuple[Missing, ...]] = field(default_factory=dict)

    @property
    def smallest_k(self) -> int:
        """The mildest threshold in force: no figure here is about fewer parties."""
        return min([self.total.smallest_k, *(one.smallest_k for one in self.weeks)])

    @property
    def labels(self) -> Mapping[UUID, str]:
        """What the points are called."""
        return {one.ref.point_id: one.label for one in self.points}


def store_page(
    parts: Parts,
    scope: Scope,
    store_id: UUID,
    choice: Choice | None,
    *,
    first: date | None,
    last: date | None,
) -> StorePage:
    """One store, over the chosen period; without a choice today or, failing that, the week.

    Raises:
        NotFoundError: no such store.
        PeriodError: a period that cannot be shown.
    """
    now = parts.clock()
    with parts.engine.connect() as connection:
        store = queries.store_by_id(connection, scope, store_id)
        points = tuple(queries.points(connection, store))
        chosen = _chosen(connection, store, points, now, choice, first=first, last=last)
        found = answers(connection, store, points, chosen.period, now)
        known = queries.devices(connection, scope, now, store_id)
        devices = tuple(sorted(known, key=lambda one: one.retired))
        cells = [(one.point, one.released) for one in found]
        queues = queues_in(connection, store, chosen.period)
        terms = in_force_in(connection, store.org_id, store_id, chosen.period)
        total = total_of(cells, terms, queues, sum(one.unseen_ms for one in found))
        said = amendments(connection, store.org_id, store.store_id)
        return StorePage(
            store=store,
            chosen=chosen,
            now=now,
            total=total,
            attention=attention(found, total),
            answers=found,
            weeks=latest_weeks(connection, store, devices, chosen.period),
            devices=devices,
            heads=latest_heads(connection, devices),
            points=points,
            amendments=tuple(said[::-1][:AMENDMENTS_SHOWN]),
            notes=tuple(
                one
                for one in said
                if one.kind is Kind.NOTE and one.stands and one.period.meets(chosen.period)
            ),
            confirmations=tuple(confirmations(connection, store.org_id, store.store_id)),
            maps=_maps(connection, store, found, chosen),
            missing={one.point.ref.point_id: missing_of(one.steps) for one in found},
        )


def _chosen(
    connection: Connection,
    store: StoreView,
    points: Sequence[PointView],
    now: datetime,
    choice: Choice | None,
    *,
    first: date | None,
    last: date | None,
) -> Chosen:
    if choice is not None:
        return choose(store.time, now, choice, first, last)
    today = choose(store.time, now, Choice.TODAY, None, None).period
    ids = [one.ref.point_id for one in points]
    released = count_released(connection, store.org_id, ids, today) > 0
    return usual(store.time, now, released_today=released)


def _maps(
    connection: Connection, store: StoreView, of: Sequence[PointAnswer], chosen: Chosen
) -> dict[UUID, HourMap]:
    """The maps over the chosen days; over the seven up to the last one, where they are fewer."""
    first = min(chosen.first, chosen.last - A_WEEK + timedelta(days=1))
    period = store.time.days(first, chosen.last)
    if period.end - period.start > LONGEST_COURSE:
        return {}
    wanted = [one for one in of if not one.point.is_queue]
    rulings = rulings_of(connection, store.org_id, store.store_id)
    ids = [one.point.ref.point_id for one in wanted]
    terms = in_force_at(connection, store.org_id, ids, period, rulings)
    found = _cells(connection, store, wanted, period)
    maps = {
        one.point.ref.point_id: hour_map(
            [cell for cell in found if cell.point_id == one.point.ref.point_id],
            store.time,
            period,
            terms[one.point.ref.point_id].during(period).expectations,
        )
        for one in wanted
    }
    return {point_id: one for point_id, one in maps.items() if one is not None}


def _cells(
    connection: Connection, store: StoreView, of: Sequence[PointAnswer], period: Period
) -> list[ReleasedCell]:
    """The released cells inside `period` of these points; those of the course, if it is that."""
    if all(one.asked == period for one in of):
        return [step.cell for one in of for step in one.steps if step.cell is not None]
    rulings = rulings_of(connection, store.org_id, store.store_id)
    ids = [one.point.ref.point_id for one in of]
    return standing_cells(connection, store.org_id, rulings, ids, Within.whole(period))
