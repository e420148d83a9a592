"""Who is who in a chain: an organisation with two stores below one another, and another one."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, select

from server.database import writer
from server.identity import apply_identity
from server.identity_file import ALWAYS, load_identity
from server.schema.identity import organisation, point, region, store

CHAIN = """
[[organisation]]
key = "acme"
name = "Acme"

[[region]]
key = "china"
organisation = "acme"
name = "China"

[[region]]
key = "east"
organisation = "acme"
name = "East"
parent = "china"

[[store]]
key = "pudong-1"
organisation = "acme"
region = "east"
name = "Pudong"
timezone = "Asia/Shanghai"

[[store.point]]
key = "counter"
kind = "service_point"
label = "Counter"

[[store.point]]
key = "second"
kind = "service_point"
label = "=Second"

[[store.point]]
key = "line"
kind = "queue"
label = "Line"

[[device]]
id = "kiosk-1"
organisation = "acme"
store = "pudong-1"
assignment = [{ local = "counter-1", point = "counter" }, { local = "line", point = "line" }]

[[store]]
key = "puxi-1"
organisation = "acme"
region = "china"
name = "Puxi"
timezone = "Asia/Shanghai"

[[store.point]]
key = "desk"
kind = "service_point"
label = "Desk"

[[device]]
id = "kiosk-2"
organisation = "acme"
store = "puxi-1"
assignment = [{ local = "counter-1", point = "desk" }]

[[organisation]]
key = "other"
name = "Other"

[[region]]
key = "north"
organisation = "other"
name = "North"

[[store]]
key = "oslo-1"
organisation = "other"
region = "north"
name = "Oslo"
timezone = "Europe/Oslo"

[[store.point]]
key = "till"
kind = "service_point"
label = "Till"

[[device]]
id = "kiosk-9"
organisation = "other"
store = "oslo-1"
assignment = [{ local = "counter-1", point = "till" }]
"""


def apply_chain(engine: Engine, folder: Path, now: datetime = ALWAYS) -> None:
    """Make the chain in an empty database."""
    path = folder / "chain.toml"
    path.write_text(CHAIN, "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(path), now)


def ids_of(engine: Engine) -> dict[str, UUID]:
    """Ids of organisations, regions, stores and points by their keys."""
    found: dict[str, UUID] = {}
    with engine.connect() as connection:
        for table, column in (
            (organisation, "org_id"),
            (region, "region_id"),
            (store, "store_id"),
            (point, "point_id"),
        ):
            for row in connection.execute(select(table)):
                found[row.slug] = getattr(row, column)
    return found
