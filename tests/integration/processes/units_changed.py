"""The units, changed in one thing each: what a test puts in the place of a camera or a command."""

from __future__ import annotations

import re

from tests.integration.processes.own_systemd import UNITS

EDGE, VISION, RELAY = "encounter-edge", "encounter-vision", "encounter-relay"


def unit(name: str) -> str:
    return (UNITS / f"{name}.service").read_text("utf-8")


def from_a_video() -> str:
    """A drop-in that gives vision a looped video for a camera, and changes nothing else."""
    (line,) = re.findall(r"^ExecStart=.*", unit(VISION), re.MULTILINE)
    video = "/opt/samples/grey.avi"
    line = line.replace("enter camera", "enter vision")
    line = line.replace("--device=/dev/video0", f"--read={video}")
    line = line.replace("--source /dev/video0", f"--source {video} --loop --realtime")
    return f"[Service]\nDeviceAllow=\nExecStart=\n{line}\n"


def in_place_of(name: str, command: str) -> str:
    """A unit that runs another command once, and keeps every restriction."""
    skipped = ("Type=", "Restart", "Sockets=", "Watchdog", "Requires=", "After=", "Standard")
    lines = [line for line in unit(name).splitlines() if not line.startswith(skipped)]
    text = "\n".join("ExecStart=" + command if x.startswith("ExecStart=") else x for x in lines)
    more = "Type=oneshot\nStandardOutput=journal\nStandardError=journal\n"
    return text.replace("[Service]\n", "[Service]\n" + more)


def probe() -> str:
    """A unit that looks around in edge's place."""
    (line,) = re.findall(r"^ExecStart=(.*) -- ", unit(EDGE), re.MULTILINE)
    return in_place_of(EDGE, line.replace(" --keep-fd=3", "") + " -- edge.units_probe")
