"""What a store sends, at which threshold, and what was hidden and why.

Only periods are counted here, never the visits of one: how long a time is without figures says
nothing about how many came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from firmware_cfg.messages import HEALTH_BYTES
from firmware_cfg.sealing import window_bytes
from server import queries
from server.answers import PointAnswer, answer
from server.audit_reports import AuditReport, reports
from server.heads import KeptHead, heads_by_day, latest_heads
from server.periods import Period
from server.queries import HEARTBEAT, DeviceView, PointView, StoreView
from server.schema.cells import cell, store_week, window
from server.schema.fleet import device_status
from server.scope import Scope
from server.terms import Terms, latest_k
from server.unions import Union
from server.web.choices import Choice, choose
from server.web.gaps import Missing, missing_of
from server.web.parts import Parts

A_DAY = timedelta(days=1)
WEEKS_BACK = timedelta(days=35)
REPORTS_SHOWN = 50


class Team(StrEnum):
    """How what depends on staff is released, as far as it can be seen here."""

    WITH_PERIODS = "with_periods"
    PER_WEEK = "per_week"
    NOT_AT_ALL = "not_at_all"


@dataclass(frozen=True, slots=True)
class Sends:
    """What a device sends.

    Attributes:
        window_s: length of a window; none: it has not reported.
        window_bytes: of each window message, whatever was seen.
        windows_a_day: at most so many.
        windows_came: in the last seven whole days.
        heartbeats_a_day, heartbeat_bytes: the same of heartbeats.
        k: the threshold that it reports.
    """

    window_s: int | None
    window_bytes: int | None
    windows_a_day: int | None
    windows_came: int
    k: int | None
    heartbeats_a_day: int = A_DAY // HEARTBEAT
    heartbeat_bytes: int = HEALTH_BYTES

    @property
    def bytes_a_day(self) -> int | None:
        """All its messages of a day together, at most."""
        if self.window_bytes is None or self.windows_a_day is None:
            return None
        heartbeats = self.heartbeats_a_day * self.heartbeat_bytes
        return self.window_bytes * self.windows_a_day + heartbeats


@dataclass(frozen=True, slots=True)
class DevicePrivacy:
    """A device of a store: what it sends, and the heads of its ledger."""

    device: DeviceView
    sends: Sends
    head: KeptHead | None
    heads: tuple[KeptHead, ...]


@dataclass(frozen=True, slots=True)
class StorePrivacy:
    """What the page shows of one store.

    Attributes:
        days: the seven whole days that it is about.
        k: the strictest threshold of the cells of these days, else of the latest ones; before
            there are any, the one reported.
        team: how what depends on staff is released.
        hidden: of each point, the time without figures by reason.
        reports: of audits of devices that stood here.
    """

    store: StoreView
    now: datetime
    days: Period
    k: int
    team: Team
    hidden: tuple[tuple[PointView, tuple[Missing, ...]], ...]
    devices: tuple[DevicePrivacy, ...]
    reports: tuple[AuditReport, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


def store_privacy(parts: Parts, scope: Scope, store_id: UUID) -> StorePrivacy:
    """The privacy page of a store.

    Raises:
        NotFoundError: no such store in `scope`.
    """
    now = parts.clock()
    with parts.engine.connect() as connection:
        store = queries.store_by_id(connection, scope, store_id)
        days = choose(store.time, now, Choice.LAST_7_DAYS, None, None).period
        points = queries.points(connection, store)
        answers = [answer(connection, store, one, days, now) for one in points]
        devices = queries.devices(connection, scope, now, store_id)
        sends = _sends(connection, store, devices, days)
        latest = latest_heads(connection, devices)
        return StorePrivacy(
            store=store,
            now=now,
            days=days,
            k=_k(connection, store, answers),
            team=_team(connection, store, points, Period(days.end - WEEKS_BACK, days.end)),
            hidden=tuple((one.point, missing_of(one.steps)) for one in answers),
            devices=tuple(
                DevicePrivacy(
                    one,
                    sends[one.device],
                    latest.get(one.device),
                    tuple(heads_by_day(connection, scope, one.device)),
                )
                for one in devices
            ),
            reports=tuple(
                reports(
                    connection,
                    scope,
                    org_id=store.org_id,
                    store_id=store_id,
                    limit=REPORTS_SHOWN,
                )
            ),
            labels={one.device: one.label for one in devices},
        )


def _k(connection: Connection, store: StoreView, answers: Sequence[PointAnswer]) -> int:
    released = [one.released.k for one in answers if isinstance(one.released, Union)]
    if released:
        return max(released)
    latest = latest_k(connection, {(store.org_id, store.store_id)})
    return latest.get(store.store_id) or max((one.k for one in answers), default=Terms().k)


def _sends(
    connection: Connection, store: StoreView, devices: Sequence[DeviceView], days: Period
) -> dict[str, Sends]:
    org_id = store.org_id
    names = [one.device for one in devices]
    reported = {
        row.device: row.reported
        for row in connection.execute(
            select(device_status.c.device, device_status.c.reported).where(
                device_status.c.org_id == org_id, device_status.c.device.in_(names)
            )
        )
    }
    came = {
        row.device: row.windows
        for row in connection.execute(
            select(window.c.device, func.count().label("windows"))
            .where(
                window.c.org_id == org_id,
                window.c.device.in_(names),
                window.c.start_at >= days.start,
                window.c.start_at < days.end,
            )
            .group_by(window.c.device)
        )
    }
    return {name: _sent(store, days, reported.get(name), came.get(name, 0)) for name in names}


def _sent(store: StoreView, days: Period, reported: dict[str, Any] | None, came: int) -> Sends:
    if reported is None:
        return Sends(None, None, None, came, None)
    window_s = int(reported["window_s"])
    windows = max(1, _windows_a_day(store, days, window_s))
    return Sends(window_s, window_bytes(windows), windows, came, int(reported["k"]))


def _windows_a_day(store: StoreView, days: Period, window_s: int) -> int:
    """The most windows with opening time in one of these days; windows stand on the clock."""
    counts: Counter[date] = Counter()
    for span in store.time.open_times(days):
        first = int(span.start.timestamp()) // window_s
        after = -(-int(span.end.timestamp()) // window_s)
        for number in range(first, after):
            at = datetime.fromtimestamp(number * window_s, UTC)
            counts[store.time.trading_day(max(at, span.start))] += 1
    return max(counts.values(), default=0)


def _team(
    connection: Connection, store: StoreView, points: Sequence[PointView], lately: Period
) -> Team:
    ids = [one.ref.point_id for one in points]
    staffed = connection.execute(
        select(cell.c.cell_id)
        .where(
            cell.c.org_id == store.org_id,
            cell.c.point_id.in_(ids),
            cell.c.start_at >= lately.start,
            cell.c.start_at < lately.end,
            cell.c.staff.is_not(None),
        )
        .limit(1)
    ).first()
    if staffed is not None:
        return Team.WITH_PERIODS
    weekly = connection.execute(
        select(store_week.c.week_id)
        .where(
            store_week.c.org_id == store.org_id,
            store_week.c.store_id == store.store_id,
            store_week.c.start_at >= lately.start,
        )
        .limit(1)
    ).first()
    return Team.NOT_AT_ALL if weekly is None else Team.PER_WEEK
