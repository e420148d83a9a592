"""Messages held to the rules: each breach is named by its own check."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from edge.audit.canary.checks import named
from edge.audit.canary.listener import Published
from edge.audit.finding import Status
from edge.audit.messages_check import Terms, check_messages
from firmware_cfg import __version__
from firmware_cfg.messages import HEALTH_BYTES
from firmware_cfg.sealing import opened, sealed

TERMS = Terms("canary", 10, 900, None, frozenset({"busy", "quiet"}), "m")
AT_S = 1_774_843_200.0  # 2026-03-30T04:00:00Z
Fields = dict[str, Any]


def cell(**changes: object) -> Fields:
    empty = {"scale": 1, "event": {}, "left": {}, "censored": {}}
    fields: Fields = {
        "point": "busy",
        "kind": "service_point",
        "level": "quarter_hour",
        "start": "2026-03-30T03:45:00Z",
        "end": "2026-03-30T04:00:00Z",
        "k": 10,
        "visits": 12,
        "left_censored": 0,
        "passers_by": 0,
        "outcomes": {
            "served": 0,
            "greeted_only": 0,
            "abandoned": 12,
            "passed": 0,
            "still_present": 0,
        },
        "waiting": empty,
        "stay": empty,
        "staff": None,
        "observed_s": 1.0,
        "bridged_s": 0.0,
        "unknown_s": 0.0,
        "week": None,
    }
    fields |= changes
    if "visits" in changes:
        fields["outcomes"] = fields["outcomes"] | {"abandoned": changes["visits"]}
    return fields


def padded(fields: Fields, size: int) -> bytes:
    bare = json.dumps(fields | {"pad": ""}, separators=(",", ":")).encode()
    return bare[:-2] + b" " * (size - len(bare)) + b'"}'


def window(*cells: Fields, sequence: int = 1, topic: str = "window", **changes: Any) -> Published:
    fields = {
        "kind": "window",
        "schema_version": 1,
        "device": "canary",
        "epoch": "0" * 16,
        "sequence": sequence,
        "start": "2026-03-30T03:45:00Z",
        "end": "2026-03-30T04:00:00Z",
        "definition_version": 1,
        "geometry_hash": "a" * 64,
        "expectations_hash": "b" * 64,
        "model": "m",
        "coverage": "99-100",
        "invalid": [],
        "clock": "rtc",
        "cells": list(cells),
    } | changes
    payload = sealed(json.dumps(fields, separators=(",", ":")).encode(), 1408, "test")
    return Published(AT_S, f"encounter/v1/canary/up/{topic}", payload, retained=False)


def health(*, retained: bool = False, **changes: Any) -> Published:
    fields = {
        "kind": "health",
        "schema_version": 1,
        "device": "canary",
        "at": "2026-03-30T04:00:00Z",
        "software": __version__,
        "model": "m",
        "uptime_s": 60,
        "disk_free_mb": 999,
        "clock": "rtc",
        "faults": [],
        "kernel_layers": ["seccomp"],
        "certificate_days": None,
        "ledger": None,
    } | changes
    topic = "encounter/v1/canary/up/health"
    return Published(AT_S, topic, padded(fields, HEALTH_BYTES), retained)


def test_honest_messages_hold() -> None:
    honest = [window(cell()), health(), health(), window(cell(), sequence=1)]
    assert {one.status for one in check_messages(honest, TERMS)} == {Status.HOLDS}


def test_no_message_is_not_checked() -> None:
    assert {one.status for one in check_messages([], TERMS)} == {Status.NOT_CHECKED}


def spaced(one: Published) -> Published:
    """The same message with a space that says nothing."""
    wider = opened(one.payload).replace(b'"sequence":1', b'"sequence": 1')
    return Published(one.at_s, one.topic, sealed(wider, 1408, "test"), one.retained)


def packed_otherwise(one: Published) -> Published:
    """The same text by another choice of the packer's: a way to say something beside it."""
    other = zlib.compress(opened(one.payload), 1).ljust(1408, b"\0")
    return Published(one.at_s, one.topic, other, one.retained)


def behind_its_end(one: Published) -> Published:
    """Something in the zeros that fill a message."""
    return Published(one.at_s, one.topic, one.payload[:-1] + b"x", one.retained)


BREACHES: dict[str, tuple[str, Callable[[], list[Published]]]] = {
    "a field more": ("messages.schema", lambda: [health(people=1)]),
    "an unknown topic": ("messages.schema", lambda: [window(topic="live")]),
    "a down topic": ("messages.schema", lambda: [Published(AT_S, "a/b", b"{}", False)]),
    "another way to write it": ("messages.schema", lambda: [spaced(window(cell()))]),
    "hidden in the padding": (
        "messages.schema",
        lambda: [behind_its_end(window())],
    ),
    "hidden in the packing": ("messages.schema", lambda: [packed_otherwise(window(cell()))]),
    "hidden in properties": (
        "messages.schema",
        lambda: [Published(AT_S, window().topic, window().payload, False, b"\x26\0\1a\0\1b")],
    ),
    "fewer than k": ("messages.k", lambda: [window(cell(k=5, visits=5))]),
    "a lower k": ("messages.k", lambda: [window(cell(k=9))]),
    "a point of nobody": ("messages.k", lambda: [window(cell(point="door"))]),
    "finer than a window": ("messages.k", lambda: [window(cell(start="2026-03-30T03:55:00Z"))]),
    "a cell again, other figures": (
        "messages.cells",
        lambda: [window(cell()), window(cell(visits=13), sequence=2)],
    ),
    "a cell around another": (
        "messages.cells",
        lambda: [window(cell()), window(cell(start="2026-03-30T03:30:00Z"), sequence=2)],
    ),
    "a message again, other bytes": ("messages.cells", lambda: [window(cell()), window()]),
    "frame rate": ("messages.constant", lambda: [health(software=f"{__version__}+30fps")]),
    "layers that change": (
        "messages.constant",
        lambda: [health(), health(kernel_layers=["seccomp", "core"])],
    ),
    "a heartbeat of another time": (
        "messages.constant",
        lambda: [health(at="2026-03-30T03:00:00Z")],
    ),
    "a window of another length": (
        "messages.constant",
        lambda: [window(start="2026-03-30T03:50:00Z")],
    ),
    "a window that stays": (
        "messages.retained",
        lambda: [Published(AT_S, window().topic, window().payload, retained=True)],
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_named_by_its_check(breach: str) -> None:
    check, make = BREACHES[breach]
    found = named(check_messages(make(), TERMS))
    assert found[check].status is Status.FAILS
    assert found[check].evidence
