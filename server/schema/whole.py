"""All tables: importing this registers each of them in `metadata`."""

from sqlalchemy import Table

from server.schema import access, cells, fleet, identity, messages, rollups, steps
from server.schema.columns import metadata

__all__ = [
    "SPREAD",
    "access",
    "cells",
    "fleet",
    "identity",
    "messages",
    "metadata",
    "rollups",
    "steps",
]

SPREAD: tuple[Table, ...] = tuple(
    table for table in metadata.sorted_tables if not table.info.get("everywhere")
)
