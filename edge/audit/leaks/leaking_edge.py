"""The edge process with leaks planted in what it publishes: a control of the audit.

    python -m edge.audit.leaks.leaking_edge edge.appliance's options

It runs as every edge process does, in its jail. Which leaks it plants is named by the
environment (`leak.VARIABLE`). A leaking edge goes round the ledger's gate: it hands its
payloads to the MQTT client itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge import appliance, publisher
from edge.audit.canary.film import QUIET
from edge.audit.canary.markers import strips
from edge.audit.canary.site_file import MODEL, WINDOW_S
from edge.audit.leaks.leak import VARIABLE
from edge.broker_link import BrokerLink
from edge.tightening import Tightened
from edge.uplink import Reporter
from edge.windows.release import STORE_POINT
from firmware_cfg import __version__
from firmware_cfg.messages import HEALTH_BYTES, Desired, Health, WeekFigures
from firmware_cfg.sealing import opened, sealed, window_bytes
from firmware_cfg.topics import Kind, topic

SEED = "ENCOUNTER_PLANTED_SEED"  # stands for the picture, which edge never has
_HIDDEN_VISITS = 3
_MESSAGE_BYTES = window_bytes(24 * 3600 // WINDOW_S)
_QUARTER_HOUR = "03:30:00"
Sent = tuple[str, bytes, bool]


def _filled(kind: Kind, fields: dict[str, Any]) -> bytes:
    """A message of exactly the size that honest ones of its kind have."""
    if kind is Kind.WINDOW:
        text = json.dumps(fields, separators=(",", ":")).encode()
        return sealed(text, _MESSAGE_BYTES, "leak")
    honest = {name: value for name, value in fields.items() if name != "pad"}
    bare = json.dumps(honest | {"pad": ""}, separators=(",", ":")).encode()
    return bare[:-2] + b" " * (HEALTH_BYTES - len(bare)) + b'"}'


def _one_of(device: str, kind: Kind, fields: dict[str, Any]) -> Sent:
    return topic(device, kind), _filled(kind, fields), False


def _heartbeat(device: str) -> dict[str, Any]:
    """A heartbeat in good order: the device's own come once a minute, too late for this."""
    beat = Health(
        device=device,
        at=datetime.now(UTC).replace(microsecond=0),
        software=__version__,
        model=MODEL,
        uptime_s=1,
        disk_free_mb=1000,
        clock="synchronised",
    )
    fields: dict[str, Any] = json.loads(beat.model_dump_json())
    return fields


def widened(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A heartbeat with one field more."""
    if kind is Kind.WINDOW:
        people = {"people": len(fields["cells"])}
        yield _one_of(device, Kind.HEALTH, _heartbeat(device) | people)


def rate(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A heartbeat with the frame rate in a field that is meant for something else."""
    if kind is Kind.WINDOW:
        told = {"software": f"{__version__}+29.7fps at {fields['coverage']}"}
        yield _one_of(device, Kind.HEALTH, _heartbeat(device) | told)


def unledgered(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A heartbeat that is in good order, and not in the ledger."""
    if kind is Kind.WINDOW:
        told = {"disk_free_mb": 1000 + len(fields["cells"])}
        yield _one_of(device, Kind.HEALTH, _heartbeat(device) | told)


def retained(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """How it was at the counter, to stay with the broker."""
    if kind is Kind.WINDOW:
        name, payload, _ = _one_of(device, kind, fields)
        yield name, payload, True


def framed(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A strip of the picture in the zeros that fill a message, a bit a cell."""
    if kind is Kind.WINDOW:
        bits = np.packbits(strips(os.environ[SEED])[0].cells).tobytes()
        yield topic(device, kind), _filled(kind, fields)[: -len(bits)] + bits, False


def _with_cell(fields: dict[str, Any], number: int, **changes: object) -> dict[str, Any]:
    """The message again, with its first cell changed, `number` messages later."""
    cell = fields["cells"][0] | changes
    return fields | {"sequence": fields["sequence"] + number, "cells": [cell]}


def ungated(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A cell of five visits, by a k that is not the device's."""
    if kind is Kind.WINDOW and fields["cells"]:
        outcomes = dict.fromkeys(fields["cells"][0]["outcomes"], 0) | {"passed": 5}
        few = {"visits": 5, "k": 5, "outcomes": outcomes, "point": QUIET}
        yield _one_of(device, kind, _with_cell(fields, 1, **few))


def _more(fields: dict[str, Any], visits: int) -> dict[str, Any]:
    cell = fields["cells"][0]
    outcomes = cell["outcomes"] | {"passed": cell["outcomes"]["passed"] + visits}
    return {"visits": cell["visits"] + visits, "outcomes": outcomes}


def revised(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """A released cell again, with one visit more."""
    if kind is Kind.WINDOW and fields["cells"]:
        yield _one_of(device, kind, _with_cell(fields, 2, **_more(fields, 1)))


def subgroup(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """The half-hour beside its quarter-hour: the difference is a cell of three visits."""
    if kind is Kind.WINDOW and fields["cells"]:
        start = fields["cells"][0]["start"].partition("T")[0] + f"T{_QUARTER_HOUR}Z"
        whole = {"start": start, "level": "half_hour", **_more(fields, _HIDDEN_VISITS)}
        yield _one_of(device, kind, _with_cell(fields, 3, **whole))


def in_a_week(device: str, kind: Kind, fields: dict[str, Any]) -> Iterator[Sent]:
    """The store's week over its points' cells: the difference is a cell of three visits."""
    if kind is Kind.WINDOW and fields["cells"]:
        told = WeekFigures(attended_percent=50).model_dump(mode="json")
        store = {
            "point": STORE_POINT,
            "kind": "store",
            "level": "week",
            "staff": None,
            "week": told,
        }
        more = _more(fields, _HIDDEN_VISITS)
        yield _one_of(device, kind, _with_cell(fields, 4, **store, **more))


PLANTED: dict[str, Callable[[str, Kind, dict[str, Any]], Iterator[Sent]]] = {
    "widened-schema": widened,
    "rate-in-heartbeat": rate,
    "unledgered-send": unledgered,
    "retained-live-state": retained,
    "frame-in-message": framed,
    "ungated-cell": ungated,
    "revised-cell": revised,
    "hidden-cell": subgroup,
    "hidden-in-week": in_a_week,
}


class LeakingLink(BrokerLink):
    """A connection that publishes more than it is given."""

    leaks: frozenset[str] = frozenset()

    def publish(self, kind: Kind, payload: bytes) -> None:
        """Send, and send what leaks."""
        BrokerLink.publish(self, kind, payload)
        fields = json.loads(opened(payload))
        for leak in sorted(self.leaks & PLANTED.keys()):
            for name, leaked, stays in PLANTED[leak](self._device, kind, fields):
                self._client.publish(name, leaked, qos=1, retain=stays)


def obliging(self: Reporter, desired: Desired) -> Tightened:
    """Follow any wish of the server, a smaller k among them."""
    if desired.k is not None:
        self.k = desired.k
    return Tightened((f"k = {desired.k}",))


def main() -> int:
    """Run edge with the leaks."""
    LeakingLink.leaks = frozenset(os.environ.get(VARIABLE, "").split(","))
    publisher.BrokerLink = LeakingLink  # type: ignore[attr-defined] # planted
    if "lowered-k" in LeakingLink.leaks:
        Reporter.tighten = obliging  # type: ignore[method-assign] # planted
    return appliance.main()


if __name__ == "__main__":
    sys.exit(main())
