"""Under the units' own list of system calls the processes still start, close and work.

The list is a layer around what a process does to itself. What systemd would load is worked
out from its own sets, and loaded before the launcher; so no systemd needs to run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes.running import ROOT

UNITS = ROOT / "deploy" / "units"
UNDER_FILTER = """
import errno, os, sys
from firmware_cfg.confine.native import PR_SET_NO_NEW_PRIVS, process_control
from firmware_cfg.confine.seccomp import Verdict, load
names = sys.argv[1].split(",")
process_control(PR_SET_NO_NEW_PRIVS, 1)
load([Verdict(name) for name in names], default_error=errno.EPERM, every_thread=False)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
    ),
]


def calls_of(name: str) -> set[str]:
    """The calls of one of systemd's sets, or a call's own name."""
    if not name.startswith("@"):
        return {name}
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
    )
    words = [line.strip() for line in done.stdout.splitlines()[1:] if line.startswith("    ")]
    return set().union(*(calls_of(word) for word in words if word and not word.startswith("#")))


def permitted(unit: Path) -> set[str]:
    """What a unit permits, by its lines in order."""
    found: set[str] = set()
    for line in unit.read_text("utf-8").splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.partition("=")[2]
            named = set().union(*(calls_of(word) for word in words.lstrip("~").split()))
            found = found - named if words.startswith("~") else found | named
    return found


@pytest.mark.parametrize("name", ["vision", "edge"])
def test_a_run_works_under_the_units_list(
    video: Path, site: Path, tmp_path: Path, name: str
) -> None:
    names = permitted(UNITS / f"encounter-{name}.service")
    assert 100 < len(names) < 400
    assert not names & {"io_uring_setup", "mount", "bpf", "ptrace", "setns", "keyctl", "shmget"}
    out = tmp_path / "visits"
    words = ["-m", "edge", "run", "--source", str(video), "--site", str(site), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", UNDER_FILTER, ",".join(sorted(names)), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.count("jail_closed") == 2
    assert out.exists()
