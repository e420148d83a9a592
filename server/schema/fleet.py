"""What devices say of themselves, the heads of their ledgers, and audits of them."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
)

from server.column_types import JsonText, UtcInstant
from server.schema.columns import spread

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in `device_status.last_sign_at` for a device of which only retained messages are known."""


def _head() -> tuple[Column[Any], ...]:
    """A signed head, as the heartbeat had it, and when that came."""
    return (
        Column("size", BigInteger, nullable=False),
        Column("root", String(64), nullable=False),
        Column("window_at", UtcInstant, nullable=False),
        Column("signature", String(128), nullable=False),
        Column("received_at", UtcInstant, nullable=False),
    )


device_status = spread(
    "device_status",
    Column("device", String(63), primary_key=True),
    Column("last_sign_at", UtcInstant, nullable=False),
    Column("online", Boolean),
    Column("software", Text),
    Column("faults", JsonText),
    Column("clock", String(16)),
    Column("disk_free_mb", Integer),
    Column("kernel_layers", JsonText),
    Column("certificate_days", Integer),
    Column("speaks", JsonText),
    Column("health_at", UtcInstant),
    Column("reported", JsonText),
)
# What a device reported to be in force, from when on: a row whenever that changed.
device_terms = spread(
    "device_terms",
    Column("device", String(63), primary_key=True),
    Column("since", UtcInstant, primary_key=True),
    Column("greet_within_s", Float, nullable=False),
    Column("serve_within_s", Float, nullable=False),
    Column("k", Integer, nullable=False),
)
# The head of a device's ledger that its last heartbeat brought.
ledger_head = spread(
    "ledger_head",
    Column("device", String(63), primary_key=True),
    Column("ledger", String(16), nullable=False),
    *_head(),
)
# For each day (UTC, of receipt) and ledger the largest head that came; anew once a device goes to
# another store: `part` is 0 for what may still grow, else when that was (Unix time, in us).
ledger_day = spread(
    "ledger_day",
    Column("device", String(63), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("ledger", String(16), primary_key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False, server_default="0"),
    *_head(),
)
# An auditor's report on a device (the JSON beside the page), as somebody handed it in. It stays
# with the store where the device stood then.
audit_report = spread(
    "audit_report",
    Column("report_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    Column("device", String(63), nullable=False),
    Column("made_at", UtcInstant, nullable=False),
    Column("handed_in_at", UtcInstant, nullable=False),
    Column("handed_in_by", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("software", Text, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Index("audit_report_by_device", "org_id", "device", "made_at"),
    Index("audit_report_by_store", "org_id", "store_id", "handed_in_at"),
)
