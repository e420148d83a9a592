"""A device of the audit with one of its processes exchanged for a leaking one.

    python -m edge.audit.leaks.device --exchange vision|relay=MODULE device's options

The launcher, the site file and the other processes are those of every device. A leaking camera
process runs without its jail: with it, it could not leak.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.audit.canary.device import TimedOrders, launch_of, parser
from edge.launcher.orders import Orders
from edge.launcher.run import Run
from edge.launcher.signals import Signals
from firmware_cfg.load import load_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.launcher.children import Order

_AFTER_THE_WAY_IN = "--"


@dataclass(frozen=True, slots=True)
class PlantedOrders(TimedOrders):
    """Orders of which one is for another module.

    Attributes:
        exchanged: `vision` or `relay`.
        module: what runs in its place.
    """

    exchanged: str = ""
    module: str = ""

    def vision(self, records: int, stream: int | None) -> Order:
        """The camera process, or what stands in its place, without the jail."""
        order = Orders.vision(self, records, stream)
        if self.exchanged != "vision":
            return order
        arguments = order.command[order.command.index(_AFTER_THE_WAY_IN) + 2 :]
        return replace(order, command=(sys.executable, "-B", "-m", self.module, *arguments))

    def relay(self, stream: int, secret: int | None) -> Order:
        """The relay, or what stands in its place, in its jail."""
        order = Orders.relay(self, stream, secret)
        if self.exchanged != "relay":
            return order
        place = order.command.index(_AFTER_THE_WAY_IN) + 1
        return replace(
            order, command=(*order.command[:place], self.module, *order.command[place + 1 :])
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the film ends or a signal comes; the launcher's exit status."""
    command = parser()
    command.add_argument("--exchange", required=True, metavar="NAME=MODULE")
    options = command.parse_args(arguments)
    exchanged, _, module = options.exchange.partition("=")
    what, site = launch_of(options), load_site(options.site)
    orders = PlantedOrders(what, site, options.starts_at, exchanged, module)
    with Signals() as signals:
        return Run(what, orders, signals).run()


if __name__ == "__main__":
    sys.exit(main())
