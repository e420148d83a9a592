"""Without root the jail is the same; what only the systemd units give is named as missing.

The test needs root to become somebody else. An interpreter in root's own home cannot be run
by others: then the system's Python of the same version takes its packages, in a mount
namespace of the test's own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from firmware_cfg.confine.layers import REQUIRED
from tests.integration.processes.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
BECOME = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
PACKAGES = sysconfig.get_path("purelib")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may use, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="encounter-") as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "out").mkdir()
        os.chown(path / "out", NOBODY, NOBODY)
        yield path


def can(command: list[str]) -> bool:
    """Whether an ordinary user can run something."""
    shell = ["sh", "-c", 'exec "$@"', "sh", *command]
    done = subprocess.run([*BECOME, *shell], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == 0


def edge_command(folder: Path) -> list[str]:
    """The start of a command line that runs our modules as an ordinary user."""
    look = ["-c", "import edge, numpy"]
    if can([sys.executable, *look]):
        return [*BECOME, sys.executable]
    same = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    if not can([str(same), "-c", "pass"]) or not can(["test", "-r", PACKAGES]):
        pytest.skip(f"{sys.executable} cannot be run by others, nor is there {same} in its place")
    made = folder / "python"
    subprocess.run(
        [same, "-m", "venv", "--without-pip", made], check=True, capture_output=True, umask=0o022
    )
    place = next(made.glob("lib/*/site-packages"))
    mount = f'mount --bind "{PACKAGES}" "{place}" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, "sh", *BECOME, str(made / "bin" / "python")]


def test_run_as_an_ordinary_user_is_jailed_and_says_what_lacks(
    video: Path, site: Path, folder: Path
) -> None:
    source, site_file, out = folder / "v.avi", folder / "site.toml", folder / "out" / "visits"
    shutil.copy(video, source)
    shutil.copy(site, site_file)
    for path in (source, site_file):
        path.chmod(0o644)
    done = subprocess.run(
        [
            *(*edge_command(folder), "-B", "-m", "edge", "run", "--source", str(source)),
            *("--site", str(site_file), "--out", str(out)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert out.stat().st_uid == NOBODY
    lines = re.findall(r"jail_closed policy=(\w+) holds=(\S+) lacks=(\S+)", done.stderr)
    assert {policy for policy, _, _ in lines} == {"edge", "vision"}
    for _, holds, lacks in lines:
        assert set(REQUIRED) <= set(holds.split(","))
        assert {"users", "network_namespace"} <= set(lacks.split(","))
