"""Signs of life, and what devices say of themselves: a row a device, however much it says."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, select

from firmware_cfg.messages import Health, LedgerHead, Reported, State
from server.at_once import given, types_of, upsert_all
from server.ingest.terms import Told, keep_terms
from server.schema.fleet import NEVER, device_status

Said = State | Health | Reported
Values = dict[str, Any]


@dataclass(slots=True)
class Signs:
    """What a batch says of devices, by organisation and name.

    Attributes:
        values: what their status takes over.
        heads: heads of ledgers that fresh heartbeats brought, in the order in which they came.
        terms: what devices reported to be in force, and when that came.
    """

    values: dict[tuple[UUID, str], Values] = field(default_factory=dict)
    heads: list[tuple[UUID, str, LedgerHead]] = field(default_factory=list)
    terms: dict[tuple[UUID, str], Told] = field(default_factory=dict)

    def alive(self, org_id: UUID, name: str, now: datetime) -> None:
        """A device sent something."""
        self.values.setdefault((org_id, name), {})["last_sign_at"] = now

    def take(self, org_id: UUID, name: str, said: Said, now: datetime, *, retained: bool) -> None:
        """A device said something of itself; `retained`: nobody knows when."""
        found = said_values(said, now, retained=retained)
        if found:
            self.values.setdefault((org_id, name), {}).update(found)
        if isinstance(said, Health) and said.ledger is not None and not retained:
            self.heads.append((org_id, name, said.ledger))
        if isinstance(said, Reported):
            self.terms[org_id, name] = Told(now, said)


def said_values(said: Said, now: datetime, *, retained: bool) -> Values:
    """What a device's status takes over.

    A last will is no sign of life, nor is what the broker had retained: nobody knows from when
    it is.
    """
    values: Values = {}
    gone = isinstance(said, State) and not said.online
    if not gone and not retained:
        values["last_sign_at"] = now
    if isinstance(said, State):
        values |= {"online": said.online}
        values |= {"speaks": list(said.speaks)} if said.online else {}
        values |= {"software": said.software} if said.software else {}
    elif isinstance(said, Health):
        values |= {"software": said.software, "faults": list(said.faults)}
        values |= {} if retained else {"online": True}
        values |= {"clock": said.clock, "health_at": said.at}
        values |= {"disk_free_mb": min(said.disk_free_mb, 2**31 - 1)}
        values |= {"kernel_layers": list(said.kernel_layers)}
        values |= {"certificate_days": said.certificate_days}
    else:
        values |= {"reported": said.model_dump(mode="json")}
    return values


def keep_signs(connection: Connection, found: Signs) -> None:
    """Write what devices said; a statement for each set of columns."""
    signs = found.values
    if not signs:
        return
    _lock(connection, sorted(signs))
    alike: dict[tuple[str, ...], list[Values]] = defaultdict(list)
    for (org_id, name), values in sorted(signs.items()):
        row = {"org_id": org_id, "device": name, "last_sign_at": NEVER} | values
        alike[tuple(sorted(values))].append(row)
    for changed, rows in sorted(alike.items()):
        named = sorted(rows[0])
        same_order = [{column: row[column] for column in named} for row in rows]
        upsert_all(connection, device_status, same_order, changed)
    keep_terms(connection, found.terms)


def _lock(connection: Connection, devices: list[tuple[UUID, str]]) -> None:
    """Lock the rows in their order: the statements that follow take them in several turns."""
    if connection.dialect.name != "postgresql":
        return
    types = types_of(device_status, "org_id", "device")
    asked = given(connection, types, devices)
    same = and_(*(device_status.c[name] == asked.c[name] for name in types))
    query = select(device_status.c.device).select_from(asked.table).join(device_status, same)
    ordered = query.order_by(device_status.c.org_id, device_status.c.device)
    connection.execute(ordered.with_for_update(of=device_status), asked.values)
