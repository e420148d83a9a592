"""Columns that several tables have, and the two kinds of tables."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Uuid

NO_ORGANISATION: Final = UUID(int=0)
"""Stands as `org_id` for what comes from a device that no organisation has claimed yet."""
EVERYWHERE: Final[Mapping[str, Any]] = {"everywhere": True}
metadata = MetaData()


def spread(name: str, *columns: Any, by_time: str | None = None) -> Table:
    """A table that is spread by organisation, and parted by `by_time` where that is given."""
    info = {} if by_time is None else {"by_time": by_time}
    parted = None if by_time is None else f"RANGE ({by_time})"
    return Table(name, metadata, org(), *columns, info=info, postgresql_partition_by=parted)


def everywhere(name: str, *columns: Any) -> Table:
    """A small table, of which each machine of a spread installation has a copy."""
    return Table(name, metadata, *columns, info=dict(EVERYWHERE))


def org() -> Column[UUID]:
    """The distribution column."""
    return Column("org_id", Uuid, primary_key=True)


def count(name: str) -> Column[int]:
    """A number of visits."""
    return Column(name, Integer, nullable=False)


def message_key(*, primary_key: bool) -> tuple[Column[str], Column[str], Column[int]]:
    """What names a message: device, its outbox's epoch, its number there."""
    return (
        Column("device", String(63), primary_key=primary_key, nullable=False),
        Column("epoch", String(16), primary_key=primary_key, nullable=False),
        Column(
            "sequence", BigInteger, primary_key=primary_key, nullable=False, autoincrement=False
        ),
    )
