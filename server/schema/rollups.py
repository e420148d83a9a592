"""Unions of whole cells that were computed before: they can be made anew from the cells.

`subject_id` is a point, a store or a region.
"""

from sqlalchemy import Column, Date, Float, Integer, String, Uuid

from server.column_types import JsonText, UtcInstant
from server.schema.columns import spread

# `grain`: hour, day, week; `span` for a cell that fits into no trading day.
rollup = spread(
    "rollup",
    Column("subject_id", Uuid, primary_key=True),
    Column("grain", String(8), primary_key=True),
    Column("start_at", UtcInstant, primary_key=True),
    Column("end_at", UtcInstant, nullable=False),
    Column("cells", Integer, nullable=False),
    Column("visits", Integer, nullable=False),
    Column("body", JsonText, nullable=False),
    by_time="start_at",
)
# Trading days of which cells came, or amendments were made, since their roll-ups were made.
rollup_due = spread(
    "rollup_due",
    Column("point_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("marked_at", UtcInstant, nullable=False),
)
# One figure of a store's or a region's week as it may be shown; `week` is its Monday.
# `of_s`: of a coverage alone, how much time it is of, over all points.
standing = spread(
    "standing",
    Column("subject_id", Uuid, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("figure", String(24), primary_key=True),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("rests_on", Integer),
    Column("expected_s", Float),
    Column("of_s", Float),
)
