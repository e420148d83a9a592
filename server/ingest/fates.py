"""What becomes of each message of a batch; values in, values out.

| what came | its fate |
|---|---|
| the same key and content again, or a stored window whose key is forgotten | `repeated` |
| the same key with another hash | `conflict` |
| what cannot be read | `refused` |
| a window of a device that nobody claimed, or of an implausible time | `aside` |
| any other window | `stored` |
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from server.ingest.directory import Devices, org_of
from server.ingest.known import Messages, Stream
from server.ingest.placing import is_plausible
from server.ingest.reading import MessageKey, Refusal, WindowReading
from server.schema.columns import NO_ORGANISATION
from server.schema.messages import AsideReason, MessageStatus

Came = WindowReading | Refusal


@dataclass(frozen=True, slots=True)
class Aside:
    """Something to be kept raw, and why; a cell alone, or a whole message."""

    org_id: UUID
    what: Came
    reason: AsideReason
    detail: str = ""
    cell_index: int | None = None

    @property
    def device(self) -> str:
        """Whose it is."""
        return device_of(self.what)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of a new key, and what becomes of it."""

    org_id: UUID
    key: MessageKey
    sha256: str
    status: MessageStatus
    reason: str | None = None


@dataclass(slots=True)
class Fates:
    """What becomes of a batch.

    Attributes:
        repeated: how many are known already.
        messages: those of new keys.
        stored: windows to be stored, with their organisation.
        asides: what is kept raw.
        touched: streams that are to be acknowledged, in the order in which they came.
    """

    repeated: int = 0
    messages: list[NewMessage] = field(default_factory=list)
    stored: list[tuple[UUID, WindowReading]] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    touched: dict[Stream, None] = field(default_factory=dict)


def device_of(what: Came) -> str:
    """The device that a message came from."""
    return what.key.device if isinstance(what, WindowReading) else what.device


def fates_of(
    came: Sequence[Came],
    devices: Devices,
    known: Messages,
    forgotten: Collection[MessageKey],
    now: datetime,
) -> Fates:
    """What becomes of each of the messages that came, in order.

    `forgotten`: keys of windows that are stored, though their key is not `known` any more.
    """
    fates = Fates()
    hashes = dict(known.hashes)
    for one in came:
        org_id = org_of(devices, device_of(one))
        key = one.key
        if key is None:
            fates.asides.append(_refused(org_id, one))
            continue
        stream = Stream(org_id, key.device, key.epoch)
        fates.touched[stream] = None
        there = hashes.get(key)
        if there == one.sha256 or (there is None and key in forgotten):
            fates.repeated += 1
        elif there is not None:
            fates.asides.append(Aside(org_id, one, AsideReason.SAME_KEY_OTHER_CONTENT))
        else:
            hashes[key] = one.sha256
            _new(fates, org_id, one, key, now)
    return fates


def _new(fates: Fates, org_id: UUID, one: Came, key: MessageKey, now: datetime) -> None:
    """The fate of a message of a new key."""
    if isinstance(one, Refusal):
        fates.asides.append(_refused(org_id, one))
        status, reason = MessageStatus.REJECTED, one.detail or one.reason.value
        fates.messages.append(NewMessage(org_id, key, one.sha256, status, reason))
        return
    why = _cannot_stand(org_id, one, now)
    if why is None:
        fates.stored.append((org_id, one))
        fates.messages.append(NewMessage(org_id, key, one.sha256, MessageStatus.STORED))
        return
    fates.asides.append(Aside(org_id, one, why))
    fates.messages.append(NewMessage(org_id, key, one.sha256, MessageStatus.ASIDE, why.value))


def _refused(org_id: UUID, one: Came) -> Aside:
    if isinstance(one, WindowReading):
        raise TypeError("a window that was read is not refused")
    return Aside(org_id, one, one.reason, one.detail)


def _cannot_stand(org_id: UUID, one: WindowReading, now: datetime) -> AsideReason | None:
    """Why a window cannot be stored; of implausible time none is, the tables are parted by it."""
    if org_id == NO_ORGANISATION:
        return AsideReason.UNKNOWN_DEVICE
    if not is_plausible(one.window.start, one.window.end, now):
        return AsideReason.IMPLAUSIBLE_TIME
    return None
