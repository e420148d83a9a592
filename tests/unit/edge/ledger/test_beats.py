"""The head that a heartbeat carries: of this ledger, of this device, of what came before it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.ledger.entry import EntryKind
from edge.ledger.verification import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ledger.head import Head
    from tests.unit.edge.ledger.conftest import Device

STRANGER = Ed25519PrivateKey.generate()
Changed = tuple["Callable[[Head, Ed25519PrivateKey], Head]", str]
CARRIED: dict[str, Changed] = {
    "another root": (lambda h, key: replace(h, root=b"\xab" * 32).signed(key), "forked"),
    "more entries than there were": (
        lambda h, key: replace(h, size=h.size + 50, root=b"\xab" * 32).signed(key),
        "forked",
    ),
    "its own entry among them": (lambda h, key: replace(h, size=h.size + 1).signed(key), "forked"),
    "another ledger": (lambda h, key: replace(h, ledger="f" * 16).signed(key), "forked"),
    "another device's signature": (lambda h, _: h.signed(STRANGER), "unsigned"),
    "a signature of nothing": (lambda h, _: replace(h, signature=b"\xcd" * 64), "unsigned"),
    "another window than was signed": (lambda h, _: replace(h, window=h.window + 1), "unsigned"),
}


@pytest.mark.parametrize("name", CARRIED)
def test_a_foreign_head_in_a_heartbeat_is_named(name: str, day: Device) -> None:
    change, kind = CARRIED[name]
    ledger = day.outbox.ledger
    real, other = ledger.head, change(day.head(), ledger._key).on_the_wire()
    ledger.head = lambda: other  # type: ignore[method-assign] # the device lies once
    day.beat()
    ledger.head = real  # type: ignore[method-assign] # and no more
    day.beat()
    found = verify(day.path)
    assert [(one.kind, one.entry) for one in found.problems] == [(kind, 31)]
    assert found.problems[0].words.zh != found.problems[0].words.en


@pytest.mark.parametrize(
    "head", [{"size": 3}, {"size": "3", "root": 5}, [], "head", {"ledger": None}, 7]
)
def test_what_is_no_head_is_named(head: object, day: Device) -> None:
    text = json.dumps({"ledger": head}).encode()
    day.outbox.ledger.record(day.now, (EntryKind.HEALTH, text))
    assert [(one.kind, one.entry) for one in verify(day.path).problems] == [("unsigned", 31)]


def test_a_heartbeat_that_is_none_is_told_and_verify_goes_on(day: Device) -> None:
    for text in (b"[]", b"no JSON", b"\xff"):
        day.outbox.ledger.record(day.now, (EntryKind.HEALTH, text))
    found = [(one.kind, one.entry) for one in verify(day.path).problems]
    assert found == [("unsigned", 31), ("unsigned", 32), ("unsigned", 33)]


def test_heartbeats_of_an_honest_device_hold(day: Device) -> None:
    for _ in range(3):
        day.beat()
        day.window()
    assert verify(day.path).problems == ()
