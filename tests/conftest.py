"""Which tests run side by side, which stay together, and which want the machine to themselves.

`make test` runs two passes. In the first, pytest-xdist deals the tests to a process for each
core: a test of plain logic goes wherever there is room, and the tests of a place in `TOGETHER`
run in one process one after another, so that what they share is made once and no two of them
compete. The second pass collects `integration/` alone, and runs its tests of `ALONE` with nothing
beside them: they judge how fast processes answer, or look at everything that a process does.

Without `-n` none of this changes anything: `pytest PATH` runs what it is told, in order.
"""

from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
ALONE = tuple(
    f"integration/{place}"
    for place in ("jail/test_silence.py", "processes/", "vision/test_network_camera.py")
)
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `ALONE`, before `-m` chooses."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(ALONE):
            item.add_marker(pytest.mark.alone)
