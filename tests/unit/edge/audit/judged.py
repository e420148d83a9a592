"""A process as the units start it, for the tests of the judges of Part A."""

from __future__ import annotations

import os
from dataclasses import replace

from edge.audit.finding import Status
from edge.audit.running.values import Descriptor, Process, Role, Thread

HOLDS, FAILS, UNSEEN = Status.HOLDS, Status.FAILS, Status.NOT_CHECKED
GOOD = {
    "Uid": "990 990 990 990",
    "Gid": "990 990 990 990",
    "Groups": "44",
    "CapInh": "0",
    "CapPrm": "0",
    "CapEff": "0",
    "CapAmb": "0",
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "Seccomp_filters": "3",
    "VmSwap": "0 kB",
    "VmLck": "0 kB",
    "VmSize": "9000 kB",
}
READ, WRITE, BOTH = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
NULL = tuple(Descriptor(number, "/dev/null", BOTH) for number in (0, 1, 2))
RECORDS_END = Descriptor(3, "/run/encounter/records", WRITE, (1, 7), fifo=True)


def process(role: Role = Role.VISION, **lines: str) -> Process:
    """A process as the units start it; `lines` replace lines of its status."""
    thread = Thread(10, {**GOOD, **lines})
    return Process(
        role,
        10,
        1,
        ("python", "-m", str(role)),
        (thread, replace(thread, number=11)),
        unit=f"encounter-{role}.service",
        owner=0,
        core_limit=("0", "0"),
        descriptors=(*NULL, RECORDS_END),
        mappings=(),
        environment={},
        namespaces={"net": "net:[2]"},
    )


def by_hand(**lines: str) -> Process:
    return replace(process(Role.VISION, **lines), unit="")
