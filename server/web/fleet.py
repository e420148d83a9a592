"""The page of the fleet: each device's state, and what of the last day came from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, select

from firmware_cfg.messages import Coverage
from server import queries
from server.periods import LONGEST_WINDOW, Period, intersect, subtract, union
from server.queries import (
    Alive,
    CoverageRange,
    DeviceView,
    StoreView,
    Which,
    alive_at,
    coverage_range,
)
from server.schema.cells import window
from server.schema.fleet import NEVER, device_status
from server.schema.identity import device
from server.scope import Scope
from server.unseen import length_ms
from server.web.parts import Parts

DEVICES_A_PAGE = 40
A_DAY = timedelta(days=1)
SETTLES_AFTER = timedelta(hours=2)
CERTIFICATE_SOON_DAYS = 30
DISK_LOW_MB = 500
VITALS = ("certificate_days", "disk_free_mb", "health_at")
WORST_FIRST = (Alive.SILENT, Alive.OFFLINE, Alive.NEVER_SEEN, Alive.ONLINE)
ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a device's last heartbeat said, beside what `DeviceView` holds.

    Attributes:
        heard_at: when that heartbeat came.
        certificate_days: until its certificate ends, from now on; none: it has none.
        disk_free_mb: free on its disk.
        layers: what the kernel enforces.
    """

    heard_at: datetime | None = None
    certificate_days: int | None = None
    disk_free_mb: int | None = None
    layers: tuple[str, ...] = ()

    @property
    def certificate_ends_soon(self) -> bool:
        """Whether somebody should renew it."""
        return self.certificate_days is not None and self.certificate_days < CERTIFICATE_SOON_DAYS

    @property
    def disk_is_low(self) -> bool:
        """Whether little is left."""
        return self.disk_free_mb is not None and self.disk_free_mb < DISK_LOW_MB


@dataclass(frozen=True, slots=True)
class LastDay:
    """What of a day of opening time came from a device.

    Attributes:
        windows: how many windows came.
        missing_h: hours of opening time about which nothing came.
        blind: hours in which nothing could be measured, by reason.
        coverage: of the windows that came, and of opening time about which nothing came.
    """

    windows: int = 0
    missing_h: float = 0.0
    blind: Mapping[str, float] = field(default_factory=dict)
    coverage: CoverageRange | None = None


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A device, its store, and all that is known of it."""

    device: DeviceView
    store: StoreView
    vitals: Vitals
    day: LastDay


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Devices, those that need somebody first; `counts` by state, of all of them."""

    now: datetime
    period: Period
    counts: Mapping[Alive, int]
    faulty: int
    rows: tuple[FleetRow, ...]
    number: int
    last: int


