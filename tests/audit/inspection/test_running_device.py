"""The whole of Part A on a running device holds, and the device goes on as if nothing were."""

from __future__ import annotations

import os
from itertools import pairwise

from edge.audit.finding import Part, Status
from edge.audit.running.inspection import Watching, inspect
from firmware_cfg.load import load_site
from tests.audit.inspection.conftest import Audited, hidden_here

NOT_BY_HAND = {
    "vision.user",
    "vision.capabilities",
    "vision.closed_to_its_user",
    "vision.network_of_its_own",
    "edge.user",
    "edge.capabilities",
    "edge.closed_to_its_user",
    "device.files_changed",
    "units.exposure",
    "configuration.ledger",
}
"""What a start by hand, as root and without a broker, does not give; the report says so."""


def test_nothing_fails_and_what_was_not_checked_is_named(device: Audited) -> None:
    failing = {
        name: one.evidence[:5]
        for name, one in device.findings.items()
        if one.status is Status.FAILS
    }
    assert failing == {}
    unseen = {n for n, one in device.findings.items() if one.status is Status.NOT_CHECKED}
    assert unseen <= NOT_BY_HAND | hidden_here()
    assert len(device.findings) >= 35
    assert {one.part for one in device.findings.values()} == {Part.RUNNING}


def test_every_thread_was_asked_and_an_ordinary_process_too(device: Audited) -> None:
    for role, pid in device.pids.items():
        found = device.findings[f"{role}.calls_refused"]
        threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - names alone
        assert f"{threads} threads" in found.found.en
        refused = next(line for line in found.evidence if line.startswith(f"{role}:"))
        plain = next(line for line in found.evidence if line.startswith("ordinary"))
        assert "EPERM" in refused
        assert "EPERM" not in plain
        assert "EFAULT" in plain


def test_the_filters_come_from_the_kernel_itself(device: Audited) -> None:
    for role in device.pids:
        evidence = device.findings[f"{role}.filter"].evidence
        assert sum(line.startswith("filter of ") for line in evidence) >= 2
        can = next(line for line in evidence if line.startswith("can be permitted: "))
        assert " read," in can
        for never in ("execve", "ptrace", "io_uring_setup", "memfd_create", "number"):
            assert never not in can
    assert "openat" not in next(
        line for line in device.findings["vision.filter"].evidence if line.startswith("can")
    )


def test_over_some_time_the_worst_look_is_told(device: Audited) -> None:
    """A socket's table and what is open, looked at again, here within a second."""
    watching = Watching(0.0, hours=0.5 / 3600, round_s=0.25)
    found = {one.check: one for one in inspect(device.site, load_site(device.site), watching)}
    assert found["device.over_time"].status is Status.HOLDS
    assert "0 of them the device did not run whole" in found["device.over_time"].found.en
    for check in ("vision.descriptors", "vision.sockets", "edge.sockets", "edge.memory"):
        assert found[check].status is Status.HOLDS or check in hidden_here()
        assert "The worst of " in found[check].found.en


def test_counting_goes_on_unharmed(device: Audited) -> None:
    assert device.run is not None
    assert device.run.children() == device.pids  # none was replaced
    device.run.end()
    times_s = device.run.times_s()
    assert len(times_s) > 20
    assert max(after - before for before, after in pairwise(times_s)) < 1.0
    assert "ended with" not in device.run.said()
    assert "was killed" not in device.run.said()
