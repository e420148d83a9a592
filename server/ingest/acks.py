"""Acknowledgements: how far a device's messages are settled without a gap.

`up_to` is the highest sequence of an epoch such that every sequence from 1 up to it has been
committed or rejected; it never moves back. An acknowledgement holds at most 64 rejections, so
a stretch with more of them is acknowledged in steps.

Several workers take messages of one stream at the same time. Each writes its messages first,
then locks the stream's progress, and then reads what comes after it: whoever is second sees
what the first one wrote, so no stream stands still before a message that is there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, literal_column, select

from firmware_cfg.messages import Rejection
from server.at_once import given, types_of, upsert_all
from server.ingest.known import Stream
from server.schema.columns import NO_ORGANISATION
from server.schema.messages import MessageStatus, message, progress

MAX_REJECTED = 64
ANSWERED_FOR = timedelta(days=35)
NOTHING = sha256(b"").hexdigest()
"""Stands for the hash of message `up_to` where the server has not got that one."""
_STREAM = ("org_id", "device", "epoch")
_ORDER = attrgetter("order")
_REJECTED: ColumnElement[str] = literal_column(f"'{MessageStatus.REJECTED.value}'")


@dataclass(frozen=True, slots=True)
class Settled:
    """How far a stream is settled, and the hash of the message there."""

    up_to: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AckDraft:
    """An acknowledgement still to be signed."""

    org_id: UUID
    device: str
    epoch: str
    up_to: int
    sha256: str
    rejected: tuple[Rejection, ...]

    @property
    def stream(self) -> Stream:
        """The stream that it is about."""
        return Stream(self.org_id, self.device, self.epoch)


def advance(
    connection: Connection,
    touched: Collection[Stream],
    now: datetime,
    firsts: Mapping[Stream, int] | None = None,
) -> list[AckDraft]:
    """Move each stream's progress over what has no gap; the acknowledgements to send.

    A stream that stands still before a gap is acknowledged again: a device that has settled more
    than that learns by it that this server lost something, and sends it again.

    Args:
        connection: after the messages were written.
        touched: streams of which messages came.
        now: the present.
        firsts: of streams whose device said so, the oldest sequence that it still has. What
            came before is gone for ever, so nobody waits for it.
    """
    firsts = firsts or {}
    streams = dict.fromkeys((*touched, *firsts))
    if not streams:
        return []
    before = _locked(connection, streams, now)
    starts = {one: _from(settled, firsts.get(one, 1)) for one, settled in before.items()}
    later = _later(connection, starts)
    drafts: dict[Stream, list[AckDraft]] = {}
    moved: dict[Stream, Settled] = {}
    for stream, start in starts.items():
        after, drafts[stream] = _over(stream, start, later.get(stream, ()))
        if after != before[stream]:
            moved[stream] = after
    _save(connection, moved, now)
    still = {one: starts[one] for one in streams if not drafts[one]}
    for draft, stream in zip(_again(connection, still), still, strict=True):
        drafts[stream] = [draft]
    return [draft for stream in streams for draft in drafts[stream]]


def _from(settled: Settled, first: int) -> Settled:
    """Where a stream goes on, of which the device has nothing before `first` any more."""
    return Settled(first - 1, NOTHING) if first - 1 > settled.up_to else settled


def _over(
    stream: Stream, start: Settled, later: Iterable[Row[Any]]
) -> tuple[Settled, list[AckDraft]]:
    """How far a stream goes without a gap; the steps in which that is acknowledged."""
    at, drafts, rejected = start, list[AckDraft](), list[Rejection]()
    for row in later:
        if row.sequence != at.up_to + 1:
            break
        at = Settled(row.sequence, row.sha256)
        if row.status == MessageStatus.REJECTED:
            rejected.append(Rejection(seq=at.up_to, reason=row.reason or "rejected"))
        if len(rejected) == MAX_REJECTED:
            drafts.append(_draft(stream, at, rejected))
            rejected = []
    if at != start and (rejected or not drafts or drafts[-1].up_to != at.up_to):
        drafts.append(_draft(stream, at, rejected))
    return at, drafts


def repeat_all(connection: Connection, now: datetime) -> list[AckDraft]:
    """The present acknowledgement of every stream that moved in the last 35 days."""
    recent = progress.c.changed_at > now - ANSWERED_FOR
    rows = connection.execute(select(progress).where(recent, progress.c.up_to > 0))
    return _again(connection, dict(map(_settled, rows)))


def present(connection: Connection, streams: Collection[Stream]) -> list[AckDraft]:
    """How far streams are settled now."""
    return _again(connection, _progress(connection, streams)) if streams else []


def answer_births(connection: Connection, born: Collection[Stream]) -> list[AckDraft]:
    """How far the streams of devices that have just connected are settled.

    Of one that this server knows nothing of: nothing, so that the device sends again what it
    still has. Unless nobody had claimed the device when it sent: what it sent then is here, and
    `requeue` moves it to where it belongs.
    """
    if not born:
        return []
    found = _progress(connection, born)
    unknown = {one: one._replace(org_id=NO_ORGANISATION) for one in born if one not in found}
    nobodys = _progress(connection, unknown.values())
    lost = {one for one, unclaimed in unknown.items() if unclaimed not in nobodys}
    return _again(connection, found | dict.fromkeys(sorted(lost, key=_ORDER), Settled(0, NOTHING)))


def _again(connection: Connection, settled: Mapping[Stream, Settled]) -> list[AckDraft]:
    """Acknowledgements once more, each with the latest rejections before it."""
    refused = _refused(connection, settled)
    return [_draft(one, at, refused.get(one, ())) for one, at in settled.items()]


def _draft(stream: Stream, at: Settled, rejected: Sequence[Rejection]) -> AckDraft:
    return AckDraft(
        stream.org_id, stream.device, stream.epoch, at.up_to, at.sha256, tuple(rejected)
    )


def _refused(
    connection: Connection, settled: Mapping[Stream, Settled]
) -> dict[Stream, list[Rejection]]:
    """The latest rejected messages of each stream, in order; an index has these alone."""
    refused: dict[Stream, list[Rejection]] = defaultdict(list)
    if not settled:
        return refused
    types = types_of(progress, *_STREAM, "up_to")
    rows = ((*one, at.up_to) for one, at in settled.items())
    asked = given(connection, types, rows)
    same = and_(*(message.c[name] == asked.c[name] for name in _STREAM))
    found = connection.execute(
        select(*message.c[(*_STREAM, "sequence", "reason")])
        .select_from(asked.table)
        .join(message, same)
        .where(message.c.status == _REJECTED, message.c.sequence <= asked.c.up_to)
        .order_by(message.c.sequence),
        asked.values,
    )
    for row in found:
        one = Rejection(seq=row.sequence, reason=row.reason or "rejected")
        refused[_stream(row)].append(one)
    return {stream: listed[-MAX_REJECTED:] for stream, listed in refused.items()}


def _locked(
    connection: Connection, streams: Collection[Stream], now: datetime
) -> dict[Stream, Settled]:
    """How far streams are settled, locked against other workers; new ones begin."""
    new = {"up_to": 0, "sha256": NOTHING, "changed_at": now}
    rows = [stream._asdict() | new for stream in sorted(streams, key=_ORDER)]
    upsert_all(connection, progress, rows, ())
    return _progress(connection, streams, lock=True)


def _progress(
    connection: Connection, streams: Collection[Stream], *, lock: bool = False
) -> dict[Stream, Settled]:
    asked = given(connection, types_of(progress, *_STREAM), streams)
    same = and_(*(progress.c[name] == asked.c[name] for name in _STREAM))
    query = select(progress).select_from(asked.table).join(progress, same)
    if lock:
        query = query.order_by(*(progress.c[name] for name in _STREAM))
        query = query.with_for_update(of=progress)
    return dict(map(_settled, connection.execute(query, asked.values)))


def _later(
    connection: Connection, settled: Mapping[Stream, Settled]
) -> dict[Stream, list[Row[Any]]]:
    """What is kept of each stream after the point up to which it is settled."""
    types = types_of(progress, *_STREAM, "up_to")
    asked = given(connection, types, ((*one, at.up_to) for one, at in settled.items()))
    same = and_(*(message.c[name] == asked.c[name] for name in _STREAM))
    rows = connection.execute(
        select(*message.c[(*_STREAM, "sequence", "sha256", "status", "reason")])
        .select_from(asked.table)
        .join(message, same)
        .where(message.c.sequence > asked.c.up_to)
        .order_by(message.c.sequence),
        asked.values,
    )
    later: dict[Stream, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        later[_stream(row)].append(row)
    return later


def _save(connection: Connection, moved: Mapping[Stream, Settled], now: datetime) -> None:
    rows = [
        stream._asdict() | {"up_to": at.up_to, "sha256": at.sha256, "changed_at": now}
        for stream, at in ((one, moved[one]) for one in sorted(moved, key=_ORDER))
    ]
    upsert_all(connection, progress, rows, ("up_to", "sha256", "changed_at"))


def _stream(row: Row[Any]) -> Stream:
    return Stream(row.org_id, row.device, row.epoch)


def _settled(row: Row[Any]) -> tuple[Stream, Settled]:
    return _stream(row), Settled(row.up_to, row.sha256)