def fleet_page(parts: Parts, scope: Scope, number: int = 1) -> FleetPage:
    """The devices that the caller may see, a page at a time."""
    now = parts.clock()
    period = Period(now - SETTLES_AFTER - A_DAY, now - SETTLES_AFTER)
    with parts.engine.connect() as connection:
        stores = {one.store_id: one for one in queries.stores(connection, scope, limit=ALL)}
        every = _at_work(connection, scope, stores, now, period)
        last = max(1, -(-len(every) // DEVICES_A_PAGE))
        number = min(max(1, number), last)
        page = _views(
            connection, scope, every[(number - 1) * DEVICES_A_PAGE : number * DEVICES_A_PAGE], now
        )
        vitals = _vitals(connection, page, now)
        received = _received(connection, page, period)
    rows = [
        FleetRow(
            one,
            stores[one.store_id],
            vitals.get((one.org_id, one.device), Vitals()),
            last_day(stores[one.store_id], received.get((one.org_id, one.device), []), period),
        )
        for one in page
    ]
    return FleetPage(
        now=now,
        period=period,
        counts=Counter(one.alive for one in every),
        faulty=sum(one.is_faulty for one in every),
        rows=tuple(rows),
        number=number,
        last=last,
    )


@dataclass(frozen=True, slots=True)
class _AtWork:
    """The little of a device by which all of them are counted and put in order."""

    device: str
    store: str
    alive: Alive
    is_faulty: bool
    vitals: Vitals
    clock: str | None
    sent_nothing: bool

    @property
    def needs_somebody(self) -> bool:
        """Whether the page names anything of it as wrong, though it is heard of."""
        vitals = self.vitals
        return (
            self.is_faulty
            or self.sent_nothing
            or vitals.disk_is_low
            or vitals.certificate_ends_soon
            or self.clock not in (None, "synchronised")
        )

    @property
    def order(self) -> tuple[int, bool, int, str, str]:
        """Those that need somebody come first; of these, those whose certificate ends first."""
        days = self.vitals.certificate_days
        until = CERTIFICATE_SOON_DAYS if days is None else min(days, CERTIFICATE_SOON_DAYS)
        of_state = WORST_FIRST.index(self.alive)
        return of_state, not self.needs_somebody, until, self.store, self.device


def _at_work(
    connection: Connection,
    scope: Scope,
    stores: Mapping[UUID, StoreView],
    now: datetime,
    period: Period,
) -> list[_AtWork]:
    """The devices of these stores that are not retired, in order; `period` is the last day."""
    same = (device_status.c.org_id == device.c.org_id) & (device_status.c.device == device.c.device)
    came = exists().where(
        window.c.org_id == device.c.org_id,
        window.c.device == device.c.device,
        window.c.start_at > period.start - LONGEST_WINDOW,
        window.c.start_at < period.end,
        window.c.end_at > period.start,
    )
    columns = device_status.c["last_sign_at", "online", "faults", "clock", *VITALS]
    query = (
        select(device.c.device, device.c.store_id, *columns, came.label("came"))
        .outerjoin(device_status, same)
        .where(device.c.retired_at.is_(None))
    )
    rows = connection.execute(scope.limit(query, device))
    found = (
        _at_work_of(row, stores[row.store_id], now, period)
        for row in rows
        if row.store_id in stores
    )
    return sorted(found, key=lambda one: one.order)


def _at_work_of(row: Row[Any], store: StoreView, now: datetime, period: Period) -> _AtWork:
    heard_at = None if row.last_sign_at == NEVER else row.last_sign_at
    return _AtWork(
        device=row.device,
        store=store.name,
        alive=alive_at(heard_at, now, said_goodbye=row.online is False),
        is_faulty=bool(row.faults),
        vitals=Vitals(row.health_at, _days_left(row, now), row.disk_free_mb),
        clock=row.clock,
        sent_nothing=not row.came and bool(store.time.open_times(period)),
    )


def _views(
    connection: Connection, scope: Scope, some: Sequence[_AtWork], now: datetime
) -> list[DeviceView]:
    """These devices, in their order; an id is one device's, whoever has it."""
    which = Which(names=[one.device for one in some])
    known = {one.device: one for one in queries.devices(connection, scope, now, which=which)}
    return [known[one.device] for one in some]


_Key = tuple[UUID, str]


def _vitals(
    connection: Connection, devices: Sequence[DeviceView], now: datetime
) -> dict[_Key, Vitals]:
    rows = connection.execute(
        select(device_status).where(
            device_status.c.org_id.in_({one.org_id for one in devices}),
            device_status.c.device.in_([one.device for one in devices]),
        )
    )
    return {(row.org_id, row.device): _vital(row, now) for row in rows}


def _vital(row: Row[Any], now: datetime) -> Vitals:
    layers = tuple(row.kernel_layers or ())
    return Vitals(row.health_at, _days_left(row, now), row.disk_free_mb, layers)


def _days_left(row: Row[Any], now: datetime) -> int | None:
    """Until the certificate ends, from now on."""
    days: int | None = row.certificate_days
    if days is None or row.health_at is None:
        return days
    gone: int = (now - row.health_at).days
    return days - max(0, gone)


def _received(
    connection: Connection, devices: Sequence[DeviceView], period: Period
) -> dict[_Key, list[Row[Any]]]:
    same = (device.c.org_id == window.c.org_id) & (device.c.device == window.c.device)
    rows = connection.execute(
        select(window)
        .join(device, same)
        .where(
            window.c.org_id.in_({one.org_id for one in devices}),
            window.c.device.in_([one.device for one in devices]),
            window.c.start_at >= period.start - A_DAY,
            window.c.start_at < period.end,
            window.c.end_at > period.start,
        )
    )
    found: dict[_Key, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault((row.org_id, row.device), []).append(row)
    return found


def last_day(store: StoreView, rows: Sequence[Row[Any]], period: Period) -> LastDay:
    """What came from a device about `period`, given the rows of its windows."""
    opening = store.time.open_times(period)
    times = [Period(row.start_at, row.end_at) for row in rows]
    blind: dict[str, list[Period]] = {}
    for row in rows:
        for one in row.invalid or ():
            span = Period(_instant(one["start"]), _instant(one["end"]))
            blind.setdefault(one["reason"], []).append(span)
    missing = subtract(opening, times)
    return LastDay(
        windows=len(rows),
        missing_h=_hours(missing),
        blind={reason: _hours(intersect(opening, union(spans))) for reason, spans in blind.items()},
        coverage=coverage_range(
            [(Period(row.start_at, row.end_at), Coverage(row.coverage)) for row in rows],
            length_ms(missing),
        ),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _hours(periods: Sequence[Period]) -> float:
    return round(sum(one.length_s for one in periods) / 3600, 1)
