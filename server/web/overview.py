"""The first page: what needs attention, then regions and stores, from rows of `standing` alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from server import queries
from server.course import SETTLES_AFTER
from server.errors import NotFoundError
from server.periods import StoreTime, monday_of
from server.queries import StoreView
from server.rollups.regions import EAST, label_of
from server.scope import Place, Scope
from server.web.areas import Area, areas, opened_at, stores_in
from server.web.parts import Parts
from server.web.reasons import COMPARED, Note, is_comparable, notes
from server.web.sparklines import Drawing, Scale, drawing
from server.web.standings import NO_WEEK, NO_WEEKS, Figure, Week, Weeks, weeks_of
from server.web.working import Sign, signs

STORES_A_PAGE = 25
NOTES_SHOWN = 6
TREND_WEEKS = 8
EARLIER_WEEKS = 4
TREND = "served_within"
A_WEEK = timedelta(weeks=1)
ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """A store, a region or an organisation in the table.

    Attributes:
        store: the store; none: a region or organisation of this `name`, `depth` regions deep.
        region_id: of a region.
        week: the week's figures.
        trend: of the share served in time, the earliest week first; none: not shown.
        drawn: it as a drawing.
        devices: of a store.
    """

    name: str
    week: Week
    trend: tuple[Figure | None, ...]
    drawn: Drawing
    store: StoreView | None = None
    region_id: UUID | None = None
    depth: int = 0
    devices: tuple[Sign, ...] = ()

    @property
    def troubled(self) -> tuple[Sign, ...]:
        """Devices that are silent or offline, or were never heard of."""
        return tuple(one for one in self.devices if one.is_gone or one.is_unheard)


class Calm(StrEnum):
    """What may be said where nothing stands out: no more than was looked at."""

    ALL_WELL = "all_well"
    NOT_COMPARED = "not_compared"
    NO_DEVICES = "no_devices"

    @classmethod
    def of(
        cls,
        stores: Sequence[StoreView],
        weeks: Mapping[UUID, Weeks],
        devices: Sequence[Sign],
        mondays: Sequence[date],
    ) -> "Calm":
        """Of the last of these weeks, and the four before."""
        if not devices:
            return cls.NO_DEVICES
        earlier = mondays[-1 - EARLIER_WEEKS : -1]
        compared = is_comparable(stores, weeks, mondays[-1], earlier)
        return cls.ALL_WELL if compared else cls.NOT_COMPARED


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What the first page shows.

    Attributes:
        now: the present.
        monday: of the week shown.
        mondays: of the weeks of the trends.
        notes: stores that need attention; the first few stand open.
        calm: what may be said where there are none.
        areas: organisations and regions.
        rows: the stores of this page, where fewest were served in time first.
        scale: of all trends.
        region: the region whose stores are shown; none: all.
        number, last: of this page of stores.
        stores: how many stores there are in it.
    """

    now: datetime
    monday: date
    mondays: tuple[date, ...]
    notes: tuple[Note, ...]
    calm: Calm
    areas: tuple[OverviewRow, ...]
    rows: tuple[OverviewRow, ...]
    scale: Scale
    region: str | None
    region_id: UUID | None
    number: int
    last: int
    stores: int

    @property
    def sunday(self) -> date:
        """The last day of the week shown."""
        return self.monday + timedelta(days=6)

    @property
    def first_notes(self) -> tuple[Note, ...]:
        """Those that stand open."""
        return self.notes[:NOTES_SHOWN]

    @property
    def more_notes(self) -> tuple[Note, ...]:
        """The others."""
        return self.notes[NOTES_SHOWN:]


def shown_week(now: datetime, times: Iterable[StoreTime] = ()) -> date:
    """The Monday of the last week that is over and settled in all stores.

    The running week is no week yet: its days are not those of a week, and what joins whole weeks
    has no figures in it.
    """
    last = monday_of((now + EAST).date()) - A_WEEK
    ends = [one.week_of(last).end for one in times]
    over = max(ends, default=label_of(last).end)
    return last if over + SETTLES_AFTER <= now else last - A_WEEK


