"""Registers of the two machines."""

from __future__ import annotations

import pytest

from edge.audit.kernel.attempts import ATTEMPTS, attempts_of
from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.registers import AARCH64, LAYOUTS, X86_64, Layout, Registers
from edge.audit.running.values import Role
from firmware_cfg.confine.seccomp import number_of


@pytest.mark.parametrize("form", LAYOUTS.values())
def test_a_call_changes_what_it_is_made_of_and_nothing_else(form: Layout) -> None:
    before = Registers(form, tuple(range(1000, 1000 + form.count)))
    after = before.calling(0x4000, 42, (1, -1))
    assert [after.words[one] for one in form.arguments] == [1, 2**64 - 1, 0, 0, 0, 0]
    assert after.words[form.program] == 0x4000
    assert after.words[form.number] == 42
    assert after.stack == before.stack
    moved = {*form.arguments, form.program, form.number, form.entered}
    kept = [one for one in range(form.count) if one not in moved]
    assert [after.words[one] for one in kept] == [before.words[one] for one in kept]
    assert Registers.read(form, after.data()) == after


def test_no_interrupted_call_is_restarted_in_place_of_ours() -> None:
    words = (0,) * X86_64.count
    assert Registers(X86_64, words).calling(0, 1, ()).words[15] == 2**64 - 1  # orig_rax


def test_results_are_signed() -> None:
    for form in (X86_64, AARCH64):
        words = [0] * form.count
        words[form.result] = 2**64 - 13
        assert Registers(form, tuple(words)).result == -13


def test_registers_of_another_size_are_refused() -> None:
    with pytest.raises(TracingError, match="expected 216 bytes, found 68"):
        Registers.read(X86_64, bytes(68))


def test_every_attempt_is_a_call_of_both_machines_or_of_the_older_one() -> None:
    for attempt in ATTEMPTS:
        known = [number_of(attempt.call, name) for name in ("x86_64", "aarch64")]
        assert known[0] is not None, attempt
        older = {"open", "creat"}
        assert (known[1] is not None) == (attempt.call not in older), attempt


def test_vision_is_refused_what_edge_is_and_more() -> None:
    vision, edge, relay = (set(attempts_of(role)) for role in Role)
    assert edge < relay < vision
    assert len({one.name() for one in vision}) == len(vision)
