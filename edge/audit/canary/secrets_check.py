"""A network camera's password, given to the device: it must be in no log, file or message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.audit.canary.emitted import Emission, Stream
from edge.audit.canary.markers import random_number
from edge.audit.canary.observing import Line, Place, Trial, observe, python
from edge.audit.canary.refusing_camera import RefusingCamera
from edge.audit.canary.site_file import write_site
from edge.audit.canary.words import HOW
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.search.containers import unpacked

REFUSED = "launcher: relay"  # it has tried, and is about to try again
WITHIN_S = 60.0
_PASSED_OVER = "packets"  # the camera itself is told the password


def password_of(seed: str) -> str:
    """The canary's password: 64 bits that nobody knows."""
    return f"{random_number(seed, 'password'):016x}"


def observe_login(name: str, place: Place, seed: str, device: Line) -> Emission:
    """Give a device a password for a camera that refuses it; what it gave off.

    Args:
        name: of the run.
        place: where.
        seed: of the password.
        device: beginning of the device's command line.

    Raises:
        AuditRunError: it did not end in time.
    """
    with RefusingCamera() as camera:

        def command(folder: Path, port: int) -> Line:
            site = write_site(folder / "site.toml", folder / "state", port, "00" * 32)
            secret = folder / "credentials"
            secret.touch(mode=0o600)
            secret.write_text(f"canary\n{password_of(seed)}\n", encoding="utf-8")
            address = f"rtsp://127.0.0.1:{camera.port}/canary"
            options = ("--source", address, "--site", str(site), "--credentials", str(secret))
            return (*device, *options)

        return observe(Trial(name, command, program="", until=REFUSED, within_s=WITHIN_S), place)


def check_secrets(run: Emission, seed: str) -> Finding:
    """Look for the password in all that the device gave off."""
    secret = password_of(seed).encode()
    where = [one.name for one in _streams(run.streams) if secret in one.data]
    if where:
        found = Words("The password was found.", "发现了口令。")
        return _told(Status.FAILS, found, where)
    found = Words(
        "The password was given to the device, and is in no log, file or message.",
        "口令已交给设备，但在任何日志、文件或消息中均未出现。",
    )
    return _told(Status.HOLDS, found)


def _streams(streams: Sequence[Stream]) -> list[Stream]:
    return [one for given in streams if given.name != _PASSED_OVER for one in unpacked(given)]


def _told(status: Status, found: Words, evidence: Sequence[str] = ()) -> Finding:
    check = "canary.secrets"
    return Finding(check, Part.CANARY, status, HOW[check], found, tuple(evidence[:4]))


def ordinary_device() -> Line:
    """The beginning of the ordinary command line."""
    return python("edge", "run")
