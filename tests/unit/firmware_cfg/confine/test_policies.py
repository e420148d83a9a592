"""The policies as tables: every name exists where it should, and nothing forbidden slips in."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest

from firmware_cfg.confine.filters import Output, permissions, refusals
from firmware_cfg.confine.policies import (
    CAMERA,
    EDGE,
    LIBCAMERA,
    POLICIES,
    RELAY,
    STREAM,
    VISION,
    edge_for,
    opening_for,
)
from firmware_cfg.confine.policy import Call, Policy
from firmware_cfg.confine.seccomp import ARCHITECTURES, Compare, number_of

EDGES = [
    replace(edge_for(broker=broker, page=page), name=f"edge-{broker}-{page}")
    for broker in (False, True)
    for page in (False, True)
]
EVERY = [*POLICIES.values(), replace(STREAM, name="stream"), *EDGES]
OPENINGS = [opening_for(policy) for policy in (VISION, STREAM, CAMERA, LIBCAMERA)]
LINES = list(
    dict.fromkeys(
        call for policy in (*EVERY, *OPENINGS) for call in chain(policy.calls, policy.never)
    )
)
NOWHERE = {  # not one of our processes, by any argument
    "add_key",
    "bpf",
    "chmod",
    "chroot",
    "execve",
    "execveat",
    "fork",
    "fsetxattr",
    "init_module",
    "io_uring_setup",
    "ioperm",
    "keyctl",
    "kill",
    "link",
    "linkat",
    "memfd_create",
    "mknod",
    "mknodat",
    "mount",
    "open_by_handle_at",
    "perf_event_open",
    "pidfd_getfd",
    "pidfd_open",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "sendfile",
    "setns",
    "setxattr",
    "shmget",
    "splice",
    "symlink",
    "symlinkat",
    "unshare",
    "userfaultfd",
    "vfork",
    "vmsplice",
}
NOT_IN_VISION = NOWHERE | {
    "accept4",
    "bind",
    "connect",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "fchmod",
    "ftruncate",
    "open",
    "openat",
    "openat2",
    "pwrite64",
    "pwritev",
    "rename",
    "sendmsg",
    "sendto",
    "socket",
    "socketpair",
    "unlink",
    "write",
    "writev",
}


def names(policy: Policy) -> set[str]:
    return {call.name for call in policy.calls}


@pytest.mark.parametrize("call", LINES, ids=lambda call: call.name)
def test_every_name_is_a_call_of_both_architectures_or_marked(call: Call) -> None:
    there = {name for name in ARCHITECTURES if number_of(call.name, name) is not None}
    assert there == ({call.only} if call.only else set(ARCHITECTURES))
    assert call.reason


@pytest.mark.parametrize("name", sorted(NOT_IN_VISION))
def test_the_forbidden_names_are_calls(name: str) -> None:
    """So that a spelling mistake here cannot make the next tests pass."""
    assert number_of(name, "x86_64") is not None


@pytest.mark.parametrize("policy", [*EVERY, *OPENINGS], ids=lambda policy: policy.name)
def test_no_policy_permits_what_none_may(policy: Policy) -> None:
    assert names(policy) & NOWHERE == set()


@pytest.mark.parametrize("policy", [VISION, STREAM, CAMERA], ids=lambda policy: policy.name)
def test_vision_has_no_files_sockets_or_free_writes(policy: Policy) -> None:
    assert names(policy) & NOT_IN_VISION == set()
    assert not policy.writes_freely


def test_the_relay_can_open_nothing() -> None:
    opening = {"socket", "connect", "bind", "listen", "open", "openat", "clone", "write"}
    assert names(RELAY) & opening == set()


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_no_policy_makes_code_or_processes(policy: Policy) -> None:
    for call in policy.calls:
        if call.name in ("mmap", "mprotect"):
            assert call.when
            for when in call.when:
                assert not all(one.holds({2: 4, 3: 0x22}.get(one.index, 0)) for one in when)
        if call.name == "clone":
            assert all(not one.holds(17) for when in call.when for one in when)  # SIGCHLD


def test_only_what_has_a_camera_shares_memory_or_is_called_reduced() -> None:
    shared = {0: 0, 1: 4096, 2: 3, 3: 1, 4: 5, 5: 0}  # PROT_READ | PROT_WRITE, MAP_SHARED
    sharing = {
        policy.name
        for policy in EVERY
        for call in policy.calls
        if call.name == "mmap"
        for when in call.when
        if all(one.holds(shared[one.index]) for one in when)
    }
    edges = {"edge", *(policy.name for policy in EDGES)}  # SQLite's index
    assert sharing == {"camera", "libcamera"} | edges
    assert {policy.name for policy in EVERY if policy.reduced} == {CAMERA.name, LIBCAMERA.name}


def test_writes_are_bound_to_the_outputs_and_their_size() -> None:
    lines = permissions(VISION, (Output(7, 347, exact=True),))
    writes = [one.conditions for one in lines if one.name == "write"]

    def passes(descriptor: int, size: int) -> bool:
        given = {0: descriptor, 2: size}
        return any(all(one.holds(given[one.index]) for one in when) for when in writes)

    assert passes(7, 347)
    assert passes(2, 512)
    assert [passes(7, 346), passes(7, 348), passes(2, 513), passes(1, 347), passes(8, 347)] == (
        [False] * 5
    )
    assert not any(one.name in ("writev", "pwrite64") for one in lines)


def test_edge_writes_where_landlock_lets_it() -> None:
    assert [one.conditions for one in permissions(EDGE, ()) if one.name == "write"] == [()]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_nothing_is_refused_early_and_permitted_late(policy: Policy) -> None:
    early = {call.name for call in policy.never if not call.when}
    assert early & names(policy) == set()
    assert refusals(policy)[-1].name == "clone3"
    assert all(one.error for one in refusals(policy))


@pytest.mark.parametrize("policy", [*EVERY, *OPENINGS], ids=lambda policy: policy.name)
def test_one_comparison_an_argument(policy: Policy) -> None:
    """More is not to be had of libseccomp; it would refuse the filter when it is too late."""
    for call in chain(policy.calls, policy.never):
        for when in call.when:
            assert len({one.index for one in when}) == len(when)
            assert all(one.mask or one.compare is not Compare.MASKED for one in when)
