"""The schema: one for SQLite and PostgreSQL.

Every table carries `org_id`, the organisation, as the first column of its primary key: it is
the column by which a large installation is spread over machines. What comes from a device
that no organisation has claimed yet stands under `NO_ORGANISATION`. Cells and messages are
only ever inserted.

At each start the tables that are not there yet are made, and those that are there are left as
they are. So a later version may add tables, and neither it nor an earlier one harms the other's.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from server.column_types import JsonText, UtcInstant

NO_ORGANISATION: Final = UUID(int=0)
metadata = MetaData()


class MessageStatus(StrEnum):
    """What became of a message."""

    STORED = "stored"
    REJECTED = "rejected"
    ASIDE = "aside"


class AsideReason(StrEnum):
    """Why something was kept aside instead of being counted."""

    UNKNOWN_DEVICE = "unknown_device"
    UNASSIGNED_POINT = "unassigned_point"
    OUTSIDE_ASSIGNMENT = "outside_assignment"
    WRONG_KIND = "wrong_kind"
    OVERLAPPING_CELL = "overlapping_cell"
    SAME_KEY_OTHER_CONTENT = "same_key_other_content"
    NEWER_VERSION = "newer_version"
    MALFORMED = "malformed"
    WRONG_DEVICE = "wrong_device"
    WRONG_TOPIC = "wrong_topic"
    UNEXPECTED_ERROR = "unexpected_error"


def _org() -> Column[UUID]:
    return Column("org_id", Uuid, primary_key=True)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _message_key(*, primary_key: bool) -> tuple[Column[str], Column[str], Column[int]]:
    return (
        Column("device", String(63), primary_key=primary_key, nullable=False),
        Column("epoch", String(16), primary_key=primary_key, nullable=False),
        Column(
            "sequence",
            BigInteger,
            primary_key=primary_key,
            nullable=False,
            autoincrement=False,
        ),
    )


def _released() -> tuple[Column[Any], ...]:
    """What every released cell has, whatever it is about."""
    counts = (
        *("k", "visits", "left_censored", "passers_by"),
        *("served", "greeted_only", "abandoned", "passed", "still_present"),
    )
    return (
        Column("level", String(16), nullable=False),
        Column("start_at", UtcInstant, nullable=False),
        Column("end_at", UtcInstant, nullable=False),
        *(_count(name) for name in counts),
        Column("waiting", JsonText, nullable=False),
        Column("stay", JsonText, nullable=False),
        *(Column(name, Float, nullable=False) for name in ("observed_s", "bridged_s", "unknown_s")),
        Column("definition_version", Integer, nullable=False),
        Column("geometry_hash", String(64), nullable=False),
        Column("expectations_hash", String(64), nullable=False),
        Column("model", String(80), nullable=False),
    )


def _head() -> tuple[Column[Any], ...]:
    """A signed head, as the heartbeat had it, and when that came."""
    return (
        Column("size", BigInteger, nullable=False),
        Column("root", String(64), nullable=False),
        Column("window_at", UtcInstant, nullable=False),
        Column("signature", String(128), nullable=False),
        Column("received_at", UtcInstant, nullable=False),
    )


organisation = Table(
    "organisation",
    metadata,
    _org(),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)
region = Table(
    "region",
    metadata,
    _org(),
    Column("region_id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid),
    UniqueConstraint("org_id", "slug"),
)
store = Table(
    "store",
    metadata,
    _org(),
    Column("store_id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False),
    Column("name", Text, nullable=False),
    Column("region_id", Uuid),
    Column("timezone", String(64), nullable=False),
    Column("day_starts", String(5), nullable=False),
    Column("opening", JsonText, nullable=False),
    Column("closed", JsonText, nullable=False),
    UniqueConstraint("org_id", "slug"),
)
point = Table(
    "point",
    metadata,
    _org(),
    Column("point_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    Column("slug", String(63), nullable=False),
    Column("label", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("position", Integer, nullable=False),
    UniqueConstraint("org_id", "store_id", "slug"),
)
device = Table(
    "device",
    metadata,
    _org(),
    Column("device", String(63), primary_key=True),
    Column("label", Text, nullable=False),
    Column("store_id", Uuid, nullable=False),
)
assignment = Table(
    "assignment",
    metadata,
    _org(),
    Column("assignment_id", Uuid, primary_key=True),
    Column("device", String(63), nullable=False),
    Column("local_id", String(63), nullable=False),
    Column("point_id", Uuid, nullable=False),
    Column("valid_from", UtcInstant, nullable=False),
    Column("valid_to", UtcInstant),
    UniqueConstraint("org_id", "device", "local_id", "valid_from"),
)
# Stands in `device_status.last_sign_at` for a device of which only retained messages are known.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
device_status = Table(
    "device_status",
    metadata,
    _org(),
    Column("device", String(63), primary_key=True),
    Column("last_sign_at", UtcInstant, nullable=False),
    Column("online", Boolean),
    Column("software", Text),
    Column("faults", JsonText),
    Column("clock", String(16)),
    Column("health_at", UtcInstant),
    Column("reported", JsonText),
)
message = Table(
    "message",
    metadata,
    _org(),
    *_message_key(primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(200)),
    Column("received_at", UtcInstant, nullable=False),
)
progress = Table(
    "progress",
    metadata,
    _org(),
    Column("device", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("up_to", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("changed_at", UtcInstant, nullable=False),
)
window = Table(
    "window",
    metadata,
    _org(),
    *_message_key(primary_key=True),
    Column("start_at", UtcInstant, nullable=False),
    Column("end_at", UtcInstant, nullable=False),
    Column("coverage", String(8), nullable=False),
    Column("clock", String(16), nullable=False),
    Column("invalid", JsonText, nullable=False),
    Index("window_by_time", "org_id", "device", "start_at"),
)
cell = Table(
    "cell",
    metadata,
    _org(),
    Column("cell_id", Uuid, primary_key=True),
    Column("point_id", Uuid, nullable=False),
    *_message_key(primary_key=False),
    *_released(),
    Column("staff", JsonText),
    Index("cell_by_time", "org_id", "point_id", "start_at"),
)
# A device's week, all its points together: the union of cells above, so never added to them.
store_week = Table(
    "store_week",
    metadata,
    _org(),
    Column("week_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    *_message_key(primary_key=False),
    *_released(),
    Column("week", JsonText, nullable=False),
    Index("store_week_by_time", "org_id", "store_id", "start_at"),
    Index("store_week_by_device", "org_id", "device", "start_at"),
)
# The head of a device's ledger that its last heartbeat brought.
ledger_head = Table(
    "ledger_head",
    metadata,
    _org(),
    Column("device", String(63), primary_key=True),
    Column("ledger", String(16), nullable=False),
    *_head(),
)
# For each day (UTC, of receipt) and ledger the largest head that came.
ledger_day = Table(
    "ledger_day",
    metadata,
    _org(),
    Column("device", String(63), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("ledger", String(16), primary_key=True),
    *_head(),
)
aside = Table(
    "aside",
    metadata,
    _org(),
    Column("aside_id", Uuid, primary_key=True),
    Column("device", String(63), nullable=False),
    Column("epoch", String(16)),
    Column("sequence", BigInteger),
    Column("cell_index", Integer),
    Column("sha256", String(64), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", String(200), nullable=False),
    Column("kept_at", UtcInstant, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("aside_by_message", "org_id", "device", "epoch", "sequence"),
)
