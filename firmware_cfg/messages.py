"""The wire contract: one closed, versioned model a message.

JSON in UTF-8. Every message states `schema_version`; the server reads N, N-1 and N-2.
A window message travels sealed (`firmware_cfg.sealing`), of one size for all of a device's; a
heartbeat is padded to `HEALTH_BYTES`. So lengths say nothing.
Instants are RFC 3339 in UTC with a `Z`. The JSON Schemas in `docs/schema/` are written
from these models.
"""

import json
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import from_json

from firmware_cfg.cells import (
    Cell,
    Count,
    Coverage,
    DeviceId,
    Epoch,
    Instant,
    Level,
    Message,
    Outcomes,
    Patterns,
    PointId,
    PointKind,
    Sequence,
    Sha256,
    Split,
    StaffFigures,
    Threshold,
    WeekFigures,
    WireHistogram,
    check_span,
)
from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.sealing import MOST_WINDOW_BYTES, opened, sealed

__all__ = [
    "HEALTH_BYTES",
    "MODELS",
    "OLDEST_READ_VERSION",
    "SCHEMA_VERSION",
    "Ack",
    "AnyMessage",
    "Cell",
    "Count",
    "Coverage",
    "Desired",
    "DeviceId",
    "Epoch",
    "Health",
    "Instant",
    "Invalid",
    "LedgerHead",
    "Level",
    "Message",
    "Outcomes",
    "Patterns",
    "PointId",
    "PointKind",
    "Queue",
    "Rejection",
    "Reported",
    "Sequence",
    "Sha256",
    "Split",
    "StaffFigures",
    "State",
    "WeekFigures",
    "Window",
    "WireHistogram",
    "ack_signed_bytes",
    "check_version",
    "decode",
    "encode",
    "peek",
]

SCHEMA_VERSION = 1
OLDEST_READ_VERSION = max(1, SCHEMA_VERSION - 2)
HEALTH_BYTES = 1024
MOST_POINTS = 64
LARGEST_WHOLE = 2**53 - 1  # that every JSON reader has exactly
_SHOWN = 40

