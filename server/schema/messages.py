"""What came: each message's key and fate, its bytes for a while, and what was kept aside."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, String, Uuid, text

from server.column_types import UtcInstant
from server.schema.columns import message_key, spread


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
    IMPLAUSIBLE_TIME = "implausible_time"
    SAME_KEY_OTHER_CONTENT = "same_key_other_content"
    NEWER_VERSION = "newer_version"
    MALFORMED = "malformed"
    WRONG_DEVICE = "wrong_device"
    WRONG_TOPIC = "wrong_topic"
    UNEXPECTED_ERROR = "unexpected_error"


ONLY_REJECTED = text("status = 'rejected'")

message = spread(
    "message",
    *message_key(primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(200)),
    Column("received_at", UtcInstant, nullable=False),
    # Of the few that were rejected: each acknowledgement repeats the latest of its stream.
    Index(
        "message_rejected",
        *("org_id", "device", "epoch", "sequence"),
        sqlite_where=ONLY_REJECTED,
        postgresql_where=ONLY_REJECTED,
    ),
)
# The bytes of stored windows, without the zeros that fill them up; kept for a week.
raw_message = spread(
    "raw_message",
    Column("received_on", Date, primary_key=True),
    *message_key(primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    by_time="received_on",
)
progress = spread(
    "progress",
    Column("device", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("up_to", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("changed_at", UtcInstant, nullable=False),
)
aside = spread(
    "aside",
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
