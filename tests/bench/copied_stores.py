"""Copies of a store with its whole history, made inside the database: other ids, same figures.

    encounter-server simulate --state sim --stores 40 --days 395
    python -m tests.bench.copied_stores --database sqlite:///sim/encounter.db --stores 500

A large chain is drawn in hours and copied in minutes. What is copied is what pages and the API
read; regions' and organisations' roll-ups stay those of the stores that were drawn.
"""

import argparse
import itertools
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    String,
    Table,
    cast,
    func,
    insert,
    literal,
    select,
    type_coerce,
)

from server.database import open_database, writer
from server.schema.cells import cell, store_week, window
from server.schema.fleet import device_status, device_terms, ledger_head
from server.schema.identity import assignment, device, device_owner, point, store
from server.schema.rollups import rollup, standing


def main() -> None:
    """Copy, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", required=True, help="the database of a chain")
    parser.add_argument("--stores", type=int, default=500, help="how many there are to be")
    options = parser.parse_args()
    engine = open_database(options.database)
    began = time.perf_counter()
    made = enlarge(engine, options.stores)
    print(f"{made} stores copied in {time.perf_counter() - began:.0f} s")
    engine.dispose()


def enlarge(engine: Engine, wanted: int) -> int:
    """Copy confirmed stores, one after the other, until there are `wanted`; how many were made."""
    with engine.connect() as connection:
        there = connection.execute(select(func.count()).select_from(store)).scalar_one()
        confirmed = select(store.c.org_id, store.c.store_id).where(
            store.c.confirmed_at.is_not(None)
        )
        models = connection.execute(confirmed.order_by(store.c.store_id)).all()
    made = 0
    for org_id, store_id in itertools.islice(itertools.cycle(models), max(0, wanted - there)):
        with writer(engine).begin() as connection:
            copy_store(connection, org_id, store_id)
        made += 1
    return made


def copy_store(
    connection: Connection, org_id: UUID, store_id: UUID
) -> tuple[UUID, dict[UUID, UUID]]:
    """A copy of a store with all of its rows; its id, and those of its points by the old ones."""
    copied = uuid4()
    in_store = {"org_id": org_id, "store_id": store_id}
    points = _named(connection, point, "point_id", in_store, uuid4)
    names = _named(connection, device, "device", in_store, lambda: f"d-{uuid4().hex[:12]}")
    slug = {"store_id": copied, "slug": f"s{copied.hex}"}
    copy_rows(connection, store, in_store, slug)
    for old, new in points.items():
        moved = {"point_id": new, "store_id": copied}
        copy_rows(connection, point, in_store | {"point_id": old}, moved)
    for name, other in names.items():
        mine = {"org_id": org_id, "device": name}
        copy_rows(connection, device, mine, {"device": other, "store_id": copied})
        for table in (device_status, device_terms, ledger_head, window):
            copy_rows(connection, table, mine, {"device": other})
        copy_rows(connection, device_owner, mine, {"device": other})
        weeks = {"device": other, "store_id": copied, "week_id": _new_id(connection)}
        copy_rows(connection, store_week, mine | {"store_id": store_id}, weeks)
    _copy_assignments(connection, org_id, points, names)
    for old, new in points.items():
        _copy_cells(connection, org_id, old, new, names)
    for old, new in {**points, store_id: copied}.items():
        mine = {"org_id": org_id, "subject_id": old}
        copy_rows(connection, rollup, mine, {"subject_id": new}, points)
        copy_rows(connection, standing, mine, {"subject_id": new})
    return copied, points


def _named(
    connection: Connection, table: Table, key: str, of: Mapping[str, object], new: Any
) -> dict[Any, Any]:
    mine = [table.c[name] == value for name, value in of.items()]
    return {old: new() for old in connection.execute(select(table.c[key]).where(*mine)).scalars()}


def _copy_assignments(
    connection: Connection, org_id: UUID, points: Mapping[UUID, UUID], names: Mapping[str, str]
) -> None:
    query = select(assignment).where(
        assignment.c.org_id == org_id, assignment.c.point_id.in_(points)
    )
    rows = [
        dict(row._mapping)
        | {
            "assignment_id": uuid4(),
            "point_id": points[row.point_id],
            "device": names[row.device],
        }
        for row in connection.execute(query)
        if row.device in names
    ]
    if rows:
        connection.execute(insert(assignment), rows)


def _copy_cells(
    connection: Connection, org_id: UUID, old: UUID, new: UUID, names: Mapping[str, str]
) -> None:
    """Cells get ids of their own: what is known of one by its id is not known of its copies."""
    for name, other in names.items():
        mine = {"org_id": org_id, "point_id": old, "device": name}
        changed = {"point_id": new, "device": other, "cell_id": _new_id(connection)}
        copy_rows(connection, cell, mine, changed)


def _new_id(connection: Connection) -> ColumnElement[Any]:
    """Another id for each row."""
    if connection.dialect.name == "postgresql":
        return func.gen_random_uuid()
    return type_coerce(func.lower(func.hex(func.randomblob(16))), String)


def copy_rows(
    connection: Connection,
    table: Table,
    of: Mapping[str, object],
    changed: Mapping[str, object],
    named: Mapping[UUID, UUID] | None = None,
) -> None:
    """Copy the rows that have the values `of`, with others in the columns `changed`.

    `named`: ids that a roll-up's body names, and those that it shall name.
    """
    columns: dict[str, ColumnElement[Any]] = {
        name: one if isinstance(one, ColumnElement) else literal(one, table.c[name].type)
        for name, one in changed.items()
    }
    if named is not None:
        body: ColumnElement[Any] = cast(table.c.body, String)
        for old, new in named.items():
            body = func.replace(body, str(old), str(new))
        columns["body"] = body
    values = [columns.get(one.name, one) for one in table.c]
    mine = [table.c[name] == value for name, value in of.items()]
    names = [one.name for one in table.c]
    connection.execute(insert(table).from_select(names, select(*values).where(*mine)))


if __name__ == "__main__":
    main()
