"""Keeping the heads of devices' ledgers, which their heartbeats bring.

Of each device the latest head, and for 90 days the largest one of each day: an auditor holds
them against the device's own ledger. The largest, not the last: a ledger that was set back to
an older state brings smaller heads, and must not take the place of the evidence against it.
Signatures are kept as they came; this server has no device's key to check them with.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete

from firmware_cfg.messages import LedgerHead
from server.at_once import upsert_all
from server.ingest.rows import Row
from server.schema.fleet import ledger_day, ledger_head

DAYS_KEPT = 90
HEAD = ("size", "root", "window_at", "signature", "received_at")


def keep_heads(
    connection: Connection, heads: Sequence[tuple[UUID, str, LedgerHead]], now: datetime
) -> None:
    """Keep heads of heartbeats that came at `now`, in this order."""
    day = now.astimezone(UTC).date()
    latest: dict[tuple[UUID, str], Row] = {}
    largest: dict[tuple[UUID, str, str], Row] = {}
    for org_id, device, head in heads:
        key = {"org_id": org_id, "device": device}
        values = {"size": head.size, "root": head.root, "window_at": head.window}
        values |= {"signature": head.signature, "received_at": now}
        latest[org_id, device] = key | {"ledger": head.ledger} | values
        there = largest.get((org_id, device, head.ledger))
        if there is None or there["size"] < head.size:
            of_day = key | {"day": day, "ledger": head.ledger} | values
            largest[org_id, device, head.ledger] = of_day
    rows = [row for _, row in sorted(latest.items())]
    upsert_all(connection, ledger_head, rows, ("ledger", *HEAD))
    rows = [row for _, row in sorted(largest.items())]
    upsert_all(connection, ledger_day, rows, HEAD, if_larger="size")


def purge_heads(connection: Connection, now: datetime) -> int:
    """Delete the heads of days that are more than 90 days past; how many."""
    first = now.astimezone(UTC).date() - timedelta(days=DAYS_KEPT)
    return connection.execute(delete(ledger_day).where(ledger_day.c.day < first)).rowcount
