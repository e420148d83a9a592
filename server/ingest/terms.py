"""What devices report to be in force, kept in time: a row for each change, and none else."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, func, select

from firmware_cfg.messages import Reported
from server.at_once import given, types_of, upsert_all
from server.schema.fleet import device_terms

SAID = ("greet_within_s", "serve_within_s", "k")


class Told(NamedTuple):
    """A report, and when it came."""

    since: datetime
    said: Reported


def keep_terms(connection: Connection, told: Mapping[tuple[UUID, str], Told]) -> None:
    """Write down what changed, after the rows of these devices in `device_status` were locked."""
    if not told:
        return
    rows = []
    before = _latest(connection, told)
    for (org_id, name), one in sorted(told.items()):
        said = {field: getattr(one.said, field) for field in SAID}
        last = before.get((org_id, name))
        if last is None:
            rows.append({"org_id": org_id, "device": name, "since": one.since} | said)
        elif any(last[field] != value for field, value in said.items()):
            since = max(one.since, last["since"])  # the clock may have been set back
            rows.append({"org_id": org_id, "device": name, "since": since} | said)
    if rows:
        upsert_all(connection, device_terms, rows, SAID)


def _latest(
    connection: Connection, told: Mapping[tuple[UUID, str], Told]
) -> dict[tuple[UUID, str], RowMapping]:
    """The latest row of each of these devices."""
    types = types_of(device_terms, "org_id", "device")
    asked = given(connection, types, sorted(told))
    terms = device_terms.c
    mine = and_(*(terms[name] == asked.c[name] for name in types))
    last = select(func.max(terms.since)).where(mine).correlate(asked.table).scalar_subquery()
    query = select(device_terms).select_from(asked.table)
    query = query.join(device_terms, and_(mine, terms.since == last))
    rows = connection.execute(query, asked.values).mappings()
    return {(row["org_id"], row["device"]): row for row in rows}
