"""Rows of what is kept: values in, values out."""

import zlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from server.ingest.fates import Aside, NewMessage, device_of
from server.ingest.placing import Placed
from server.ingest.reading import MAX_REASON, WindowReading

Row = dict[str, Any]
_ZEROS_KEPT = 8


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
    text_bytes = len(reading.payload.rstrip(b"\0")) + _ZEROS_KEPT
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
        "invalid": [part.model_dump(mode="json") for part in one.invalid],
    }


def cell_row(placed: Placed) -> Row:
    """A cell at its point."""
    staff = placed.cell.staff
    row = {"org_id": placed.org_id, "point_id": placed.point_id, "cell_id": uuid4()}
    row |= _released(placed)
    return row | {"staff": None if staff is None else staff.model_dump(mode="json")}


def week_row(placed: Placed) -> Row:
    """A store's week."""
    week = placed.cell.week
    row = {"org_id": placed.org_id, "week_id": uuid4(), "store_id": placed.store_id}
    row |= _released(placed)
    return row | {"week": None if week is None else week.model_dump(mode="json")}


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


def _released(placed: Placed) -> Row:
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
        "waiting": one.waiting.model_dump(mode="json"),
        "stay": one.stay.model_dump(mode="json"),
        "observed_s": one.observed_s,
        "bridged_s": one.bridged_s,
        "unknown_s": one.unknown_s,
        "definition_version": of.definition_version,
        "geometry_hash": of.geometry_hash,
        "expectations_hash": of.expectations_hash,
        "model": of.model,
    }
