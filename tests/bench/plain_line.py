"""The processes of the line without their jail, for the bench alone.

The same objects, built by the same code, but neither `confine enter` before nor `close` after:
no Landlock, no filter, no probes.

usage: python tests/bench/plain_line.py vision|edge.appliance ARGUMENTS…
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from firmware_cfg.load import load_site
from firmware_cfg.record_stream import Succession


def see(arguments: list[str]) -> None:
    """What `python -m vision` does, without closing."""
    from vision.environment import settle_libraries  # noqa: PLC0415 - one process is one half

    settle_libraries()
    from vision.command import build, parser  # noqa: PLC0415 - libraries read the settings

    args = parser().parse_args(arguments)
    build(args, load_site(args.site)).run()


def follow(arguments: list[str]) -> None:
    """What `python -m edge.appliance` does, without closing."""
    from edge.appliance import Appliance, parser  # noqa: PLC0415 - one process is one half
    from edge.pulse import Pulse, listeners  # noqa: PLC0415
    from edge.records_pipe import RecordsPipe  # noqa: PLC0415

    options = parser().parse_args(arguments)
    site = load_site(options.site)
    order = Succession(site.device.max_rate_hz, site.camera.size_px, options.paced)
    pipe = RecordsPipe(options.records_fd, None, order)
    with ExitStack() as stack:
        appliance = Appliance(site, options, stack)
        appliance.begin(stack)
        appliance.run(pipe, Pulse(listeners(None), time.monotonic))


if __name__ == "__main__":
    {"vision": see, "edge.appliance": follow}[sys.argv[1]](sys.argv[2:])