Name = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
Whole = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
WindowSeconds = Annotated[int, Field(ge=900, le=86_400)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Points = Annotated[tuple[PointId, ...], Field(max_length=MOST_POINTS, fail_fast=True)]


class Invalid(Message):
    """A part of the window in which nothing could be measured."""

    start: Instant
    end: Instant
    reason: Literal["no_frames", "camera_moved", "restart", "configuration"]

    @model_validator(mode="after")
    def _forward(self) -> Self:
        check_span(self.start, self.end)
        return self


class Window(Message):
    """One message a window, always, at a fixed time and of a fixed size."""

    kind: Literal["window"] = "window"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    device: DeviceId
    epoch: Epoch
    sequence: Sequence
    start: Instant
    end: Instant
    definition_version: Version
    geometry_hash: Sha256
    expectations_hash: Sha256
    model: Name
    coverage: Coverage
    invalid: Annotated[tuple[Invalid, ...], Field(max_length=16)] = ()
    clock: Literal["synchronised", "rtc", "estimated"]
    cells: Annotated[tuple[Cell, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _forward(self) -> Self:
        check_span(self.start, self.end)
        return self


class LedgerHead(Message):
    """Signed head of the device's ledger: a tree of RFC 9162 over its entries.

    How many entries there are follows from elapsed time and the connection's fate: a window has
    one message whatever was seen, so the size tells nothing of the scene.
    """

    ledger: Annotated[Epoch, Field(description="ledger id: the epoch of its database")]
    size: Annotated[int, Field(ge=0, le=2**40 - 1, description="entries")]
    root: Annotated[Sha256, Field(description="root hash of the tree over them")]
    window: Annotated[Instant, Field(description="start of the window it was signed in")]
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519, hexadecimal")]


class Health(Message):
    """Heartbeat at fixed times, of a fixed size; nothing in it depends on the scene."""

    kind: Literal["health"] = "health"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    device: DeviceId
    at: Instant
    software: Name
    model: Name
    uptime_s: Whole
    disk_free_mb: Whole
    clock: Literal["synchronised", "rtc", "estimated"]
    faults: Annotated[
        tuple[Literal["camera", "outbox", "clock", "disk"], ...], Field(max_length=8)
    ] = ()
    kernel_layers: Annotated[tuple[Name, ...], Field(max_length=8)] = ()
    ledger: Annotated[
        LedgerHead | None, Field(description="of the ledger before this heartbeat's own entry")
    ] = None
    pad: Annotated[
        str, Field(pattern="^ *$", max_length=HEALTH_BYTES, description="up to the fixed size")
    ] = ""


class Queue(Message):
    """A queue of the site and the counters that it feeds."""

    id: PointId
    feeds: Points


class State(Message):
    """Retained: the birth of a device, or its last will."""

    kind: Literal["state"] = "state"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    device: DeviceId
    online: bool
    speaks: Annotated[
        tuple[Version, ...],
        Field(max_length=16, description="schema versions that the device writes"),
    ] = (SCHEMA_VERSION,)
    software: Name = ""
    epoch: Epoch


class Reported(Message):
    """Retained: the configuration in force, as far as the server must know it."""

    kind: Literal["reported"] = "reported"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    device: DeviceId
    service_points: Points
    queues: Annotated[tuple[Queue, ...], Field(max_length=MOST_POINTS, fail_fast=True)]
    timezone: Name
    k: Threshold
    window_s: WindowSeconds
    greet_within_s: Annotated[float, Field(ge=0)]
    serve_within_s: Annotated[float, Field(ge=0)]
    geometry_hash: Sha256
    expectations_hash: Sha256


class Rejection(Message):
    """A message that the server will never take, and why."""

    seq: Sequence
    reason: Annotated[str, Field(max_length=200)]


class Ack(Message):
    """What the server has committed; only this settles messages at the device."""

    kind: Literal["ack"] = "ack"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    epoch: Epoch
    up_to: Sequence
    sha256: Annotated[Sha256, Field(description="of the payload of message `up_to`")]
    rejected: Annotated[tuple[Rejection, ...], Field(max_length=64)] = ()
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519, hexadecimal")]


class Desired(Message):
    """Retained: what the server asks of a device; it may only tighten (privacy rule 8)."""

    kind: Literal["desired"] = "desired"
    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    k: Threshold | None = None
    window_s: WindowSeconds | None = None


MODELS: tuple[type[Message], ...] = (Window, Health, State, Reported, Ack, Desired)
AnyMessage = TypeVar("AnyMessage", bound=Message)


def ack_signed_bytes(
    device: str, epoch: str, up_to: int, sha256: str, rejected: tuple[Rejection, ...]
) -> bytes:
    """Bytes that the signature of an `Ack` covers: the device id and every other field."""
    fields = {
        "device": device,
        "epoch": epoch,
        "rejected": [[one.seq, one.reason] for one in rejected],
        "schema_version": SCHEMA_VERSION,
        "sha256": sha256,
        "up_to": up_to,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def encode(message: Message, size_bytes: int = MOST_WINDOW_BYTES) -> bytes:
    """Compact JSON; a `Window` sealed to `size_bytes`, a `Health` padded to `HEALTH_BYTES`.

    Raises:
        MessageError: one of them does not fit.
    """
    if isinstance(message, Window):
        return sealed(message.model_dump_json().encode(), size_bytes, f"window {message.start}")
    if isinstance(message, Health):
        return _padded(message, HEALTH_BYTES, f"health of {message.device}")
    return message.model_dump_json().encode()


def _padded(message: Message, size_bytes: int, name: str) -> bytes:
    """Compact JSON with `pad`, its last field, filled with spaces up to `size_bytes`."""
    bare = message.model_copy(update={"pad": ""}).model_dump_json().encode()
    if len(bare) > size_bytes:
        raise MessageError(f"{name}: {len(bare)} bytes, at most {size_bytes} fit")
    return bare[:-2] + b" " * (size_bytes - len(bare)) + b'"}'


def decode(model: type[AnyMessage], payload: bytes) -> AnyMessage:
    """Read and check a message, or any other closed value that has no version of its own.

    Raises:
        NewerVersionError: the payload is of a schema version that is not known here.
        MessageError: the payload is not this message; says which field, and what was
            expected and found.
    """
    stated = {"kind", "schema_version"} & model.model_fields.keys()
    text = opened(payload) if stated else payload
    try:
        message = model.model_validate_json(text, strict=True)
    except ValidationError as error:
        if stated:
            check_version(peek(text)[1])
        raise MessageError(_first_problem(model, error)) from None
    if not stated <= message.model_fields_set:
        peek(text)  # says which of them is missing
    if stated:
        check_version(getattr(message, "schema_version", SCHEMA_VERSION))
    return message


def _first_problem(model: type[Message], error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(_shown(part) for part in first["loc"]) or "message"
    found = "" if first["type"] == "json_invalid" else f", found {str(first['input'])[:60]!r}"
    return f"{model.__name__.lower()}: {where}: {first['msg']}{found}"


def _shown(part: str | int) -> str:
    """A key or index as it can be logged: its beginning, control characters escaped."""
    return str(part)[:_SHOWN].encode("unicode_escape").decode()


def peek(payload: bytes) -> tuple[str, int]:
    """Kind and schema version of any message, without reading the rest of it.

    >>> peek(b'{"kind":"health","schema_version":9,"new":true}')
    ('health', 9)

    Raises:
        MessageError: not a JSON object, or it does not state both.
    """
    text = opened(payload)
    try:
        fields = from_json(text)
    except ValueError as error:
        raise MessageError(f"message: expected JSON, found {text[:40]!r} ({error})") from None
    if not isinstance(fields, dict):
        raise MessageError(f"message: expected a JSON object, found {text[:40]!r}")
    kind, version = fields.get("kind"), fields.get("schema_version")
    if not isinstance(kind, str):
        raise MessageError(f"message: kind: expected a name, found {str(kind)[:40]!r}")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        found = str(version)[:40]
        raise MessageError(f"{kind[:40]}: schema_version: expected 1 or more, found {found!r}")
    return kind, version


def check_version(version: int) -> None:
    """Refuse what this reader cannot read.

    Raises:
        NewerVersionError: newer than this reader: to be kept raw and read after an upgrade.
        MessageError: older than the oldest version that is still read.
    """
    if version > SCHEMA_VERSION:
        shown = str(version)[:_SHOWN]
        raise NewerVersionError(
            f"schema version {shown} is newer than this reader's {SCHEMA_VERSION}; kept raw"
        )
    if version < OLDEST_READ_VERSION:
        raise MessageError(
            f"schema version {version} is older than {OLDEST_READ_VERSION}, the oldest still read"
        )
