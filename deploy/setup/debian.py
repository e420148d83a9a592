"""Debian packages: which are missing, and how they come here.

Packages are installed only as root or with a sudo that asks for no password. Otherwise the
one command to type is shown, and a set-up that cannot go on without them stops.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.setup.errors import SetupError
from deploy.setup.running import run

APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
LISTS = "var/lib/apt/lists/*Packages*"


@dataclass(frozen=True, slots=True)
class Need:
    """A Debian package, how to see that it is there, and what for.

    Attributes:
        package: its name.
        what_for: in a few words.
        command: a command that shows its presence, wherever it came from.
        files: else a pattern of files that does.
    """

    package: str
    what_for: str
    command: str | None = None
    files: str | None = None

    @property
    def is_met(self) -> bool:
        """Whether the machine has it."""
        if self.command is not None:
            path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
            return shutil.which(self.command, path=path) is not None
        return self.files is not None and _any(self.files)


GST = "usr/lib/*/gstreamer-1.0"
TEST_NEEDS = (
    Need("postgresql", "tests against PostgreSQL", files="usr/lib/postgresql/*/bin/initdb"),
    Need("chromium", "tests of the pages", command="chromium"),
    Need("mosquitto", "tests against a second broker", command="mosquitto"),
    Need("nginx-light", "tests of the reverse proxy", command="nginx"),
    Need("prometheus", "tests of metrics and alarm rules", command="promtool"),
    Need("docker-compose", "a test of the compose file", command="docker-compose"),
    Need("strace", "tests of what a process opens", command="strace"),
    Need("python3-gi", "the network camera of the tests", files="usr/lib/python3/dist-packages/gi"),
    Need(
        "gir1.2-gst-rtsp-server-1.0",
        "the same",
        files="usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib",
    ),
    Need("gstreamer1.0-plugins-base", "the same", files=f"{GST}/libgstapp.so"),
    Need("gstreamer1.0-plugins-good", "the same", files=f"{GST}/libgstrtp.so"),
    Need("gstreamer1.0-plugins-bad", "the same", files=f"{GST}/libgstvideoparsersbad.so"),
)


def need_venv() -> None:
    """See to it that this Python can make virtual environments.

    Raises:
        SetupError: it cannot, and may not be made to here.
    """
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        install(["python3-venv"], "make the environment")


def offer_test_packages() -> list[str]:
    """Install what some tests need, where that is allowed; returns what is still missing."""
    missing = [need for need in TEST_NEEDS if not need.is_met]
    if not missing:
        return []
    if privilege() is None or shutil.which("apt-get") is None:
        _say_missing(missing)
        return [need.package for need in missing]
    try:
        install([need.package for need in missing], "run every test")
    except SetupError as error:
        print(f"set-up: {error}")
    left = [need for need in missing if not need.is_met]
    if left:
        _say_missing(left)
    return [need.package for need in left]


def _say_missing(needs: Sequence[Need]) -> None:
    print("set-up: some tests will be skipped, because these Debian packages are missing:")
    for need in needs:
        print(f"    {need.package:28} {need.what_for}")
    print(f"  to run them too:\n    {_command_to_type([need.package for need in needs])}")


def install(packages: Sequence[str], purpose: str) -> None:
    """Install Debian packages.

    Raises:
        SetupError: not allowed (with the command to type), or apt-get failed.
    """
    names = " ".join(packages)
    rights = privilege()
    if rights is None or shutil.which("apt-get") is None:
        raise SetupError(
            f"to {purpose}, these Debian packages are missing: {names}\n"
            f"  type this, then try again:\n    {_command_to_type(packages)}"
        )
    print(f"set-up: installing Debian packages: {names}", flush=True)
    order = [*rights, *APT, "install", "-y", "--no-install-recommends", *packages]
    doing = f"install {names}"
    if _any(LISTS):
        try:
            run(order, doing=doing)
        except SetupError:
            pass  # the lists may be old: fetch new ones, then try once more
        else:
            return
    run([*rights, *APT, "update"], doing="fetch Debian's package lists")
    run(order, doing=doing)


def privilege() -> tuple[str, ...] | None:
    """What to put before a command to run it as root; none if that needs a password."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)  # noqa: S607 - the user's own
    return ("sudo", "-n") if asked.returncode == 0 else None


def _any(pattern: str) -> bool:
    """Whether a file matches a pattern below the root folder."""
    return next(Path("/").glob(pattern), None) is not None


def _command_to_type(packages: Sequence[str]) -> str:
    order = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    return f"sudo sh -c '{order}'" if shutil.which("sudo") else f"su -c '{order}'"
