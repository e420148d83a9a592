"""Acknowledgements: how far a device's messages are settled without a gap.

`up_to` is the highest sequence of an epoch such that every sequence from 1 up to it has been
committed or rejected; it never moves back. An acknowledgement holds at most 64 rejections, so
a stretch with more of them is acknowledged in steps.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from firmware_cfg.messages import Rejection
from server.schema.messages import MessageStatus, message, progress

MAX_REJECTED = 64
MAX_STEP = 5000
ANSWERED_FOR = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Stream:
    """The messages of one device's outbox."""

    org_id: UUID
    device: str
    epoch: str


@dataclass(frozen=True, slots=True)
class AckDraft:
    """An acknowledgement still to be signed."""

    device: str
    epoch: str
    up_to: int
    sha256: str
    rejected: tuple[Rejection, ...]


def advance(connection: Connection, stream: Stream, now: datetime) -> list[AckDraft]:
    """Move a stream's progress over what has no gap; the acknowledgements to send."""
    drafts: list[AckDraft] = []
    before = _progress(connection, stream)
    at, sha256 = before or (0, "")
    start, rejected = at, []
    for row in _later(connection, stream, at):
        if row.sequence != at + 1:
            break
        at, sha256 = row.sequence, row.sha256
        if row.status == MessageStatus.REJECTED:
            rejected.append(Rejection(seq=at, reason=row.reason or "rejected"))
        if len(rejected) == MAX_REJECTED:
            drafts.append(AckDraft(stream.device, stream.epoch, at, sha256, tuple(rejected)))
            rejected = []
    if at == 0:
        return []
    if at != start:
        _save(connection, stream, at, sha256, now, new=before is None)
        drafts.append(AckDraft(stream.device, stream.epoch, at, sha256, tuple(rejected)))
        return drafts
    return [_repeat(connection, stream, at, sha256)]


def repeat_all(connection: Connection, now: datetime) -> list[AckDraft]:
    """The present acknowledgement of every stream that moved in the last 35 days."""
    recent = progress.c.changed_at > now - ANSWERED_FOR
    rows = connection.execute(select(progress).where(recent)).all()
    return [
        _repeat(connection, Stream(r.org_id, r.device, r.epoch), r.up_to, r.sha256) for r in rows
    ]


def repeat(connection: Connection, stream: Stream) -> list[AckDraft]:
    """The present acknowledgement of one stream; none before its first message."""
    found = _progress(connection, stream)
    return [] if found is None else [_repeat(connection, stream, *found)]


def _repeat(connection: Connection, stream: Stream, up_to: int, sha256: str) -> AckDraft:
    """The acknowledgement of `up_to` once more, with the latest rejections before it."""
    refused = connection.execute(
        select(message.c.sequence, message.c.reason)
        .where(*_of(stream), message.c.status == MessageStatus.REJECTED)
        .where(message.c.sequence <= up_to)
        .order_by(message.c.sequence.desc())
        .limit(MAX_REJECTED)
    ).all()
    rejected = tuple(Rejection(seq=r.sequence, reason=r.reason) for r in reversed(refused))
    return AckDraft(stream.device, stream.epoch, up_to, sha256, rejected)


def _of(stream: Stream) -> tuple[ColumnElement[bool], ...]:
    return (
        message.c.org_id == stream.org_id,
        message.c.device == stream.device,
        message.c.epoch == stream.epoch,
    )


def _progress(connection: Connection, stream: Stream) -> tuple[int, str] | None:
    row = connection.execute(
        select(progress.c.up_to, progress.c.sha256).where(
            progress.c.org_id == stream.org_id,
            progress.c.device == stream.device,
            progress.c.epoch == stream.epoch,
        )
    ).first()
    return None if row is None else (row.up_to, row.sha256)


def _later(connection: Connection, stream: Stream, at: int) -> list[Row[Any]]:
    return list(
        connection.execute(
            select(message.c.sequence, message.c.sha256, message.c.status, message.c.reason)
            .where(*_of(stream), message.c.sequence > at)
            .order_by(message.c.sequence)
            .limit(MAX_STEP)
        )
    )


def _save(
    connection: Connection, stream: Stream, up_to: int, sha256: str, now: datetime, *, new: bool
) -> None:
    key = {"org_id": stream.org_id, "device": stream.device, "epoch": stream.epoch}
    values = {"up_to": up_to, "sha256": sha256, "changed_at": now}
    if new:
        connection.execute(insert(progress).values(key | values))
        return
    here = [progress.c[name] == value for name, value in key.items()]
    connection.execute(update(progress).where(*here).values(values))
