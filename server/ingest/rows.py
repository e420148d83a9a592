"""Rows of what is kept: values in, values out."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

from server.ingest.fates import Aside, NewMessage, device_of
from server.ingest.placing import Placed
from server.ingest.reading import MAX_REASON, WindowReading

Row = dict[str, Any]
Write = Callable[[BaseModel], Any]
_ZEROS_KEPT = 8


def dumped(value: BaseModel) -> Any:
    """A model as a JSON value."""
    return value.model_dump(mode="json")


def message_row(one: NewMessage, now: datetime) -> Row:
    """That a message came, and what became of it."""
    return {
        "org_id": one.org_id,
        "device": one.key.device,
        "epoch": one.key.epoch,
        "sequence": one.key.sequence,
        "sha256": one.sha256,
        "status": one.status.value,
        "reason": one.reason,
        "received_at": now,
    }


def raw_row(org_id: UUID, reading: WindowReading, now: datetime) -> Row:
    """The bytes of a window, without the zeros that fill it up but for a few.

    A sealed text ends with a checksum of four bytes, which may be zeros of its own.
    """
    number = int.from_bytes(reading.payload, "little")  # rstrip goes byte by byte
    text_bytes = (number.bit_length() + 7) // 8 + _ZEROS_KEPT
    return {
        "org_id": org_id,
        "received_on": now.astimezone(UTC).date(),
        "device": reading.key.device,
        "epoch": reading.key.epoch,
        "sequence": reading.key.sequence,
        "payload": reading.payload[:text_bytes],
    }


def window_row(org_id: UUID, reading: WindowReading) -> Row:
    """A window, without its cells."""
    one = reading.window
    return {
        "org_id": org_id,
        "device": reading.key.device,
        "start_at": one.start,
        "end_at": one.end,
        "epoch": reading.key.epoch,
        "sequence": reading.key.sequence,
        "coverage": one.coverage.value,
        "clock": one.clock,
        "invalid": [dumped(part) for part in one.invalid],
    }


def cell_row(placed: Placed, write: Write = dumped) -> Row:
    """A cell at its point; `write` says how its histograms are written."""
    staff = placed.cell.staff
    row: Row = {"org_id": placed.org_id, "point_id": placed.point_id, "cell_id": uuid4()}
    row |= _released(placed, write)
    row["staff"] = None if staff is None else write(staff)
    return row


def week_row(placed: Placed, write: Write = dumped) -> Row:
    """A store's week; `write` as for a cell."""
    week = placed.cell.week
    row: Row = {"org_id": placed.org_id, "week_id": uuid4(), "store_id": placed.store_id}
    row |= _released(placed, write)
    row["week"] = None if week is None else write(week)
    return row


def aside_row(one: Aside, now: datetime) -> Row:
    """Something that is kept raw."""
    key = one.what.key
    return {
        "org_id": one.org_id,
        "aside_id": uuid4(),
        "device": device_of(one.what),
        "epoch": None if key is None else key.epoch,
        "sequence": None if key is None else key.sequence,
        "cell_index": one.cell_index,
        "sha256": one.what.sha256,
        "reason": one.reason.value,
        "detail": one.detail[:MAX_REASON],
        "kept_at": now,
        "payload": zlib.compress(one.what.payload),
    }


def _released(placed: Placed, write: Write) -> Row:
    """What every released cell has."""
    of, one = placed.reading.window, placed.cell
    outcomes = one.outcomes
    return {
        "device": of.device,
        "epoch": of.epoch,
        "sequence": of.sequence,
        "level": one.level.value,
        "start_at": one.start,
        "end_at": one.end,
        "k": one.k,
        "visits": one.visits,
        "left_censored": one.left_censored,
        "passers_by": one.passers_by,
        "served": outcomes.served,
        "greeted_only": outcomes.greeted_only,
        "abandoned": outcomes.abandoned,
        "passed": outcomes.passed,
        "still_present": outcomes.still_present,
        "waiting": write(one.waiting),
        "stay": write(one.stay),
        "observed_s": one.observed_s,
        "bridged_s": one.bridged_s,
        "unknown_s": one.unknown_s,
        "definition_version": of.definition_version,
        "geometry_hash": of.geometry_hash,
        "expectations_hash": of.expectations_hash,
        "model": of.model,
    }
