"""The canary's device: what `encounter-edge run` starts, with the film's time as its clock.

    python -m edge.audit.canary.device --source FILM --site SITE [--starts-at UTC] [--loop]

The launcher, both processes and both jails are those of every device. With `--starts-at`,
edge is told to take the frames' times for the time of day, as in the demonstration: so hours
pass in minutes, and windows close while the auditor waits.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.launcher.orders import Orders
from edge.launcher.run import Run
from edge.launcher.signals import Signals
from edge.launcher.terms import Launch
from edge.relay.credentials import read_credentials
from firmware_cfg.load import load_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.launcher.children import Order


@dataclass(frozen=True, slots=True)
class TimedOrders(Orders):
    """The launcher's orders, with the film's time as edge's clock.

    Attributes:
        starts_at: UTC of the film's beginning; empty: edge keeps to this machine's clock.
    """

    starts_at: str = ""

    def edge(self, records: int, pulse: int, lifeline: int, key: int | None = None) -> Order:
        """Edge, told when the film begins."""
        order = Orders.edge(self, records, pulse, lifeline, key)
        more = ("--starts-at", self.starts_at) if self.starts_at else ()
        return replace(order, command=(*order.command, *more))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(prog="python -m edge.audit.canary.device")
    command.add_argument("--source", required=True)
    command.add_argument("--site", type=Path, required=True)
    command.add_argument("--starts-at", default="")
    command.add_argument("--loop", action="store_true")
    command.add_argument("--out", type=Path)
    command.add_argument("--credentials", type=Path)
    return command


def launch_of(options: argparse.Namespace) -> Launch:
    """What the command line asks the launcher for."""
    outputs = () if options.out is None else (("--out", options.out),)
    secret = None if options.credentials is None else read_credentials(options.credentials)
    return Launch(options.source, options.site, outputs, options.loop, credentials=secret)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the film ends or a signal comes; the launcher's exit status."""
    options = parser().parse_args(arguments)
    what, site = launch_of(options), load_site(options.site)
    with Signals() as signals:
        return Run(what, TimedOrders(what, site, options.starts_at), signals).run()


if __name__ == "__main__":
    sys.exit(main())
