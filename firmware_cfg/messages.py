"""The wire contract: one closed, versioned model a message.

Every message states `schema_version`. Instants are RFC 3339 in UTC with a `Z`. How they are
written and read: `firmware_cfg.codec`. The JSON Schemas in `docs/schema/` are written from these
models.
"""

import json
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

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

__all__ = [
    "HEALTH_BYTES",
    "MODELS",
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
]

SCHEMA_VERSION = 1
HEALTH_BYTES = 1024
MOST_POINTS = 64
LARGEST_WHOLE = 2**53 - 1  # that every JSON reader has exactly

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
    certificate_days: Annotated[
        int | None,
        Field(ge=-36_500, le=36_500, description="until its certificate ends; null: it has none"),
    ] = None
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
    first: Annotated[
        Sequence | None,
        Field(description="oldest sequence that the device still has, or the next one; at birth"),
    ] = None


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
    up_to: Annotated[
        int, Field(ge=0, le=2**63 - 1, description="0: the server has nothing of this epoch")
    ]
    sha256: Annotated[
        Sha256,
        Field(
            description="of the payload of message `up_to`; of nothing where the server has none"
        ),
    ]
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
