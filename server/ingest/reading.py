"""What an MQTT message turns out to be; no database, no network.

A device may speak for itself alone: the topic's device (which the broker's rights bind to
the certificate) and the message's must agree. What cannot be read is a `Refusal`; with its
epoch and sequence, where they could be made out, so that the device hears of it.
"""

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from firmware_cfg.cells import Epoch, Sequence
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.json_text import doubled_at_top
from firmware_cfg.messages import Health, Reported, State, Window
from firmware_cfg.sealing import opened
from firmware_cfg.topics import DEVICE_ID_PATTERN, PREFIX, Kind, parse_topic
from server.schema.messages import AsideReason

MAX_REASON = 200
NO_DEVICE = "-"


class MessageKey(NamedTuple):
    """What a message is known by; a tuple, since each is looked up many times."""

    device: str
    epoch: str
    sequence: int


@dataclass(frozen=True, slots=True)
class WindowReading:
    """A window that can be read."""

    key: MessageKey
    sha256: str
    payload: bytes
    window: Window


@dataclass(frozen=True, slots=True)
class StatusReading:
    """What a device says of itself: a sign of life, unless the broker had `retained` it."""

    device: str
    message: State | Health | Reported
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that cannot be taken; `key` where the device can be told."""

    device: str
    key: MessageKey | None
    sha256: str
    payload: bytes
    reason: AsideReason
    detail: str
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """A message that asks for nothing: a retained one, withdrawn."""

    topic: str


Reading = WindowReading | StatusReading | Refusal | Nothing


class _Envelope(BaseModel):
    """The part of a message that names it, whatever else it holds."""

    device: str
    epoch: Epoch
    sequence: Sequence


def read(topic: str, payload: bytes, *, retained: bool = False) -> Reading:
    """Read a message of the uplink; `retained`: the broker had it from before."""
    found = _read(topic, payload)
    if retained and isinstance(found, StatusReading | Refusal):
        return replace(found, retained=True)
    return found


def _read(topic: str, payload: bytes) -> Reading:
    if not payload:
        return Nothing(topic)
    try:
        device, kind = parse_topic(topic)
    except MessageError as error:
        return _wrong_topic(topic, payload, str(error))
    if kind is Kind.WINDOW:
        return read_window(device, payload)
    if kind in (Kind.STATE, Kind.HEALTH, Kind.REPORTED):
        return _read_status(device, kind, payload)
    return _wrong_topic(topic, payload, f"{topic!r}: expected a topic of the uplink")


def _wrong_topic(topic: str, payload: bytes, detail: str) -> Refusal:
    """What came where nothing belongs. Without a key: it may come again where it belongs."""
    digest, wrong = sha256(payload).hexdigest(), AsideReason.WRONG_TOPIC
    return Refusal(_device_of(topic), None, digest, payload, wrong, detail[:MAX_REASON])


def _device_of(topic: str) -> str:
    """The device that a topic names, whatever follows."""
    name = topic.removeprefix(f"{PREFIX}/").partition("/")[0]
    known = topic.startswith(f"{PREFIX}/") and re.fullmatch(DEVICE_ID_PATTERN, name)
    return name if known else NO_DEVICE


def read_window(device: str, payload: bytes) -> WindowReading | Refusal:
    """Read a window that came on the topic of `device`."""
    digest = sha256(payload).hexdigest()
    try:
        window = decode(Window, payload)
    except MessageError as error:
        return _refusal(device, payload, error)
    if window.device != device:
        detail = f"topic of {device}, message of {window.device}"
        return Refusal(device, None, digest, payload, AsideReason.WRONG_DEVICE, detail)
    key = MessageKey(device, window.epoch, window.sequence)
    return WindowReading(key, digest, payload, window)


def _read_status(device: str, kind: Kind, payload: bytes) -> StatusReading | Refusal:
    try:
        message: State | Health | Reported
        if kind is Kind.STATE:
            message = decode(State, payload)
        elif kind is Kind.HEALTH:
            message = decode(Health, payload)
        else:
            message = decode(Reported, payload)
    except MessageError as error:
        return _refusal(device, payload, error)
    if message.device != device:
        detail = f"topic of {device}, message of {message.device}"
        digest = sha256(payload).hexdigest()
        return Refusal(device, None, digest, payload, AsideReason.WRONG_DEVICE, detail)
    return StatusReading(device, message)


def _refusal(device: str, payload: bytes, error: MessageError) -> Refusal:
    newer = isinstance(error, NewerVersionError)
    reason = AsideReason.NEWER_VERSION if newer else AsideReason.MALFORMED
    key = _key(device, payload)
    digest = sha256(payload).hexdigest()
    return Refusal(device, key, digest, payload, reason, str(error)[:MAX_REASON])


def unexpected(
    topic: str, payload: bytes, key: MessageKey | None, *, retained: bool = False
) -> Refusal:
    """A message on which a reader of ours failed: to be read again after an upgrade."""
    digest, reason = sha256(payload).hexdigest(), AsideReason.UNEXPECTED_ERROR
    detail = "failed while it was being read"
    return Refusal(_device_of(topic), key, digest, payload, reason, detail, retained)


def key_of(topic: str, payload: bytes) -> MessageKey | None:
    """What a message that could not be read is known by; None if it does not say."""
    return _key(_device_of(topic), payload)


def _key(device: str, payload: bytes) -> MessageKey | None:
    """The key that a message of `device` states; none where a part of it is given twice."""
    try:
        text = opened(payload)
        envelope = _Envelope.model_validate_json(text, strict=True)
        doubled = doubled_at_top(text)
    except (MessageError, ValidationError):
        return None
    if envelope.device != device or doubled & _Envelope.model_fields.keys():
        return None
    return MessageKey(device, envelope.epoch, envelope.sequence)
