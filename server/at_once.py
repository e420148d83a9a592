"""Many rows at once, on both engines: asked about, inserted, brought up to date.

So a batch costs a handful of statements, whatever its size.

| | PostgreSQL | SQLite |
|---|---|---|
| rows of a question, `upsert_all` | JSON, `json_to_recordset` | JSON, `json_each`; executemany |
| `insert_all` | COPY | executemany |
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Subquery,
    Table,
    bindparam,
    column,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

Row = Mapping[str, Any]
Types = Mapping[str, TypeEngine[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """Rows that a question is about, to be joined with.

    Attributes:
        table: stands for them in a statement.
        values: to be executed with it.
    """

    table: Subquery
    values: dict[str, Any]

    @property
    def c(self) -> Any:
        """Its columns."""
        return self.table.c


def given(connection: Connection, types: Types, rows: Iterable[Sequence[Any]]) -> Given:
    """The rows of a question.

    Args:
        connection: says which engine it is.
        types: a name for each column, and its type.
        rows: the values, in the order of `types`.
    """
    dialect = connection.dialect
    found: BindParameter[str] = bindparam("given_rows")
    if dialect.name == "postgresql":
        writes = [_plain(of) for of in types.values()]
        told = [dict(zip(types, _written(writes, row), strict=True)) for row in rows]
        each = func.json_to_recordset(found).table_valued(*_columns(types))
        source = select(each.render_derived(with_types=True)).subquery("given")
        return Given(source, {"given_rows": json.dumps(told, default=str)})
    writes = [of.dialect_impl(dialect).bind_processor(dialect) for of in types.values()]
    listed = func.json_each(found).table_valued("value")
    parts = [
        type_coerce(func.json_extract(listed.c.value, f"$[{place}]"), of).label(name)
        for place, (name, of) in enumerate(types.items())
    ]
    text = json.dumps([_written(writes, row) for row in rows])
    return Given(select(*parts).subquery("given"), {"given_rows": text})


def types_of(table: Table, *names: str) -> dict[str, TypeEngine[Any]]:
    """The types of some of a table's columns."""
    return {name: table.c[name].type for name in names}


def insert_all(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), list(rows))
        return
    names = list(rows[0])
    said = f'COPY "{table.name}" ({", ".join(names)}) FROM STDIN'
    try:
        _copy(connection, said, [_plain(table.c[name].type) for name in names], rows)
    except psycopg.Error as error:
        raise _as_sqlalchemy(said, error, connection.dialect) from error


def _copy(
    connection: Connection, said: str, writes: Sequence["_Write | None"], rows: Sequence[Row]
) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(said) as copy:
        for row in rows:
            copy.write_row(_written(writes, row.values()))


def _as_sqlalchemy(said: str, error: psycopg.Error, dialect: Dialect) -> BaseException:
    """What COPY raised, as every other statement would raise it."""
    found: BaseException = DBAPIError.instance(said, None, error, psycopg.Error, dialect=dialect)
    return found


def upsert_all(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    changed: Sequence[str],
    *,
    if_larger: str | None = None,
) -> None:
    """Insert rows, or bring those whose key is there up to date.

    Rows are locked in the order in which they are given: give them in a fixed one, so that two
    who write never wait in a ring.

    Args:
        connection: in a transaction that writes.
        table: where to.
        rows: all of the same columns, each key once.
        changed: columns that a row that is there takes over; none: it stays as it is.
        if_larger: and only where this column's new value is larger than the one there.
    """
    if not rows:
        return
    into, values = _into(connection, table, rows)
    key = [one.name for one in table.primary_key]
    if not changed:
        connection.execute(into.on_conflict_do_nothing(index_elements=key), values)
        return
    new = into.excluded
    larger: ColumnElement[bool] | None = None
    if if_larger is not None:
        larger = new[if_larger] > table.c[if_larger]
    taken = {name: new[name] for name in changed}
    statement = into.on_conflict_do_update(index_elements=key, set_=taken, where=larger)
    connection.execute(statement, values)


def _into(connection: Connection, table: Table, rows: Sequence[Row]) -> tuple[Any, Any]:
    """The statement that inserts, before what it does about a key that is there; its values."""
    names = list(rows[0])
    if connection.dialect.name != "postgresql":
        return sqlite.insert(table), list(rows)
    source = given(connection, types_of(table, *names), (list(row.values()) for row in rows))
    chosen = select(*(source.c[name] for name in names))
    return postgresql.insert(table).from_select(names, chosen), source.values


_Write = Callable[[Any], Any]


def _plain(of: TypeEngine[Any]) -> _Write | None:
    """How a value is written for PostgreSQL, before psycopg or JSON writes it."""
    if not isinstance(of, TypeDecorator):
        return None
    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return lambda value: of.process_bind_param(value, dialect)


def _written(writes: Sequence[_Write | None], row: Iterable[Any]) -> list[Any]:
    return [
        value if write is None else write(value) for write, value in zip(writes, row, strict=True)
    ]


def _columns(types: Types) -> list[Any]:
    return [column(name, of) for name, of in types.items()]
