"""The virtual environments: made once, filled from lock files with hashes, never from a range.

The packages are installed by uv, which a lock file of its own brings (about ten times as
fast as pip), and by pip where uv does not work.
"""

import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

from deploy.setup.errors import SetupError
from deploy.setup.running import ROOT, run
from deploy.setup.stamps import Stamps, key_of

LOCKS = ROOT / "deploy" / "locks"
PROJECT = ROOT / "pyproject.toml"
COMMANDS = ("encounter-edge", "encounter-server")
LOCKED = ("--require-hashes", "--only-binary", ":all:")


class Environment:
    """A virtual environment at the project's root.

    Args:
        name: its folder.
    """

    def __init__(self, name: str = ".venv") -> None:
        self.folder = ROOT / name
        self.python = self.folder / "bin" / "python"
        self._stamps = Stamps(self.folder / "encounter-setup.json")

    def make(self) -> None:
        """Make it, unless it is there, of this Python, and has not been moved."""
        key = key_of([], str(self.folder), platform.python_version(), sys.base_prefix)
        if self.python.exists() and self._stamps.is_done("venv", key):
            return
        clear = (self.folder / "pyvenv.cfg").exists()
        try:
            venv.create(self.folder, clear=clear, with_pip=True, symlinks=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(f"could not make {self.folder}: {error}") from None
        self._stamps = Stamps(self.folder / "encounter-setup.json")
        self._stamps.done("venv", key)

    def install(self, lock: str, *, instead: str | None = None) -> None:
        """Install a lock file of `deploy/locks`, unless it was.

        Args:
            lock: name of the file.
            instead: a lock file that holds all of `lock`; if that is installed, so is this.

        Raises:
            SetupError: a package could not be had, or is not the one that was locked.
        """
        for name in (lock, instead):
            if name and self._stamps.is_done(name, key_of([LOCKS / name])):
                return
        arguments = ("install", "--quiet", *LOCKED, "-r", LOCKS / lock)
        self._pip(*arguments, doing=f"install {LOCKS.relative_to(ROOT)}/{lock}")
        self._stamps.done(lock, key_of([LOCKS / lock]))

    def install_project(self) -> None:
        """Install this project itself, by reference, with its commands."""
        key = key_of([PROJECT])
        there = all((self.folder / "bin" / command).exists() for command in COMMANDS)
        if there and self._stamps.is_done("project", key):
            return
        self._pip(
            *("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT),
            doing="install the project into its environment",
        )
        self._stamps.done("project", key)

    def path(self) -> dict[str, str]:
        """The variable PATH with this environment's programs first."""
        return {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def _pip(self, *arguments: str | Path, doing: str) -> None:
        """Run pip's subcommand by uv; by pip itself where that fails."""
        try:
            self._have_uv()
            uv = self.folder / "bin" / "uv"
            run([uv, "pip", arguments[0], "--python", self.python, *arguments[1:]], doing=doing)
        except SetupError:
            run([self.python, "-m", "pip", *arguments], doing=f"{doing} (this needs the internet)")

    def _have_uv(self) -> None:
        lock = LOCKS / "uv.txt"
        if self._stamps.is_done("uv.txt", key_of([lock])):
            return
        pip = (self.python, "-m", "pip", "install", "--quiet")
        run([*pip, *LOCKED, "-r", lock], doing="install uv")
        self._stamps.done("uv.txt", key_of([lock]))
