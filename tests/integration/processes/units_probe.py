"""What a process finds that stands in a unit's place; copied into `edge`, run through `enter`.

Says a line for each: clock, an address of this machine, an address outside, files.
"""

from __future__ import annotations

import os
import socket
import sys

from edge.clock import SystemClock, kernel_synchronised
from firmware_cfg.confine.closing import close
from firmware_cfg.confine.policies import EDGE

PORT = 53
OUTSIDE = "10.9.9.9"


def send(address: str) -> str:
    """Send a datagram; what the kernel says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            return f"sent {one.sendto(b'.', (address, PORT))}"
        except OSError as error:
            return f"errno {error.errno}"


def main() -> None:
    """Look from within the jail, and from within the unit."""
    close(EDGE)
    findings = {
        "kernel_synchronised": kernel_synchronised(),
        "quality": SystemClock().quality(),
        "inside": send("127.0.0.1"),
        "outside": send(OUTSIDE),
        "user": os.getuid(),
    }
    for name, found in findings.items():
        sys.stderr.write(f"{name}={found}\n")


if __name__ == "__main__":
    main()
