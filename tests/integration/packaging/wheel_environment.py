"""A wheel of this project, and clean environments with it and nothing else of the project."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ROOT / "deploy" / "locks"
LIMIT_S = 240


def build_wheel(folder: Path) -> Path:
    """Build the wheel with the locked hatchling; needs no network."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
    return next(folder.glob("encounter-*.whl"))


@dataclass(frozen=True, slots=True)
class Clean:
    """A virtual environment of its own, and an empty folder to work in.

    Attributes:
        folder: the environment.
        work: where programs run: nothing of the checkout is beside them.
        locked: whether its packages come from a lock file; else they are borrowed from the
            environment that runs the tests, because no registry could be reached.
    """

    folder: Path
    work: Path
    locked: bool

    def run(self, command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment."""
        return subprocess.run(
            [self.folder / "bin" / command, *arguments],
            cwd=self.work,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.work), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )


def make_clean(folder: Path, wheel: Path, lock: str) -> Clean:
    """An environment with `wheel` and the packages of a lock file of `deploy/locks`."""
    target = folder / "venv"
    work = folder / "work"
    work.mkdir()
    venv.create(target, with_pip=False, symlinks=True)
    python = target / "bin" / "python"
    locked = _install(python, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS / lock)
    if not locked:
        borrowed = sysconfig.get_path("purelib")
        site = target / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        (site / "site-packages" / "borrowed.pth").write_text(f"{borrowed}\n")
    assert _install(python, "--no-deps", "--no-index", wheel)
    return Clean(target, work, locked)


def _install(python: Path, *arguments: str | Path) -> bool:
    """Install with uv, which set-up brought; with pip where it did not."""
    uv = Path(sys.executable).parent / "uv"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install"]
    command = [uv, "pip", "install", "--python", python] if uv.exists() else pip
    done = subprocess.run(
        [*command, "--quiet", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        check=False,
        timeout=LIMIT_S,
    )
    return done.returncode == 0
