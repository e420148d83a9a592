"""Which tests run side by side, and which stay together.

With `-n`, pytest-xdist deals the tests to processes: a test of plain logic goes wherever there is
room, and the tests of a group run in one process one after another, so that what they share is
made once and no two of them compete. The largest groups go first, the many small tests last, so
that no process is left alone with a long one at the end. Tests with real processes wait as much
as they compute, so there is a process more than there are cores (`-n auto`, `-n logical`).

No test wants the machine to itself: what judges how fast a process answers holds it against how
fast that process started, or waits for what must come and not for a time.

Without `-n` none of this changes anything: `pytest PATH` runs what it is told, in order.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
TOGETHER = (  # they share what the session makes
    *("audit/canary/", "audit/inspection/", "audit/leaks/"),
    *("integration/jail/", "unit/models/"),
)
BY_FILE = ("browser/", "integration/")  # real processes, and pages that a file starts once

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


def group_of(test: str) -> str:
    """The group of a test, which stays in one process; the test itself if it may go anywhere.

    Args:
        test: its id, a path from the folder `tests` first.
    """
    for folder in TOGETHER:
        if test.startswith(folder):
            return folder
    return test.partition("::")[0] if test.startswith(BY_FILE) else test


class ByPlace(LoadScopeScheduling):  # type: ignore[misc] # xdist brings no types
    """Deals groups to processes, the largest first.

    xdist's own `--dist loadgroup` writes a group into a test's id, which pytest 9.2 no longer
    reads: every test is then a group of its own, without a word.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.removeprefix(f"{TESTS.name}/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    """With `-n`, deal by place."""
    return ByPlace(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` and `-n logical` are."""
    return len(os.sched_getaffinity(0)) + 1
