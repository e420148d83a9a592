"""A simulated store as rows of the product's tables: what ingest and the roll-up job would write.

Ingest's own functions say where a cell belongs and what its row looks like. Roll-ups are made
here from the cells at hand, before they are written; a test holds them against the job's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Row as DatabaseRow

from firmware_cfg.codec import encode
from firmware_cfg.messages import Window
from server.errors import SimulationError
from server.ingest.fates import NewMessage
from server.ingest.placing import Placed, place
from server.ingest.reading import MessageKey, WindowReading
from server.ingest.rows import Row, cell_row, message_row, raw_row, week_row, window_row
from server.released_cell import ReleasedCell, cell_of
from server.schema.messages import MessageStatus
from server.simulating.chain import Chain, PlannedStore
from server.simulating.delivery import received_at
from server.simulating.rolling import roll_ups
from server.simulating.stream import Drawn, messages
from server.simulating.where import Where

KEPT_RAW = timedelta(days=7)


@dataclass(slots=True)
class Built:
    """Rows by table, in the order in which they are written, and what was drawn."""

    key: str
    drawn: Drawn = field(default_factory=Drawn)
    windows: list[Row] = field(default_factory=list)
    cells: list[Row] = field(default_factory=list)
    weeks: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    raw: list[Row] = field(default_factory=list)
    progress: list[Row] = field(default_factory=list)
    rollups: list[Row] = field(default_factory=list)


def built(chain: Chain, store: PlannedStore, where: Where, scale: int | None = None) -> Built:
    """All rows of a store; `scale`: of all histograms, where not by a cell's visits.

    Raises:
        SimulationError: a cell that ingest would keep aside.
    """
    found = Built(store.key)
    released: list[ReleasedCell] = []
    last: dict[tuple[str, str], Window] = {}
    for one in messages(chain.seed, store, found.drawn, scale):
        last[one.device, one.epoch] = one
        reading = _reading(one, where.now)
        if reading.payload:
            _came(found, store, where, reading)
        found.windows.append(window_row(where.org_id, reading))
        for placed in _placed(reading, where):
            if placed.point_id is None:
                found.weeks.append(week_row(placed))
                continue
            row = cell_row(placed)
            found.cells.append(row)
            released.append(
                cell_of(cast("DatabaseRow[Any]", SimpleNamespace(**row)), row["point_id"])
            )
    for window in last.values():
        _settle(found, store, where, window)
    found.rollups = roll_ups(where.org_id, where.store_id, where.time, released, found.windows)
    return found


def _reading(window: Window, now: datetime) -> WindowReading:
    """A window as it was read; with its bytes as long as these are kept."""
    key = MessageKey(window.device, window.epoch, window.sequence)
    if window.end < now - KEPT_RAW:
        return WindowReading(key, "", b"", window)
    payload = encode(window)
    return WindowReading(key, sha256(payload).hexdigest(), payload, window)


def _placed(reading: WindowReading, where: Where) -> Iterator[Placed]:
    claimed = where.devices[reading.key.device]
    for index, cell in enumerate(reading.window.cells):
        found = place(claimed, reading, index, where.now)
        if not isinstance(found, Placed):
            at = f"{reading.key.device}: {cell.point} {cell.level} {cell.start}"
            raise SimulationError(f"{at}: expected a cell that can stand, found {found}")
        yield found


def _came(found: Built, store: PlannedStore, where: Where, reading: WindowReading) -> None:
    """That a message came, and its bytes."""
    at = received_at(store, reading.window)
    status = MessageStatus.STORED
    message = NewMessage(where.org_id, reading.key, reading.sha256, status)
    found.messages.append(message_row(message, at))
    found.raw.append(raw_row(where.org_id, reading, at))


def _settle(found: Built, store: PlannedStore, where: Where, last: Window) -> None:
    """Every message of a stream is settled, up to its last one, which is kept."""
    reading = _reading(last, last.end)
    if not _is_among(found.messages, reading):
        _came(found, store, where, reading)
        found.raw.pop()
    found.progress.append(
        {
            "org_id": where.org_id,
            "device": last.device,
            "epoch": last.epoch,
            "up_to": last.sequence,
            "sha256": reading.sha256,
            "changed_at": received_at(store, last),
        }
    )


def _is_among(rows: Iterable[Row], reading: WindowReading) -> bool:
    key = reading.key
    wanted = (key.device, key.epoch, key.sequence)
    return any((row["device"], row["epoch"], row["sequence"]) == wanted for row in rows)
