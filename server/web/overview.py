"""The first page: what needs attention, then regions and stores, from rows of `standing` alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from server import queries
from server.errors import NotFoundError
from server.periods import monday_of
from server.queries import Alive, DeviceView, StoreView
from server.schema.identity import organisation, region, store
from server.scope import Scope
from server.web import standings
from server.web.parts import Parts
from server.web.reasons import COMPARED, Note, notes
from server.web.sparklines import Drawing, Scale, drawing
from server.web.standings import NO_WEEK, NO_WEEKS, Figure, Week, Weeks
from server.web.working import working

STORES_A_PAGE = 25
NOTES_SHOWN = 6
TREND_WEEKS = 8
EARLIER_WEEKS = 4
TREND = "served_within"
SETTLES = timedelta(days=2)
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
    devices: tuple[DeviceView, ...] = ()

    @property
    def troubled(self) -> tuple[DeviceView, ...]:
        """Devices that are silent or offline."""
        return tuple(one for one in self.devices if one.alive in (Alive.SILENT, Alive.OFFLINE))


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What the first page shows.

    Attributes:
        now: the present.
        monday: of the week shown.
        running: whether that week is not over yet.
        mondays: of the weeks of the trends.
        notes: stores that need attention; the first few stand open.
        areas: organisations and regions.
        rows: the stores of this page, where fewest were served in time first.
        scale: of all trends.
        region: the region whose stores are shown; none: all.
        number, last: of this page of stores.
        stores: how many stores there are in it.
    """

    now: datetime
    monday: date
    running: bool
    mondays: tuple[date, ...]
    notes: tuple[Note, ...]
    areas: tuple[OverviewRow, ...]
    rows: tuple[OverviewRow, ...]
    scale: Scale
    region: str | None
    region_id: UUID | None
    number: int
    last: int
    stores: int

    @property
    def first_notes(self) -> tuple[Note, ...]:
        """Those that stand open."""
        return self.notes[:NOTES_SHOWN]

    @property
    def more_notes(self) -> tuple[Note, ...]:
        """The others."""
        return self.notes[NOTES_SHOWN:]


def shown_week(now: datetime) -> date:
    """The Monday of the week that ran two days ago: a week is shown from its third day on."""
    return monday_of((now - SETTLES).date())


