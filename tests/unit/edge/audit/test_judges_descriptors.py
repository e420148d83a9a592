"""The judges of Part A: what a process has open, and who else has the other ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.audit.finding import Status
from edge.audit.running.descriptors import Expected, descriptors
from edge.audit.running.environment import switches
from edge.audit.running.holders import RECORDS, STREAM, Others, camera_holders, pipe_ends
from edge.audit.running.memory import libraries, shared_and_code
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.values import Descriptor, Role
from tests.unit.edge.audit.judged import (
    BOTH,
    FAILS,
    HOLDS,
    NULL,
    READ,
    RECORDS_END,
    UNSEEN,
    WRITE,
    process,
)

VIDEO = Expected(source=Path("/srv/film.mp4"))
CAMERA = Expected(camera=True)
EDGE = Expected(folders=(Path("/var/lib/encounter"),))


@pytest.mark.parametrize(
    ("role", "one", "expected", "status"),
    [
        (Role.VISION, Descriptor(4, "/srv/film.mp4", READ), VIDEO, HOLDS),
        (Role.VISION, Descriptor(4, "/srv/film.mp4", BOTH), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "/dev/video0", BOTH), CAMERA, HOLDS),
        (Role.VISION, Descriptor(4, "/dev/video0", BOTH), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "pipe:[9]", WRITE, (1, 9), fifo=True), VIDEO, FAILS),
        (Role.VISION, Descriptor(4, "pipe:[9]", READ, (1, 9), fifo=True), VIDEO, HOLDS),
        (Role.VISION, Descriptor(4, "/memfd:x (deleted)", BOTH), CAMERA, FAILS),
        (Role.VISION, Descriptor(4, "anon_inode:[io_uring]", BOTH), CAMERA, FAILS),
        (Role.VISION, Descriptor(4, "socket:[5]", BOTH), VIDEO, FAILS),
        (Role.EDGE, Descriptor(4, "/var/lib/encounter/outbox.sqlite", BOTH), EDGE, HOLDS),
        (Role.EDGE, Descriptor(4, "/var/lib/encounters/x", BOTH), EDGE, FAILS),
        (Role.EDGE, Descriptor(4, "/dev/dri/card0", BOTH), EDGE, FAILS),
        (Role.RELAY, Descriptor(4, "/etc/passwd", READ), EDGE, FAILS),
        (Role.RELAY, Descriptor(4, "pipe:[9]", WRITE, (1, 9), fifo=True), EDGE, FAILS),
    ],
)
def test_descriptors(role: Role, one: Descriptor, expected: Expected, status: Status) -> None:
    held = replace(process(role), descriptors=(*NULL, RECORDS_END, one))
    assert descriptors(held, expected).status is status


def test_what_the_kernel_does_not_show_is_not_checked() -> None:
    blind = replace(process(), descriptors=None, mappings=None, environment=None)
    assert descriptors(blind, VIDEO).status is UNSEEN
    assert sockets(blind, {}, Reach()).status is UNSEEN
    assert shared_and_code(blind).status is UNSEEN
    assert libraries(blind).status is UNSEEN
    assert switches(blind, None).status is UNSEEN


def test_the_records_pipe_has_no_third_end() -> None:
    edge = replace(process(Role.EDGE), pid=12, descriptors=(replace(RECORDS_END, flags=READ),))
    both = (process(), edge)
    manager = {1: (replace(RECORDS_END, flags=BOTH),)}
    assert pipe_ends(RECORDS, both, Others(manager), 1).status is HOLDS
    assert pipe_ends(RECORDS, both, Others(manager), 2).status is FAILS
    assert pipe_ends(RECORDS, both, Others({}, hidden=(7,)), 1).status is UNSEEN
    assert pipe_ends(RECORDS, both, Others(manager, hidden=(7,)), 2).status is FAILS
    blind = (replace(process(), descriptors=None), edge)
    assert pipe_ends(RECORDS, blind, Others({}), 1).status is UNSEEN
    assert camera_holders(both, Others({}, hidden=(7,))).status is UNSEEN
    assert pipe_ends(RECORDS, (process(),), Others({}), 1).status is FAILS
    writes = replace(edge, descriptors=(RECORDS_END,))
    assert pipe_ends(RECORDS, (process(), writes), Others({}), 1).status is FAILS


def test_the_streams_pipe_leads_from_the_relay_to_vision_alone() -> None:
    end = Descriptor(5, "pipe:[8]", WRITE, (1, 8), fifo=True)
    relay = replace(process(Role.RELAY), descriptors=(end,))
    reads = (replace(end, flags=READ), replace(end, number=6, flags=READ))
    vision = replace(process(), descriptors=(*NULL, RECORDS_END, *reads))
    edge = replace(process(Role.EDGE), descriptors=(replace(RECORDS_END, flags=READ),))
    ours = (vision, edge, relay)
    assert descriptors(vision, VIDEO).status is HOLDS  # one pipe, opened twice
    assert pipe_ends(STREAM, ours, Others({}), 1).status is HOLDS
    assert pipe_ends(RECORDS, ours, Others({}), 1).status is HOLDS
    nosy = replace(edge, descriptors=(*(edge.descriptors or ()), replace(end, flags=READ)))
    assert pipe_ends(STREAM, (vision, nosy, relay), Others({}), 1).status is FAILS


def test_nobody_else_has_the_camera() -> None:
    camera = Descriptor(4, "/dev/video0", BOTH)
    vision = replace(process(), descriptors=(*NULL, RECORDS_END, camera))
    edge = process(Role.EDGE)
    assert camera_holders((vision, edge), Others({})).status is HOLDS
    assert camera_holders((vision, edge), Others({77: (camera,)})).status is FAILS
    other = replace(camera, target="/dev/video1")
    assert camera_holders((vision, edge), Others({77: (other,)})).status is HOLDS
    seeing = replace(edge, descriptors=(camera,))
    assert camera_holders((vision, seeing), Others({})).status is FAILS


def test_a_named_pipe_of_systemd_is_open_both_ways() -> None:
    stream = Descriptor(4, "/run/encounter/stream", BOTH, (1, 8), fifo=True)
    records = replace(RECORDS_END, flags=BOTH)
    held = replace(process(), descriptors=(*NULL, records, stream))
    assert descriptors(held, VIDEO).status is HOLDS
    third = replace(stream, target="/run/encounter/third")
    assert descriptors(replace(held, descriptors=(*NULL, records, third)), VIDEO).status is FAILS


OUTPUTS = (1, 2)
FILE, PTY = "/tmp/pictures.raw", "/dev/pts/3"  # noqa: S108 - it must not be there


@pytest.mark.parametrize(
    ("role", "unit", "target", "flags", "status"),
    [
        (Role.VISION, "by unit", FILE, WRITE, FAILS),
        (Role.VISION, "", FILE, WRITE, FAILS),
        (Role.VISION, "", FILE, BOTH, FAILS),
        (Role.RELAY, "", FILE, WRITE, FAILS),
        (Role.EDGE, "", FILE, WRITE, HOLDS),  # results that a person asked for
        (Role.EDGE, "by unit", FILE, WRITE, FAILS),
        (Role.VISION, "", PTY, BOTH, HOLDS),
        (Role.VISION, "by unit", PTY, BOTH, FAILS),
        (Role.VISION, "", "/dev/ttyUSB0", BOTH, FAILS),
        (Role.VISION, "", "/memfd:x (deleted)", BOTH, FAILS),
        (Role.VISION, "by unit", "/dev/null", WRITE, HOLDS),
        (Role.VISION, "by unit", "anon_inode:[eventfd]", BOTH, FAILS),
    ],
)
def test_no_output_is_a_file(
    role: Role, unit: str, target: str, flags: int, status: Status
) -> None:
    one = process(role)
    held = replace(one, unit=one.unit if unit else "")
    for number in OUTPUTS:
        outputs = [two for two in NULL if two.number != number]
        outputs.append(Descriptor(number, target, flags))
        found = descriptors(replace(held, descriptors=(*outputs, RECORDS_END)), VIDEO)
        assert found.status is status, found
        assert status is HOLDS or target in found.evidence[0]
