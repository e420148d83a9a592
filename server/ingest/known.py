"""What the database knows of a batch's messages, before any of them is kept."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Table, and_, select

from server.at_once import given, types_of
from server.ingest.reading import MessageKey, WindowReading
from server.ingest.taken import Span, Taken
from server.schema.cells import window
from server.schema.messages import message, progress

REACH = timedelta(days=100)
"""How far back a cell may have begun that still goes on: more than two months, the longest."""


class Stream(NamedTuple):
    """The messages of one device's outbox."""

    org_id: UUID
    device: str
    epoch: str

    @property
    def order(self) -> tuple[int, str, str]:
        """By which streams are sorted, as the database does: who locks several does it so."""
        return self.org_id.int, self.device, self.epoch


@dataclass(frozen=True, slots=True)
class Messages:
    """What is known: the hash of each kept message, and how far each stream is settled."""

    hashes: dict[MessageKey, str] = field(default_factory=dict)
    up_to: dict[Stream, int] = field(default_factory=dict)


def known_messages(connection: Connection, keys: Iterable[tuple[UUID, MessageKey]]) -> Messages:
    """What is known of messages, given their organisation (a device has one) and key."""
    asked = [(org_id, *key) for key, org_id in {key: org_id for org_id, key in keys}.items()]
    if not asked:
        return Messages()
    rows = given(connection, types_of(message, "org_id", "device", "epoch", "sequence"), asked)
    same = and_(*(message.c[name] == rows.c[name] for name in rows.c.keys()))  # noqa: SIM118
    found = connection.execute(
        select(*message.c["device", "epoch", "sequence", "sha256"])
        .select_from(rows.table)
        .join(message, same),
        rows.values,
    )
    hashes = {MessageKey(*key): str(digest) for *key, digest in found}
    streams = {Stream(org_id, device, epoch) for org_id, device, epoch, _ in asked}
    return Messages(hashes, dict(_settled(connection, streams)))


def forgotten_keys(
    connection: Connection, known: Messages, windows: Iterable[tuple[UUID, WindowReading]]
) -> frozenset[MessageKey]:
    """The keys of windows, with their organisation, that were stored so long ago that the key went.

    Below what is settled, no key may also mean that the window never came: its device had said
    that it was gone, and found it after all. The window itself is kept longer than its key.
    """
    late = {
        (org_id, key.device, one.window.start, key.epoch, key.sequence)
        for org_id, one in windows
        if (key := one.key) not in known.hashes
        and key.sequence <= known.up_to.get(Stream(org_id, key.device, key.epoch), 0)
    }
    if not late:
        return frozenset()
    types = types_of(window, "org_id", "device", "start_at", "epoch", "sequence")
    rows = given(connection, types, sorted(late))
    same = and_(*(window.c[name] == rows.c[name] for name in types))
    query = select(*window.c["device", "epoch", "sequence"]).select_from(rows.table)
    return frozenset(
        MessageKey(*row) for row in connection.execute(query.join(window, same), rows.values)
    )


def _settled(connection: Connection, streams: Collection[Stream]) -> Iterator[tuple[Stream, int]]:
    rows = given(connection, types_of(progress, "org_id", "device", "epoch"), streams)
    same = and_(*(progress.c[name] == rows.c[name] for name in rows.c.keys()))  # noqa: SIM118
    query = select(progress).select_from(rows.table).join(progress, same)
    for row in connection.execute(query, rows.values):
        yield Stream(row.org_id, row.device, row.epoch), int(row.up_to)


def taken_times(connection: Connection, table: Table, owner: str, spans: Collection[Span]) -> Taken:
    """Where time is taken by cells that are kept, as far as it meets `spans`.

    Those of one owner are disjoint, so of all that began before a span only the latest one can
    reach into it.

    Args:
        connection: after the owners' trading days were locked, where others write too.
        table: `cell` or `store_week`.
        owner: the column whose cells are disjoint.
        spans: time that is asked about.
    """
    taken = Taken()
    asked = _hulls(spans)
    if not asked:
        return taken
    types = types_of(table, "org_id", owner)
    types |= {"first": table.c.start_at.type, "after": table.c.start_at.type}
    types |= {"reach": table.c.start_at.type}
    rows = given(connection, types, ((*one, one[2] - REACH) for one in asked))
    mine = and_(table.c.org_id == rows.c.org_id, table.c[owner] == rows.c[owner])
    inside = and_(mine, table.c.start_at >= rows.c.first, table.c.start_at < rows.c.after)
    found = connection.execute(
        select(*table.c["org_id", owner, "start_at", "end_at"])
        .select_from(rows.table)
        .join(table, inside),
        rows.values,
    )
    for row in found:
        taken.add(Span(*row))
    before = and_(mine, table.c.start_at < rows.c.first, table.c.start_at >= rows.c.reach)
    last = select(table.c.end_at).where(before).order_by(table.c.start_at.desc()).limit(1)
    last_end = last.correlate(rows.table).scalar_subquery()
    ends = select(*rows.c["org_id", owner, "first"], last_end.label("end"))
    for row in connection.execute(ends, rows.values):
        first, end = row.first, row.end
        if end is not None and end > first:
            taken.add(Span(row.org_id, row[1], first, end))
    return taken


def _hulls(spans: Iterable[Span]) -> list[tuple[UUID, UUID | str, datetime, datetime]]:
    """For each owner the time from the first span's start to the last one's end."""
    hulls: dict[tuple[UUID, UUID | str], tuple[datetime, datetime]] = {}
    for one in spans:
        start, end = hulls.get((one.org_id, one.owner), (one.start, one.end))
        hulls[one.org_id, one.owner] = (min(start, one.start), max(end, one.end))
    return [(org_id, of, start, end) for (org_id, of), (start, end) in hulls.items()]
