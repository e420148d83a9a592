"""Fields that an operation has set: an identity file leaves them alone until it says the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, select, update

from server.schema.identity import region, store


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody makes of an organisation.

    Attributes:
        connection: a transaction that writes; the change is whole with its commit.
        org_id: the organisation.
        by: who makes it.
        now: when.
    """

    connection: Connection
    org_id: UUID
    by: str
    now: datetime

    def mark(self) -> dict[str, str]:
        """As it stands beside a held field."""
        return {"by": self.by, "at": self.now.isoformat()}


@dataclass(frozen=True, slots=True)
class Kept:
    """A field that stayed as an operation had set it, though the file says otherwise."""

    subject: str
    field: str
    stands: str
    file_says: str
    by: str
    at: str

    def __str__(self) -> str:
        return (
            f"{self.subject}: {self.field} stays {self.stands}, as {self.by} set it at {self.at}; "
            f"the identity file says {self.file_says}"
        )


def hold(
    change: Change, table: Table, here: ColumnElement[bool], values: Mapping[str, object]
) -> None:
    """Set `values` in the row at `here`, and hold them against older files."""
    held = change.connection.execute(select(table.c.held).where(here)).scalar_one() or {}
    held = held | {name: change.mark() for name in values}
    change.connection.execute(update(table).where(here).values(**values, held=held))


def keep_held(
    connection: Connection,
    table: Table,
    here: ColumnElement[bool],
    values: Mapping[str, object],
    subject: str,
) -> list[Kept]:
    """Set what the file says in the row at `here`, but for what an operation holds.

    A held field for which the file says the same is the file's again.
    """
    row = connection.execute(select(table).where(here)).one()._mapping  # noqa: SLF001 its one name
    held = dict(row["held"] or {})
    kept = []
    wanted = dict(values)
    for name, mark in sorted(held.items()):
        if name not in wanted:
            continue
        if row[name] == wanted[name]:
            del held[name]
        else:
            says = wanted.pop(name)
            stands = _said(connection, row["org_id"], row[name])
            said = _said(connection, row["org_id"], says)
            kept.append(Kept(subject, name, stands, said, mark["by"], mark["at"]))
    connection.execute(update(table).where(here).values(**wanted, held=held or None))
    return kept


def _said(connection: Connection, org_id: UUID, value: object) -> str:
    """A value to read: a region or store by its key."""
    if isinstance(value, UUID):
        for table, id_column in ((region, region.c.region_id), (store, store.c.store_id)):
            here = (table.c.org_id == org_id) & (id_column == value)
            key = connection.execute(select(table.c.slug).where(here)).scalar()
            if key is not None:
                return repr(key)
    if value is None:
        return "none"
    return value.isoformat() if isinstance(value, datetime) else repr(value)
