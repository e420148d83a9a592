"""What /proc shows of a real process that another user runs, and what Part A makes of it."""

from __future__ import annotations

import os

import pytest

from edge.audit.finding import Status
from edge.audit.leaks.hiding import EXEC, STAY, hiding
from edge.audit.running.reading import read_process
from edge.audit.running.rights import dumpable
from edge.audit.running.values import Role


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize(
    ("what", "owner_is_root", "status"),
    [(STAY, True, Status.HOLDS), (EXEC, False, Status.FAILS)],
)
def test_a_process_of_an_ordinary_user_is_closed_or_it_is_not(
    what: str, owner_is_root: bool, status: Status
) -> None:
    with hiding(what) as pid:
        process = read_process(Role.VISION, pid)
    assert process is not None
    assert process.user != 0
    assert (process.owner == 0) is owner_is_root
    found = dumpable(process)
    assert found.status is status
    assert found.evidence[-1].startswith(f"user {process.user}, owner of its ")


def test_as_root_it_does_not_show() -> None:
    process = read_process(Role.VISION, os.getpid())
    assert process is not None
    expected = Status.NOT_CHECKED if os.geteuid() == 0 else Status.FAILS
    assert dumpable(process).status is expected
