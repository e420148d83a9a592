"""Keeping the heads of devices' ledgers, which their heartbeats bring.

Of each device the latest head, and for 90 days the largest one of each day: an auditor holds
them against the device's own ledger. The largest, not the last: a ledger that was set back to
an older state brings smaller heads, and must not take the place of the evidence against it.
Signatures are kept as they came; this server has no device's key to check them with.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from firmware_cfg.messages import LedgerHead
from server.schema.fleet import ledger_day, ledger_head

DAYS_KEPT = 90


def keep_head(
    connection: Connection, org_id: UUID, device: str, head: LedgerHead, now: datetime
) -> None:
    """Keep the head of a heartbeat that came at `now`."""
    values = {"size": head.size, "root": head.root, "window_at": head.window}
    values |= {"signature": head.signature, "received_at": now}
    here = (ledger_head.c.org_id == org_id) & (ledger_head.c.device == device)
    latest = values | {"ledger": head.ledger}
    if connection.execute(update(ledger_head).where(here).values(latest)).rowcount == 0:
        connection.execute(insert(ledger_head).values(org_id=org_id, device=device, **latest))
    day = now.astimezone(UTC).date()
    same = (ledger_day.c.org_id == org_id) & (ledger_day.c.device == device)
    same &= (ledger_day.c.day == day) & (ledger_day.c.ledger == head.ledger)
    size: int | None = connection.execute(select(ledger_day.c.size).where(same)).scalar()
    if size is None:
        key = {"org_id": org_id, "device": device, "day": day, "ledger": head.ledger}
        connection.execute(insert(ledger_day).values(key | values))
    elif size < head.size:
        connection.execute(update(ledger_day).where(same).values(values))


def purge_heads(connection: Connection, now: datetime) -> int:
    """Delete the heads of days that are more than 90 days past; how many."""
    first = now.astimezone(UTC).date() - timedelta(days=DAYS_KEPT)
    return connection.execute(delete(ledger_day).where(ledger_day.c.day < first)).rowcount
