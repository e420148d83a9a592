"""Who is who: organisations, regions, stores, points, devices, and what a device watched when."""

from typing import Any

from sqlalchemy import Column, Index, Integer, String, Text, UniqueConstraint, Uuid

from server.column_types import JsonText, UtcInstant
from server.schema.columns import everywhere, spread


def held() -> Column[Any]:
    """Which fields an operation has set, by whom and when: an identity file leaves them alone."""
    return Column("held", JsonText)


organisation = everywhere(
    "organisation",
    Column("org_id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    held(),
)
# Whose a device is: ingest asks it for each device, before it knows an organisation.
device_owner = everywhere(
    "device_owner",
    Column("device", String(63), primary_key=True),
    Column("org_id", Uuid, nullable=False),
)
region = spread(
    "region",
    Column("region_id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid),
    held(),
    UniqueConstraint("org_id", "slug"),
)
# Until somebody confirms the commissioning, a store's figures are a trial; what starts before
# `confirmed_at` stays one. `special`: dates with other hours. `ended_at`: closed for good.
store = spread(
    "store",
    Column("store_id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False),
    Column("name", Text, nullable=False),
    Column("region_id", Uuid),
    Column("timezone", String(64), nullable=False),
    Column("day_starts", String(5), nullable=False),
    Column("opening", JsonText, nullable=False),
    Column("closed", JsonText, nullable=False),
    Column("special", JsonText, nullable=False, default=dict),
    Column("confirmed_at", UtcInstant),
    Column("confirmed_by", Text),
    Column("ended_at", UtcInstant),
    held(),
    UniqueConstraint("org_id", "slug"),
)
# Each change of `store.confirmed_at`, for good; none where the store was, or is, on trial.
confirmation = spread(
    "confirmation",
    Column("confirmation_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("was_from", UtcInstant),
    Column("counts_from", UtcInstant),
    Column("reason", Text),
    Column("made_by", Text, nullable=False),
    Column("made_at", UtcInstant, nullable=False),
    Index("confirmation_by_store", "org_id", "store_id", "number"),
)
# `merged_into`: its cells count under that point, from `merged_since` on (none: all of them).
point = spread(
    "point",
    Column("point_id", Uuid, primary_key=True),
    Column("store_id", Uuid, nullable=False),
    Column("slug", String(63), nullable=False),
    Column("label", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("position", Integer, nullable=False),
    Column("merged_into", Uuid),
    Column("merged_since", UtcInstant),
    held(),
    UniqueConstraint("org_id", "store_id", "slug"),
)
device = spread(
    "device",
    Column("device", String(63), primary_key=True),
    Column("label", Text, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("retired_at", UtcInstant),
    held(),
)
assignment = spread(
    "assignment",
    Column("assignment_id", Uuid, primary_key=True),
    Column("device", String(63), nullable=False),
    Column("local_id", String(63), nullable=False),
    Column("point_id", Uuid, nullable=False),
    Column("valid_from", UtcInstant, nullable=False),
    Column("valid_to", UtcInstant),
    held(),
    UniqueConstraint("org_id", "device", "local_id", "valid_from"),
)