def overview_page(
    parts: Parts, scope: Scope, region_id: UUID | None = None, number: int = 1
) -> OverviewPage:
    """The first page, of the stores and whole regions that the caller may see.

    Raises:
        NotFoundError: no such region in `scope`.
    """
    now = parts.clock()
    monday = shown_week(now)
    mondays = tuple(monday - timedelta(weeks=back) for back in reversed(range(TREND_WEEKS)))
    with parts.engine.connect() as connection:
        stores = queries.stores(connection, scope, limit=ALL)
        devices = working(connection, scope, queries.devices(connection, scope, now))
        weeks = standings.of_stores(connection, scope, [monday])
        earlier = mondays[-1 - EARLIER_WEEKS : -1]
        past = standings.of_stores(connection, scope, earlier, [*COMPARED, "visits"])
        areas = _areas(connection, scope, mondays)
        chosen = _chosen(areas, region_id)
        inside = stores if chosen is None else _inside(connection, stores, areas, chosen)
        ordered = sorted(inside, key=lambda one: _order(one, weeks, monday))
        last = max(1, -(-len(ordered) // STORES_A_PAGE))
        number = min(max(1, number), last)
        page = ordered[(number - 1) * STORES_A_PAGE : number * STORES_A_PAGE]
        wanted = [one.store_id for one in page]
        trends = standings.of_stores(connection, scope, mondays, [TREND], wanted)
    drawn = Trends.of(mondays, [*(one.weeks for one in areas), *trends.values()])
    known = {one: {**past.get(one, {}), **weeks.get(one, {})} for one in {*past, *weeks}}
    of_store: dict[UUID, list[DeviceView]] = {}
    for device in devices:
        of_store.setdefault(device.store_id, []).append(device)
    return OverviewPage(
        now=now,
        monday=monday,
        running=monday_of(now.date()) == monday,
        mondays=mondays,
        notes=tuple(notes(stores, known, devices, monday, earlier)),
        areas=tuple(_area_row(one, drawn) for one in _opened(areas, chosen)),
        rows=tuple(
            OverviewRow(
                name=one.name,
                week=weeks.get(one.store_id, NO_WEEKS).get(monday, NO_WEEK),
                trend=drawn.trend(trends.get(one.store_id, NO_WEEKS)),
                drawn=drawn.drawing(trends.get(one.store_id, NO_WEEKS)),
                store=one,
                devices=tuple(of_store.get(one.store_id, ())),
            )
            for one in page
        ),
        scale=drawn.scale,
        region=None if chosen is None else chosen.name,
        region_id=region_id,
        number=number,
        last=last,
        stores=len(ordered),
    )


@dataclass(frozen=True, slots=True)
class Trends:
    """The trends of one page, all on one scale."""

    mondays: Sequence[date]
    scale: Scale

    @classmethod
    def of(cls, mondays: Sequence[date], shown: Iterable[Weeks]) -> "Trends":
        """Those of these subjects."""
        scale = Scale.over(week.get(TREND) for weeks in shown for week in weeks.values())
        return cls(mondays, scale)

    def trend(self, weeks: Weeks) -> tuple[Figure | None, ...]:
        """One subject's figures, the earliest week first."""
        return tuple(weeks.get(monday, NO_WEEK).get(TREND) for monday in self.mondays)

    def drawing(self, weeks: Weeks) -> Drawing:
        """They as a drawing."""
        return drawing(self.trend(weeks), self.scale)


@dataclass(frozen=True, slots=True)
class Area:
    """A region that is seen whole, or an organisation, which has no `region_id`."""

    org_id: UUID
    region_id: UUID | None
    parent_id: UUID | None
    name: str
    depth: int
    weeks: Weeks


def _areas(connection: Connection, scope: Scope, mondays: Sequence[date]) -> list[Area]:
    """Organisations and regions that are seen whole, each before those below it."""
    orgs = connection.execute(
        scope.limit(select(organisation), organisation).order_by(organisation.c.name)
    ).all()
    org_ids = [one.org_id for one in orgs]
    query = select(region).where(region.c.org_id.in_(org_ids)).order_by(region.c.name)
    regions = connection.execute(scope.limit(query, region)).all()
    weeks = standings.of_regions(connection, scope, mondays)
    whole = [one for one in org_ids if scope.sees_organisation(one)]
    weeks |= standings.of_organisations(connection, whole, mondays)
    found: list[Area] = []
    for org in orgs:
        mine = [one for one in regions if one.org_id == org.org_id]
        if org.org_id in whole:
            of_org = weeks.get(org.org_id, NO_WEEKS)
            found.append(Area(org.org_id, None, None, org.name, 0, of_org))
        found += _below(mine, weeks, depth=1 if org.org_id in whole else 0)
    return found


def _below(regions: Sequence[Row[Any]], weeks: Mapping[UUID, Weeks], depth: int) -> list[Area]:
    """Regions of one organisation as a tree: the tops are those whose parent is not seen."""
    known = {one.region_id for one in regions}
    children: dict[UUID | None, list[Row[Any]]] = {}
    for one in regions:
        children.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    found: list[Area] = []
    waiting = [(one, depth) for one in reversed(children.get(None, []))]
    while waiting:
        one, deep = waiting.pop()
        of_region = weeks.get(one.region_id, NO_WEEKS)
        found.append(Area(one.org_id, one.region_id, one.parent_id, one.name, deep, of_region))
        waiting += [(each, deep + 1) for each in reversed(children.get(one.region_id, []))]
    return found


def _chosen(areas: Sequence[Area], region_id: UUID | None) -> Area | None:
    if region_id is None:
        return None
    for one in areas:
        if one.region_id == region_id:
            return one
    raise NotFoundError(f"no region {region_id}")


def _opened(areas: Sequence[Area], chosen: Area | None) -> list[Area]:
    """The areas that are shown: the uppermost two levels; or those above a region, and below it."""
    if chosen is None:
        return [one for one in areas if one.depth <= 1]
    by_id = {one.region_id: one for one in areas if one.region_id is not None}
    path = [chosen]
    while path[-1].parent_id in by_id and path[-1].parent_id is not None:
        path.append(by_id[path[-1].parent_id])
    return [
        one
        for one in areas
        if one in path
        or (one.parent_id == chosen.region_id and one.region_id is not None)
        or (one.region_id is None and one.org_id == chosen.org_id)
    ]


def _inside(
    connection: Connection, stores: Sequence[StoreView], areas: Sequence[Area], chosen: Area
) -> list[StoreView]:
    """The stores of a region and of those below it."""
    regions = {chosen.region_id}
    for one in areas:  # each stands after the one above it
        if one.parent_id in regions and one.parent_id is not None:
            regions.add(one.region_id)
    ids = set(
        connection.execute(
            select(store.c.store_id).where(
                store.c.org_id == chosen.org_id, store.c.region_id.in_(regions)
            )
        ).scalars()
    )
    return [one for one in stores if one.store_id in ids]


def _order(
    one: StoreView, weeks: Mapping[UUID, Weeks], monday: date
) -> tuple[bool, bool, float, str]:
    """Where fewest were served in time first; then those without the figure, and trials."""
    served = weeks.get(one.store_id, NO_WEEKS).get(monday, NO_WEEK).get(TREND)
    value = None if served is None else served.value
    return one.is_trial, value is None, value or 0.0, one.name


def _area_row(one: Area, drawn: Trends) -> OverviewRow:
    return OverviewRow(
        name=one.name,
        week=one.weeks.get(drawn.mondays[-1], NO_WEEK),
        trend=drawn.trend(one.weeks),
        drawn=drawn.drawing(one.weeks),
        region_id=one.region_id,
        depth=one.depth,
    )