def overview_page(
    parts: Parts, scope: Scope, region_id: UUID | None = None, number: int = 1
) -> OverviewPage:
    """The first page, of the stores and whole regions that the caller may see.

    Raises:
        NotFoundError: no such region in `scope`.
    """
    now = parts.clock()
    with parts.engine.connect() as connection:
        stores = queries.stores(connection, scope, limit=ALL)
        clocks = {(one.time.zone, one.time.day_starts): one.time for one in stores}
        monday = shown_week(now, clocks.values())
        mondays = tuple(monday - timedelta(weeks=back) for back in reversed(range(TREND_WEEKS)))
        earlier = mondays[-1 - EARLIER_WEEKS : -1]
        devices = signs(connection, scope, now)
        places = [_place(one) for one in stores if not one.is_trial]
        weeks = weeks_of(connection, places, [monday])
        past = weeks_of(connection, places, earlier, [*COMPARED, "visits"])
        tree = areas(connection, scope)
        chosen = _chosen(tree, region_id)
        inside = stores if chosen is None else stores_in(connection, stores, tree, chosen)
        page = _page(inside, weeks, monday, number)
        opened = opened_at(tree, chosen)
        shown = [one.place for one in opened]
        of_areas = weeks_of(connection, shown, [monday])
        wanted = [*shown, *(_place(one) for one in page.stores if not one.is_trial)]
        drawn = Trends.of(mondays, weeks_of(connection, wanted, mondays, [TREND]))
    known = {one: {**past.get(one, {}), **weeks.get(one, {})} for one in {*past, *weeks}}
    return OverviewPage(
        now=now,
        monday=monday,
        mondays=mondays,
        notes=tuple(notes(stores, known, devices, monday, earlier)),
        calm=Calm.of(stores, known, devices, mondays),
        areas=tuple(_area_row(one, drawn, of_areas) for one in opened),
        rows=_store_rows(page, drawn, weeks, devices),
        scale=drawn.scale,
        region=None if chosen is None else chosen.name,
        region_id=region_id,
        number=page.number,
        last=page.last,
        stores=len(inside),
    )


def _place(one: StoreView) -> Place:
    return Place(one.org_id, one.store_id)


def _area_row(one: Area, drawn: "Trends", weeks: Mapping[UUID, Weeks]) -> OverviewRow:
    row = drawn.row(one.place.id, one.name, weeks)
    return replace(row, depth=one.depth, region_id=one.region_id)


def _store_rows(
    page: "_Page", drawn: "Trends", weeks: Mapping[UUID, Weeks], devices: Sequence[Sign]
) -> tuple[OverviewRow, ...]:
    of_store: dict[UUID, list[Sign]] = {}
    for device in devices:
        of_store.setdefault(device.store_id, []).append(device)
    rows = [(one, drawn.row(one.store_id, one.name, weeks)) for one in page.stores]
    return tuple(
        replace(row, store=one, devices=tuple(of_store.get(one.store_id, ()))) for one, row in rows
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """The stores of one page, its number, and that of the last one."""

    stores: Sequence[StoreView]
    number: int
    last: int


def _page(
    inside: Sequence[StoreView], weeks: Mapping[UUID, Weeks], monday: date, number: int
) -> _Page:
    ordered = sorted(inside, key=lambda one: _order(one, weeks, monday))
    last = max(1, -(-len(ordered) // STORES_A_PAGE))
    number = min(max(1, number), last)
    return _Page(ordered[(number - 1) * STORES_A_PAGE : number * STORES_A_PAGE], number, last)


@dataclass(frozen=True, slots=True)
class Trends:
    """The rows of one page, with their trends all on one scale."""

    mondays: Sequence[date]
    scale: Scale
    weeks: Mapping[UUID, Weeks]

    @classmethod
    def of(cls, mondays: Sequence[date], weeks: Mapping[UUID, Weeks]) -> "Trends":
        """Those of these subjects."""
        figures = (week.get(TREND) for found in weeks.values() for week in found.values())
        return cls(mondays, Scale.over(figures), weeks)

    def row(self, subject: UUID, name: str, figures: Mapping[UUID, Weeks]) -> OverviewRow:
        """The row of a subject."""
        mine = self.weeks.get(subject, NO_WEEKS)
        trend = tuple(mine.get(monday, NO_WEEK).get(TREND) for monday in self.mondays)
        return OverviewRow(
            name=name,
            week=figures.get(subject, NO_WEEKS).get(self.mondays[-1], NO_WEEK),
            trend=trend,
            drawn=drawing(trend, self.scale),
        )


def _chosen(tree: Sequence[Area], region_id: UUID | None) -> Area | None:
    if region_id is None:
        return None
    for one in tree:
        if one.region_id == region_id:
            return one
    raise NotFoundError(f"no region {region_id}")


def _order(
    one: StoreView, weeks: Mapping[UUID, Weeks], monday: date
) -> tuple[bool, bool, float, str]:
    """Where fewest were served in time first; then those without the figure, and trials."""
    served = weeks.get(one.store_id, NO_WEEKS).get(monday, NO_WEEK).get(TREND)
    value = None if served is None else served.value
    return one.is_trial, value is None, value or 0.0, one.name
