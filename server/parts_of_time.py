"""Parting big tables by time on PostgreSQL: a part a month, or a day for what is kept shortly.

Parts are made ahead of time and dropped whole once all in them is too old. What lies outside
of all parts goes into a default part, so that nothing is refused for its time here; ingest
keeps aside what has an implausible one. SQLite has no parts: there, rows are deleted.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Date, Table, delete, func, inspect, select, text

from server.column_types import UtcInstant
from server.schema.whole import metadata

KEPT = timedelta(days=396)
KEPT_OTHERWISE = {"raw_message": timedelta(days=7), "access_log": timedelta(days=366)}
"""How long rows are kept, and so how far back parts are made; of roll-ups some stay longer."""
AHEAD, AHEAD_DAILY = timedelta(days=100), timedelta(days=9)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of `table` from `first` to before `after`, days of UTC."""

    table: str
    first: date
    after: date
    daily: bool

    @property
    def name(self) -> str:
        """Its name as a table."""
        return (
            f"{self.table}_{self.first:%Y%m%d}" if self.daily else f"{self.table}_{self.first:%Y%m}"
        )


def make_parts(connection: Connection) -> list[str]:
    """Make the parts that are wanted by the database's clock; their names, if they were new."""
    if connection.dialect.name != "postgresql":
        return []
    now = connection.execute(select(func.now())).scalar_one()
    there = set(inspect(connection).get_table_names())
    made = []
    for table in parted():
        if table.name not in there:
            continue
        _make_default(connection, table, there)
        for part in parts_around(table, now):
            if part.name not in there:
                _make(connection, part)
                made.append(part.name)
    return made


def parted() -> list[Table]:
    """The tables that are parted by time."""
    return [table for table in metadata.sorted_tables if "by_time" in table.info]


def kept_for(table: Table) -> timedelta:
    """How long the rows of a parted table are kept."""
    return KEPT_OTHERWISE.get(table.name, KEPT)


def parts_around(table: Table, now: datetime) -> list[Part]:
    """The parts that a table wants at an instant, without a gap between them.

    >>> from server.schema.cells import cell
    >>> parts = parts_around(cell, datetime(2026, 11, 16, tzinfo=UTC))
    >>> parts[0].name, parts[-1].name
    ('cell_202510', 'cell_202702')
    """
    daily = isinstance(table.c[table.info["by_time"]].type, Date)
    back, ahead = kept_for(table), AHEAD_DAILY if daily else AHEAD
    day, last = (now - back).date(), (now + ahead).date()
    first = day if daily else day.replace(day=1)
    found = []
    while first <= last:
        after = first + timedelta(days=1) if daily else (first + timedelta(days=32)).replace(day=1)
        found.append(Part(table.name, first, after, daily))
        first = after
    return found


def forget(connection: Connection, table: Table, before: datetime) -> int:
    """Delete the rows of a parted table from before an instant; whole parts are dropped.

    Returns:
        how many rows were deleted one by one, and parts dropped.
    """
    gone = 0
    if connection.dialect.name == "postgresql":
        for name in _parts_before(connection, table, before):
            connection.execute(text(f'DROP TABLE "{name}"'))
            gone += 1
    column = table.c[table.info["by_time"]]
    limit = before if isinstance(column.type, UtcInstant) else before.date()
    return gone + connection.execute(delete(table).where(column < limit)).rowcount


def _parts_before(connection: Connection, table: Table, before: datetime) -> list[str]:
    """Names of the parts of which every row is from before an instant."""
    prefix = f"{table.name}_"
    names = [n for n in inspect(connection).get_table_names() if n.startswith(prefix)]
    digits = {name: name.removeprefix(prefix) for name in names}
    return sorted(
        name
        for name, told in digits.items()
        if told.isdecimal() and _after(told) <= before.astimezone(UTC).date()
    )


def _after(told: str) -> date:
    """The day after a part, from the digits in its name."""
    if len(told) == 8:
        return date.fromisoformat(told) + timedelta(days=1)
    return (date.fromisoformat(f"{told}01") + timedelta(days=32)).replace(day=1)


def _make_default(connection: Connection, table: Table, there: set[str]) -> None:
    name = f"{table.name}_other"
    if name not in there:
        connection.execute(text(f'CREATE TABLE "{name}" PARTITION OF "{table.name}" DEFAULT'))


def _make(connection: Connection, part: Part) -> None:
    """Make a part; the default part holds no row of it, or PostgreSQL refuses."""
    bounds = (part.first, part.after)
    low, high = (f"{day}" if part.daily else f"{day} 00:00:00+00" for day in bounds)
    connection.execute(
        text(
            f'CREATE TABLE "{part.name}" PARTITION OF "{part.table}" '
            f"FOR VALUES FROM ('{low}') TO ('{high}')"
        )
    )
