"""What was released: windows, cells, and a store's weeks. Only ever inserted."""

from typing import Any

from sqlalchemy import Column, Float, Index, Integer, String, Text, Uuid

from server.column_types import JsonText, UtcInstant
from server.schema.columns import count, message_key, spread


def _period(*, start_in_key: bool) -> tuple[Column[Any], ...]:
    return (
        Column("start_at", UtcInstant, primary_key=start_in_key, nullable=False),
        Column("end_at", UtcInstant, nullable=False),
    )


def _released() -> tuple[Column[Any], ...]:
    """What every released cell has, whatever it is about."""
    counts = (
        *("k", "visits", "left_censored", "passers_by"),
        *("served", "greeted_only", "abandoned", "passed", "still_present"),
    )
    return (
        Column("level", String(16), nullable=False),
        *(count(name) for name in counts),
        Column("waiting", JsonText, nullable=False),
        Column("stay", JsonText, nullable=False),
        *(Column(name, Float, nullable=False) for name in ("observed_s", "bridged_s", "unknown_s")),
        Column("definition_version", Integer, nullable=False),
        Column("geometry_hash", String(64), nullable=False),
        Column("expectations_hash", String(64), nullable=False),
        Column("model", String(80), nullable=False),
    )


window = spread(
    "window",
    Column("device", String(63), primary_key=True),
    *_period(start_in_key=True),
    *message_key(primary_key=True)[1:],
    Column("coverage", String(8), nullable=False),
    Column("clock", String(16), nullable=False),
    Column("invalid", JsonText, nullable=False),
    by_time="start_at",
)
cell = spread(
    "cell",
    Column("point_id", Uuid, primary_key=True),
    *_period(start_in_key=True),
    Column("cell_id", Uuid, primary_key=True),
    *message_key(primary_key=False),
    *_released(),
    Column("staff", JsonText),
    by_time="start_at",
)
# A device's week, all its points together: the union of cells above, so never added to them.
store_week = spread(
    "store_week",
    Column("week_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    *message_key(primary_key=False),
    *_period(start_in_key=False),
    *_released(),
    Column("week", JsonText, nullable=False),
    Index("store_week_by_time", "org_id", "store_id", "start_at"),
    Index("store_week_by_device", "org_id", "device", "start_at"),
)
# Taking released cells out of the figures, or under another point; the cells stay as they are.
amendment = spread(
    "amendment",
    Column("amendment_id", Uuid, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("point_id", Uuid),
    Column("to_point_id", Uuid),
    *_period(start_in_key=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", UtcInstant, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", UtcInstant),
    Index("amendment_by_store", "org_id", "store_id", "start_at"),
)
