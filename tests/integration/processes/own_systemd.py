"""A systemd of the tests' own, as process 1 of its own namespaces: the units as on a device.

Nothing of it is seen outside: its root lies in memory, its network has a loopback alone, and its
processes, mounts and control groups go when process 1 is killed. `/opt/encounter` is what an
installation makes of it: an interpreter, its packages, and a copy of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.processes.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SYSTEMD = Path("/lib/systemd/systemd")
BOOT = Path(__file__).with_suffix(".sh")
UNITS = ROOT / "deploy" / "units"
NAMESPACES = ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]
TOOLS = ("unshare", "nsenter", "setpriv", "systemctl", "pivot_root", "mount", "ip", "ldconfig")
OURS = ("edge", "vision", "firmware_cfg", "models")
PACKAGES = Path("opt/encounter/lib") / f"python3.{sys.version_info.minor}" / "site-packages"
MACHINE_ID = "0123456789abcdef0123456789abcdef"
TARGET = """[Unit]
Requires=basic.target
After=basic.target
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted systemd.

    Attributes:
        init: its process id outside.
        root: its root folder, as seen from outside.
    """

    init: int
    root: Path

    def inside(self, *words: str) -> list[str]:
        """The command line that runs `words` in there as root."""
        flags = ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd"]
        return ["nsenter", f"--target={self.init}", *flags, "--", *words]

    def run(self, *words: str) -> str:
        """What a command in there says; it must succeed."""
        done = subprocess.run(
            self.inside(*words), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in there, and let systemd read its units again."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        self.run("systemctl", "daemon-reload")

    def remove(self, path: str) -> None:
        """Remove a file in there, and let systemd read its units again."""
        (self.root / path.lstrip("/")).unlink()
        self.run("systemctl", "daemon-reload")

    def has(self, unit: str, what: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={what}", unit).strip()

    def pid(self, unit: str) -> int:
        """A service's main process, by its number in there; 0: none."""
        return int(self.has(unit, "MainPID"))

    def journal(self, unit: str) -> str:
        """Everything that a unit has said."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}")

    def wait_for(self, true: Callable[[], bool], within_s: float = 60.0) -> float:
        """Wait until something is true; how long that took, seconds."""
        from_s = time.monotonic()
        while not true():
            assert time.monotonic() < from_s + within_s, self.run(
                "journalctl", "--no-pager", "--lines=60"
            )
            time.sleep(0.1)
        return time.monotonic() - from_s


def why_not(folder: Path) -> str:
    """What this machine lacks to boot one; empty: nothing."""
    if os.geteuid() != 0:
        return "only root can boot a systemd in namespaces of its own"
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing or not SYSTEMD.exists():
        return f"not installed: {', '.join(missing) or SYSTEMD}"
    if control_groups() is None:
        return "no unified control groups (cgroup2) are mounted"
    trial = "mount -t cgroup2 none . && mount -t tmpfs none . && mkdir a b c && "
    trial += "mount -t overlay -o ro,lowerdir=a:b none c && mount -t proc none a"
    done = subprocess.run(
        ["unshare", "--fork", *NAMESPACES, "sh", "-c", f"cd {folder} && {trial}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"this machine permits no such mounts: {done.stderr.strip()}" if done.returncode else ""


@contextmanager
def booted(folder: Path, samples: Path, files: Mapping[str, str]) -> Iterator[Machine]:
    """A systemd with the units, users and folders of `deploy/units`; ends with the context.

    Args:
        folder: one that is not there yet, to work in.
        samples: what is seen in there as `/opt/samples`.
        files: further files by their paths in there, with what they say.
    """
    filling, root = folder / "filling", folder / "root"
    folder.mkdir()
    _fill(filling, files)
    root.mkdir()
    groups = control_groups()
    assert groups is not None
    group = Path(tempfile.mkdtemp(prefix="encounter-test-", dir=groups))
    start = ["setpriv", "--pdeathsig=KILL", "unshare", "--fork", "--kill-child=KILL"]
    words = [str(BOOT), str(root), str(filling), sys.base_prefix]
    words += [sysconfig.get_path("purelib"), str(samples)]
    enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            ["sh", "-c", enter, "sh", *start, *NAMESPACES, "--propagation=private", "sh", *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield _ready(process, log)
    finally:
        process.kill()
        process.wait()
        _remove(group)


def control_groups() -> Path | None:
    """Where the unified control groups are mounted."""
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        words = line.split()
        if words[2] == "cgroup2" and os.access(words[1], os.W_OK):
            return Path(words[1])
    return None


def _fill(filling: Path, files: Mapping[str, str]) -> None:
    etc, system = filling / "etc", filling / "etc" / "systemd" / "system"
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.socket")):
        system.mkdir(parents=True, exist_ok=True)
        shutil.copy(unit, system)
    for name in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(UNITS / name, etc / name)
    for name in OURS:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, filling / "opt" / "ours" / name, ignore=skip)
    (filling / PACKAGES).mkdir(parents=True)
    home = filling / "opt" / "encounter"
    version = f"3.{sys.version_info.minor}"
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(f"/opt/python/bin/python{version}")
    (home / "lib" / "python3").symlink_to(f"python{version}")
    (home / "pyvenv.cfg").write_text("home = /opt/python/bin\n")
    (home / "confine").symlink_to(f"/{PACKAGES}/firmware_cfg/confine")
    given = {
        "etc/machine-id": MACHINE_ID + "\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "etc/systemd/system/encounter-test.target": TARGET,
        **files,
    }
    for name, text in given.items():
        path = filling / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _ready(process: subprocess.Popen[bytes], log: Path) -> Machine:
    """The machine, once its systemd takes commands."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s and process.poll() is None:
        time.sleep(0.05)
        with suppress(OSError, ValueError):
            init = int(children.read_text())
            machine = Machine(init, Path(f"/proc/{init}/root"))
            if (machine.root / "run/systemd/private").is_socket():
                return machine
    raise AssertionError(f"systemd has not come up: {log.read_text('utf-8')}")


def _remove(group: Path) -> None:
    """Remove a control group and those in it, once their processes are gone."""
    until_s = time.monotonic() + 10
    while group.exists() and time.monotonic() < until_s:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        time.sleep(0.02)
