"""What the pages show, read in one go: the list of stores, and one store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from server import queries
from server.answers import PointAnswer, answer
from server.attention import Attention, attention
from server.figures import PointFigures
from server.heads import KeptHead, latest_heads
from server.periods import Period
from server.queries import DeviceView, StoreView, terms_in_force
from server.scope import Scope
from server.statistics import Share
from server.suppression import count_released, latest_release
from server.totals import StoreTotal, Totals, total_of
from server.web.choices import Choice, Chosen, choose, usual
from server.web.parts import Parts
from server.weeks import DeviceWeeks, latest_weeks

STORES_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A store on the first page: its last seven days, and its devices."""

    store: StoreView
    week: Chosen
    total: StoreTotal
    latest: Period | None
    devices: tuple[DeviceView, ...]

    @property
    def served(self) -> Share | None:
        """The share served in time, where it may be shown."""
        figures = self.total.figures
        served = figures.served_within if isinstance(figures, PointFigures) else None
        return served if isinstance(served, Share) else None


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """Stores, a page at a time: where fewest were served in time comes first.

    Attributes:
        now: the present.
        cards: the stores.
        more: the store after which the next page begins; none on the last page.
    """

    now: datetime
    cards: tuple[StoreCard, ...]
    more: UUID | None


@dataclass(frozen=True, slots=True)
class StorePage:
    """What the store page shows."""

    store: StoreView
    chosen: Chosen
    now: datetime
    total: StoreTotal
    attention: Attention
    answers: tuple[PointAnswer, ...]
    weeks: tuple[DeviceWeeks, ...]
    devices: tuple[DeviceView, ...]
    heads: Mapping[str, KeptHead]

    @property
    def smallest_k(self) -> int:
        """The mildest threshold in force: no figure here is about fewer parties."""
        return min([self.total.smallest_k, *(one.smallest_k for one in self.weeks)])


def overview_page(parts: Parts, scope: Scope, totals: Totals, after: UUID | None) -> OverviewPage:
    """Stores that the caller may see, those where people wait first."""
    now = parts.clock()
    with parts.engine.connect() as connection:
        found = queries.stores(connection, scope, after, STORES_A_PAGE + 1)
        devices = queries.devices(connection, scope, now)
        cards = [_card(connection, totals, one, devices, now) for one in found[:STORES_A_PAGE]]
    more = found[STORES_A_PAGE - 1].store_id if len(found) > STORES_A_PAGE else None
    return OverviewPage(now, tuple(sorted(cards, key=_order)), more)


def _order(card: StoreCard) -> tuple[bool, float, str]:
    served = card.served
    return served is None, 0.0 if served is None else served.value, card.store.name


def _card(
    connection: Connection,
    totals: Totals,
    store: StoreView,
    devices: list[DeviceView],
    now: datetime,
) -> StoreCard:
    here = tuple(one for one in devices if one.store_id == store.store_id)
    week = choose(store.time, now, Choice.LAST_7_DAYS, None, None)
    total = totals.of(connection, store, week.period, terms_in_force(here))
    latest = None if total.parts else _latest(connection, total)
    return StoreCard(store, week, total, latest, here)


def _latest(connection: Connection, total: StoreTotal) -> Period | None:
    """The latest release of any point, for a store without figures."""
    found = [latest_release(connection, one.ref) for one in total.missing]
    return max((one for one in found if one), key=lambda one: one.end, default=None)


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
        points = queries.points(connection, store)
        if choice is None:
            today = choose(store.time, now, Choice.TODAY, None, None).period
            ids = [one.ref.point_id for one in points]
            released = count_released(connection, store.org_id, ids, today) > 0
            chosen = usual(store.time, now, released_today=released)
        else:
            chosen = choose(store.time, now, choice, first, last)
        answers = tuple(answer(connection, store, one, chosen.period, now) for one in points)
        devices = tuple(queries.devices(connection, scope, now, store_id))
        cells = [(one.point, one.released) for one in answers]
        total = total_of(cells, terms_in_force(devices))
        weeks = latest_weeks(connection, store, devices, chosen.period)
        heads = latest_heads(connection, devices)
    look_at = attention(answers, total)
    return StorePage(store, chosen, now, total, look_at, answers, weeks, devices, heads)
