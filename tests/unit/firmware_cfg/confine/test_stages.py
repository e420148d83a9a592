"""What a process may do while it opens its source, once it is closed, and as its site asks."""

from __future__ import annotations

import pytest

from firmware_cfg.confine.filters import fitting, permissions
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.policies import (
    CAMERA,
    EDGE,
    LIBCAMERA,
    RELAY,
    STREAM,
    VISION,
    edge_for,
    opening_for,
)
from firmware_cfg.confine.policy import MESSAGE_BYTES, Policy
from firmware_cfg.confine.report import Confinement

EDGES = [edge_for(broker=broker, page=page) for broker in (False, True) for page in (False, True)]
EVERY = [VISION, STREAM, CAMERA, LIBCAMERA, RELAY, *EDGES]
SOURCES = ["file", "stream", "v4l2", "picamera2"]
OPENINGS = [opening_for(policy) for policy in (VISION, STREAM, CAMERA, LIBCAMERA)]
EVERY_STAGE = [*EVERY, *OPENINGS]


def names(policy: Policy) -> set[str]:
    return {call.name for call in policy.calls}


def permits(policy: Policy, name: str, *arguments: int) -> bool:
    """Whether the filter of `policy` would let a call through."""
    lines = [one.conditions for one in permissions(policy, ()) if one.name == name]
    return any(all(one.holds(arguments[one.index]) for one in when) for when in lines)


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_what_holds_is_told_in_one_message(policy: Policy) -> None:
    layers = tuple(Layer)
    line = Confinement(policy.name, layers, (), policy.reduced, 9999, 99).line()
    assert len(fitting(f"vision: {line}", 10_000)) <= policy.message_bytes


@pytest.mark.parametrize("message", ["a", "a" * 511, "a" * 512, "ü" * 600, "a\udcff" * 300])
def test_a_message_is_cut_to_its_bound_and_is_one_line(message: str) -> None:
    line = fitting(message, MESSAGE_BYTES)
    assert len(line) <= MESSAGE_BYTES
    assert line.endswith(b"\n")
    assert line.decode().count("\n") == 1
    assert (line[:-1] == message.encode("utf-8", "backslashreplace")) == (
        len(message.encode("utf-8", "backslashreplace")) < MESSAGE_BYTES
    )


PRIVATE, WAIT, WAKE, REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET = 128, 0, 1, 3, 5, 9, 10
CLOCK_REALTIME = 256


@pytest.mark.parametrize("policy", EVERY_STAGE, ids=lambda policy: policy.name)
def test_locks_are_a_process_s_own(policy: Policy) -> None:
    for operation in range(14):
        for clock in (0, CLOCK_REALTIME):
            assert permits(policy, "futex", 0, operation | PRIVATE | clock, 1)
    for operation in (WAIT, WAIT_BITSET, WAIT_BITSET | CLOCK_REALTIME):  # a thread's end
        assert permits(policy, "futex", 0, operation, 1)
    for operation in (WAKE, REQUEUE, 4, WAKE_OP, 6, 7, 8, WAKE_BITSET, 11, 12, 13):
        assert not permits(policy, "futex", 0, operation, 1)
        assert not permits(policy, "futex", 0, operation | CLOCK_REALTIME, 1)


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_no_closed_process_names_a_thread(policy: Policy) -> None:
    assert "prctl" not in names(policy)


def test_of_a_stream_vision_asks_nothing_about_files() -> None:
    assert names(VISION) - names(STREAM) == {"newfstatat", "lseek"}
    assert STREAM.name == VISION.name


@pytest.mark.parametrize("policy", [VISION, STREAM], ids=["file", "stream"])
def test_while_its_source_opens_vision_reads_alone(policy: Policy) -> None:
    opening = opening_for(policy)
    assert names(opening) & {"socket", "connect", "execve", "memfd_create", "rename", "unlink"} == (
        set()
    )
    at, path = 0, 0
    assert permits(opening, "openat", at, path, 0o2000000)  # O_CLOEXEC
    for write in (0o1, 0o2, 0o100, 0o1000, 0o20200000):  # WRONLY, RDWR, CREAT, TRUNC, TMPFILE
        assert not permits(opening, "openat", at, path, write)
        assert not permits(opening, "open", path, write)
    assert not permits(opening, "mmap", 0, 4096, 5, 0x2, 3, 0)  # no code from files
    assert not permits(opening, "write", 7, path, 379)
    assert not opening.writes_freely


def test_while_a_camera_opens_nothing_new_is_made() -> None:
    for policy in (CAMERA, LIBCAMERA):
        opening = opening_for(policy)
        assert permits(opening, "openat", 0, 0, 0o2)
        for made in (0o100, 0o1000, 0o20200000):
            assert not permits(opening, "openat", 0, 0, 0o2 | made)
    assert not permits(opening_for(CAMERA), "mmap", 0, 4096, 5, 0x2, 3, 0)


@pytest.mark.parametrize("policy", [VISION, STREAM, CAMERA, LIBCAMERA], ids=SOURCES)
def test_what_comes_after_opening_is_permitted_while_opening(policy: Policy) -> None:
    """Filters add up: what the first refuses, the last cannot give back."""
    opening = opening_for(policy)
    assert set(policy.calls) <= set(opening.calls)
    assert (opening.never, opening.message_bytes) == (policy.never, policy.message_bytes)


def test_a_site_gives_edge_what_it_asks_for_alone() -> None:
    neither, page, broker, both = (names(policy) for policy in EDGES)
    assert both == names(EDGE)
    connecting = {"socket", "connect", "sendmmsg"}
    assert both - broker == {"accept", "accept4"}
    assert both - page == connecting
    assert both - neither == connecting | {"accept", "accept4", "sendmsg", "setsockopt"}
    assert {edge_for(broker=True, page=False).name, edge_for(broker=False, page=True).name} == {
        EDGE.name
    }


def test_a_page_sets_no_option_but_one_and_sends_to_no_address() -> None:
    page = edge_for(broker=False, page=True)
    assert permits(page, "setsockopt", 9, 6, 1)  # IPPROTO_TCP, TCP_NODELAY
    assert not permits(page, "setsockopt", 9, 1, 2)  # SOL_SOCKET, SO_REUSEADDR
    assert permits(page, "sendto", 9, 0, 5, 0, 0, 0)
    assert not permits(page, "sendto", 9, 0, 5, 0, 4096, 16)
