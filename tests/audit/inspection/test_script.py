"""The independent script agrees: nothing fails on a device, and it sees what was planted."""

from __future__ import annotations

import pytest

from tests.audit.inspection.conftest import SCRIPT, Audited, look

SEEN_IN_VISION = (
    "no system-call filter",
    "may gain rights",
    "other filters",
    "core dumps up to",
    "can be written and run",
    "shared, can be written",
    ": udp",
    ": netlink",
    ": tcp",
    ": unknown",
    "kept-",
)
SEEN_IN_EDGE = ("sees pictures", "listens beyond this machine", "UDP to", ": netlink")


def test_it_is_short_and_runs_by_the_system_alone() -> None:
    lines = SCRIPT.read_text("utf-8").splitlines()
    assert len(lines) <= 200
    runs = [line for line in lines if not line.startswith("#") and "!~" not in line]
    assert "python" not in "".join(runs)


def test_nothing_fails_on_a_running_device(device: Audited) -> None:
    said = device.script.stdout.splitlines()
    assert [line for line in said if line.startswith("FAIL")] == []
    assert device.script.returncode == 0, device.script.stderr
    assert sum(line.startswith("ok") for line in said) > 20
    assert any("the video, to read" in line for line in said)


@pytest.mark.parametrize(("role", "seen"), [("vision", SEEN_IN_VISION), ("edge", SEEN_IN_EDGE)])
def test_it_sees_what_was_planted(broken: Audited, role: str, seen: tuple[str, ...]) -> None:
    said = broken.script.stdout
    assert broken.script.returncode == 1, broken.script.stderr
    failing = "\n".join(line for line in said.splitlines() if line.startswith(f"FAIL  {role}"))
    assert [words for words in seen if words not in failing] == [], said


def test_where_there_is_nothing_to_look_at_it_says_so() -> None:
    done = look(1)
    assert done.returncode == 2
    assert "not of a device" in done.stderr
