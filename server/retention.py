"""How long what is kept is kept, and letting go of the rest.

| what | for |
|---|---|
| windows, cells, roll-ups by the hour | 13 months |
| roll-ups by day and week, spans, standing figures, devices' weeks | 5 years |
| what devices reported to be in force | 5 years after it changed: roll-ups are asked for it |
| bytes of stored messages | 7 days |
| keys of messages, at or below what is settled | 40 days: devices keep theirs for 35 |
| what was kept aside and nobody can read | 30 days; what may still be placed: 13 months |
| the log of who saw what | 12 months |
| ended sessions | none; used or ended links, ended or revoked tokens: 30 days |
| heads of ledgers, one a day | 90 days |

On PostgreSQL, whole parts of the big tables are dropped; each table is a transaction of its
own, so that one that is busy holds no other up. Roll-ups of days whose cells are gone stay as
they are: the job makes none anew that is older than `server.rollups_due.COUNTED_FOR`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Table, and_, delete, exists, or_, text

from server.database import writer
from server.ingest.heads import purge_heads
from server.parts_of_time import KEPT, forget, kept_for, make_parts
from server.rollups.calendar import Grain
from server.schema.access import access_log, api_token, one_time_link, session
from server.schema.cells import cell, store_week, window
from server.schema.fleet import device_terms
from server.schema.messages import AsideReason, MessageStatus, aside, message, progress, raw_message
from server.schema.rollups import rollup, standing

CELLS = KEPT
YEARS = timedelta(days=5 * 365 + 1)
KEYS = timedelta(days=40)
UNREADABLE = timedelta(days=30)
ENDED = timedelta(days=30)
NEVER_READ = (
    AsideReason.MALFORMED,
    AsideReason.WRONG_DEVICE,
    AsideReason.WRONG_TOPIC,
    AsideReason.NEWER_VERSION,
)
WAIT_AT_MOST = "10s"
"""Dropping a part waits for readers of its table, and later ones wait for it: not for long."""


@dataclass(frozen=True, slots=True)
class Retained:
    """What was let go: rows, or parts of a table, by the name of the table; and parts made."""

    gone: dict[str, int]
    parts_made: int

    @property
    def total(self) -> int:
        """All that was let go."""
        return sum(self.gone.values())


def retain(engine: Engine, now: datetime) -> Retained:
    """Let go of everything that was kept long enough, and make the parts that are wanted next."""
    gone = {name: _alone(engine, work, now) for name, work in _WORK.items()}
    made = _alone(engine, lambda connection, _: len(make_parts(connection)), now)
    return Retained({name: count for name, count in gone.items() if count}, made)


def _alone(engine: Engine, work: Callable[[Connection, datetime], int], now: datetime) -> int:
    with writer(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_AT_MOST}'"))
        return work(connection, now)


def _parted(table: Table, kept: timedelta | None = None) -> Callable[[Connection, datetime], int]:
    back = kept_for(table) if kept is None else kept
    return lambda connection, now: forget(connection, table, now - back)


def _hours(connection: Connection, now: datetime) -> int:
    """Roll-ups by the hour; those of other grains share their parts and stay."""
    old = and_(rollup.c.grain == Grain.HOUR.value, rollup.c.start_at < now - CELLS)
    return connection.execute(delete(rollup).where(old)).rowcount


def _standing(connection: Connection, now: datetime) -> int:
    old = standing.c.week < (now - YEARS).date()
    return connection.execute(delete(standing).where(old)).rowcount


def _store_weeks(connection: Connection, now: datetime) -> int:
    old = store_week.c.start_at < now - YEARS
    return connection.execute(delete(store_week).where(old)).rowcount


def _terms(connection: Connection, now: datetime) -> int:
    """What was not in force any more at the beginning of that time."""
    later = device_terms.alias()
    changed = exists().where(
        later.c.org_id == device_terms.c.org_id,
        later.c.device == device_terms.c.device,
        later.c.since > device_terms.c.since,
        later.c.since < now - YEARS,
    )
    return connection.execute(delete(device_terms).where(changed.correlate(device_terms))).rowcount


def _keys(connection: Connection, now: datetime) -> int:
    """Keys at or below what is settled, of which nothing is aside; ingest asks for the window."""
    settled = exists().where(
        progress.c.org_id == message.c.org_id,
        progress.c.device == message.c.device,
        progress.c.epoch == message.c.epoch,
        message.c.sequence <= progress.c.up_to,
    )
    kept_aside = exists().where(
        message.c.status == MessageStatus.ASIDE.value,
        *(aside.c[name] == message.c[name] for name in ("org_id", "device", "epoch", "sequence")),
    )
    old = message.c.received_at < now - KEYS
    return connection.execute(delete(message).where(old, settled, ~kept_aside)).rowcount


def _asides(connection: Connection, now: datetime) -> int:
    never_read = aside.c.reason.in_([reason.value for reason in NEVER_READ])
    old = or_(
        and_(never_read, aside.c.kept_at < now - UNREADABLE),
        aside.c.kept_at < now - CELLS,
    )
    return connection.execute(delete(aside).where(old)).rowcount


def _sessions(connection: Connection, now: datetime) -> int:
    return connection.execute(delete(session).where(session.c.ends_at < now)).rowcount


def _links(connection: Connection, now: datetime) -> int:
    old = or_(one_time_link.c.ends_at < now - ENDED, one_time_link.c.used_at < now - ENDED)
    return connection.execute(delete(one_time_link).where(old)).rowcount


def _tokens(connection: Connection, now: datetime) -> int:
    old = or_(api_token.c.ends_at < now - ENDED, api_token.c.revoked_at < now - ENDED)
    return connection.execute(delete(api_token).where(old)).rowcount


_WORK: dict[str, Callable[[Connection, datetime], int]] = {
    "window": _parted(window),
    "cell": _parted(cell),
    "rollup_hour": _hours,
    "rollup": _parted(rollup, YEARS),
    "standing": _standing,
    "store_week": _store_weeks,
    "device_terms": _terms,
    "raw_message": _parted(raw_message),
    "message": _keys,
    "aside": _asides,
    "access_log": _parted(access_log),
    "session": _sessions,
    "one_time_link": _links,
    "api_token": _tokens,
    "ledger_day": purge_heads,
}
