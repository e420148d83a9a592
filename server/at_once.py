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
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Subquery,
    Table,
    bindparam,
    column,
    func,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

from server.column_types import JsonText, UtcInstant

Row = Mapping[str, Any]
Types = Mapping[str, TypeEngine[Any]]


class Encoded(str):
    """The text of a JSON value, for a column of them: `insert_all` writes it as it is."""

    __slots__ = ()


def encoded(value: BaseModel) -> Encoded:
    """A model as compact JSON."""
    return Encoded(value.model_dump_json())


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
        writes = _writes(types.values(), _plain)
        told = [dict(zip(types, _written(writes, row), strict=True)) for row in rows]
        each = func.json_to_recordset(found).table_valued(*_columns(types))
        source = select(each.render_derived(with_types=True)).subquery("given")
        return Given(source, {"given_rows": to_json(told).decode()})
    writes = _writes(types.values(), _for_sqlite(dialect))
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
    names = list(rows[0])
    types = [table.c[name].type for name in names]
    if connection.dialect.name != "postgresql":
        writes = _writes(types, _for_sqlite(connection.dialect))
        places = ", ".join("?" * len(names))
        said = f'INSERT INTO "{table.name}" ({", ".join(names)}) VALUES ({places})'  # noqa: S608
        connection.exec_driver_sql(said, [tuple(_written(writes, row.values())) for row in rows])
        return
    said = f'COPY "{table.name}" ({", ".join(names)}) FROM STDIN'
    try:
        _copy(connection, said, _writes(types, _copied), rows)
    except psycopg.Error as error:
        raise _as_sqlalchemy(said, error, connection.dialect) from error


def _copy(connection: Connection, said: str, writes: "_Writes", rows: Sequence[Row]) -> None:
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
_Writes = Sequence[tuple[int, _Write]]
"""How to write the values at some places of a row; the others are written as they are."""
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def _writes(
    types: Iterable[TypeEngine[Any]], write_of: Callable[[TypeEngine[Any]], _Write | None]
) -> _Writes:
    found = ((place, write_of(of)) for place, of in enumerate(types))
    return [(place, write) for place, write in found if write is not None]


def _written(writes: _Writes, row: Iterable[Any]) -> list[Any]:
    values = list(row)
    for place, write in writes:
        values[place] = write(values[place])
    return values


def _plain(of: TypeEngine[Any]) -> _Write | None:
    """How a value is written for PostgreSQL, before psycopg or JSON writes it."""
    if isinstance(of, UtcInstant):
        return lambda value: value if _in_utc(value) else of.process_bind_param(value, _POSTGRESQL)
    if isinstance(of, TypeDecorator):
        return _unless_encoded(of, lambda value: of.process_bind_param(value, _POSTGRESQL))
    return None


def _copied(of: TypeEngine[Any]) -> _Write | None:
    """How a value is written for COPY: bytes by their digits, which is quicker than psycopg's."""
    return _digits if isinstance(of, LargeBinary) else _plain(of)


def _for_sqlite(dialect: Dialect) -> Callable[[TypeEngine[Any]], _Write | None]:
    """How values are written for SQLite."""

    def write_of(of: TypeEngine[Any]) -> _Write | None:
        write = of.dialect_impl(dialect).bind_processor(dialect)
        return None if write is None else _unless_encoded(of, write)

    return write_of


def _unless_encoded(of: TypeEngine[Any], write: _Write) -> _Write:
    if not isinstance(of, JsonText):
        return write
    return lambda value: value if type(value) is Encoded else write(value)


def _in_utc(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is UTC


def _digits(value: bytes | None) -> str | None:
    return None if value is None else "\\x" + value.hex()


def _columns(types: Types) -> list[Any]:
    return [column(name, of) for name, of in types.items()]
