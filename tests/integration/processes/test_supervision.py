"""Each process is replaced when it dies, hangs or grows; what was not seen is never made up."""

from __future__ import annotations

import json
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.processes.running import descriptors, running, runs, state

pytestmark = pytest.mark.slow

AGAIN_S = 5.0  # counting again, after a process was killed; on a machine that has time for it
SILENT_S = 2.0
GONE_S = 40.0  # until all are gone; at once, on a machine that has time for it
STEP_S = 0.25  # no pause between two frames of the video is this long


def counting_from(times_s: list[float]) -> float:
    """Capture time of the first frame after the longest gap; of the first, without a gap."""
    gap_s, after_s = max((b - a, b) for a, b in pairwise(times_s))
    return after_s if gap_s > STEP_S else times_s[0]


@pytest.mark.parametrize("name", ["vision", "edge"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_or_hung_process_is_replaced(
    video: Path, site: Path, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    with running(video, site, tmp_path / "out", silent_s=SILENT_S) as run:
        began_s = run.wait_until_counting()
        before = run.children()
        hit_s = run.hit(name, number)
        run.wait_for(lambda: run.count_of(f"jail_closed policy={name}") == 2)
        closed_s = time.monotonic()
        time.sleep(1.5)
        after = run.children()
        status, ended_s = run.end()
    assert status == 0
    assert {one for one in before if before[one] != after[one]} == {name}, run.said()
    times_s = run.times_s()
    first_s = ended_s - (times_s[-1] - counting_from(times_s))  # when it was captured
    again_s = max(first_s, closed_s) - hit_s
    most_s = max(AGAIN_S, 2 * began_s)  # on a busy machine a start took longer already
    assert again_s <= most_s + (SILENT_S if number == signal.SIGSTOP else 0.0)
    assert again_s > (SILENT_S / 2 if number == signal.SIGSTOP else 0.1)
    why = "killed by SIGKILL" if number == signal.SIGKILL else "nothing came for 2 s"
    assert run.count_of(why) == 1


def test_the_gap_is_as_long_as_it_was_and_is_not_covered(
    video: Path, site: Path, tmp_path: Path
) -> None:
    with running(video, site, tmp_path / "out", silent_s=2 * SILENT_S) as run:
        run.wait_until_counting()
        run.hit("vision", signal.SIGSTOP)
        run.wait_for(lambda: run.count_of("jail_closed policy=vision") == 2)
        time.sleep(1.0)
        run.end()
    times_s = run.times_s()
    gaps_s = [b - a for a, b in pairwise(times_s) if b - a > STEP_S]
    assert len(gaps_s) == 1
    assert gaps_s[0] > SILENT_S  # shorter ones are bridged
    assert all(b > a for a, b in pairwise(times_s))
    summary = json.loads((run.folder / "summary").read_text("utf-8"))
    assert summary["duration_s"] == pytest.approx(times_s[-1] - times_s[0], abs=0.01)
    assert summary["coverage"] == pytest.approx(1 - gaps_s[0] / summary["duration_s"], abs=0.02)


def test_a_growing_process_is_replaced_with_longer_and_longer_pauses(
    video: Path, site: Path, tmp_path: Path
) -> None:
    with running(video, site, tmp_path / "out", most_mb=(1024, 20, 256)) as run:
        run.wait_for(lambda: run.count_of("vision grew to") == 3)
        said = run.said()
    assert [said.count(f"next start in {pause}") for pause in ("0.25 s", "0.5 s", "1 s")] == [1] * 3


@pytest.mark.usefixtures("as_root")
def test_what_is_no_record_ends_edge_and_all_is_replaced(
    video: Path, site: Path, tmp_path: Path
) -> None:
    with running(video, site, tmp_path / "out") as run:
        run.wait_until_counting()
        before = run.children()
        held = descriptors(before["vision"]).items()
        pipes = [what for what in held if "pipe" in what[1] and what[0] > 2]  # not what it says
        assert len(pipes) == 1
        with Path(f"/proc/{before['vision']}/fd/{pipes[0][0]}").open("wb", buffering=0) as pipe:
            pipe.write(b"\xff" * 4000)
        run.wait_for(lambda: run.count_of("jail_closed") == 4)
        run.wait_until_counting()
        after = run.children()
        status, _ = run.end()
    assert status == 0
    assert run.count_of("not a record on the records pipe") == 1
    assert not set(before.values()) & set(after.values())
    assert len(run.times_s()) > 3


@pytest.mark.parametrize(
    ("name", "number"),
    [("vision", signal.SIGKILL), ("vision", signal.SIGSTOP), ("edge", signal.SIGKILL)],
)
def test_a_file_fails_with_the_process_that_reads_it(
    video: Path, site: Path, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    with running(
        video, site, tmp_path / "out", live=False, silent_s=SILENT_S, file_silent_s=SILENT_S
    ) as run:
        run.wait_for(lambda: "vision: jail_" in run.said())
        time.sleep(0.7)  # some frames, not all
        run.hit(name, number)
        status = run.process.wait(60)
    assert status == 1
    assert run.count_of("the run failed and leaves no results") == 1
    assert [path.name for path in run.folder.iterdir()] == ["log"]


@pytest.mark.parametrize("stopped", [(), ("edge", "vision")])
def test_a_killed_launcher_leaves_nobody_behind(
    video: Path, site: Path, tmp_path: Path, stopped: tuple[str, ...]
) -> None:
    with running(video, site, tmp_path / "out") as run:
        run.wait_until_counting()
        children = run.children()
        for name in stopped:
            run.hit(name, signal.SIGSTOP)
        run.wait_for(lambda: all(state(children[name]) == "T" for name in stopped))
        run.process.kill()
        run.process.wait()
        until_s = time.monotonic() + GONE_S
        while any(map(runs, children.values())) and time.monotonic() < until_s:
            time.sleep(0.1)
    assert len(children) == 2
    assert not any(map(runs, children.values()))


@pytest.mark.usefixtures("as_root")
def test_each_process_holds_exactly_what_it_needs(video: Path, site: Path, tmp_path: Path) -> None:
    with running(video, site, tmp_path / "out") as run:
        run.wait_until_counting()
        children = run.children()
        held = {name: descriptors(pid) for name, pid in children.items()}
        ends = {name: pipe_ends(pid) for name, pid in children.items()}
        launcher = descriptors(run.process.pid)
        threads = len(os.listdir(f"/proc/{run.process.pid}/task"))  # noqa: PTH208 - a count
    log = launcher[2]  # where the launcher itself says things
    assert log.startswith("pipe:")
    beyond = {name: [w for n, w in one.items() if n > 2] for name, one in held.items()}
    assert {name: [one[0], one[2]] for name, one in held.items()} == {
        "vision": ["/dev/null", log],
        "edge": ["/dev/null", log],
    }
    assert held["vision"][1] == "/dev/null"
    assert sorted(w.partition(":")[0] for w in beyond["edge"]) == ["pipe"] * 3
    assert ends["edge"] == ["r", "r", "w"]
    assert ends["vision"] == ["w"]
    assert [w for w in beyond["vision"] if not w.startswith("pipe:")] == [str(video)]
    assert len(beyond["vision"]) == 2
    assert set(beyond["vision"]) & set(beyond["edge"])  # the records pipe, and no other
    assert len(set(beyond["vision"]) & set(beyond["edge"])) == 1
    assert str(video) not in launcher.values()
    assert threads == 1


def pipe_ends(pid: int) -> list[str]:
    """`r` or `w` for each pipe beyond standard error that a process holds."""
    found = []
    for number, what in sorted(descriptors(pid).items()):
        if number > 2 and what.startswith("pipe:"):
            flags = Path(f"/proc/{pid}/fdinfo/{number}").read_text().split("flags:")[1].split()[0]
            found.append("w" if int(flags, 8) & os.O_ACCMODE == os.O_WRONLY else "r")
    return sorted(found)


def test_a_run_that_nothing_happens_to_is_left_alone(
    video: Path, site: Path, tmp_path: Path
) -> None:
    with running(video, site, tmp_path / "out", silent_s=SILENT_S) as run:
        run.wait_until_counting()
        before = run.children()
        time.sleep(3 * SILENT_S)
        assert run.children() == before
        assert run.end()[0] == 0
    assert run.count_of("launcher:") == 0
