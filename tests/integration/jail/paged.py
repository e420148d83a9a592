"""The role of `edge` at a site with a page and no broker: the real page, and what it may not.

Answers with the page's address once it is closed; with the outcome of each way out when a line
comes on standard input; and ends when that does.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from edge.page.live import LivePage  # noqa: E402
from firmware_cfg.confine.closing import close  # noqa: E402
from firmware_cfg.confine.policies import edge_for  # noqa: E402
from firmware_cfg.load import parse_site  # noqa: E402
from tests.integration.jail.escapes import Attempt, Scene, outcome  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402

SITE = """
[camera]
size_px = [1280, 720]
[[service_point]]
id = "counter-1"
service_zone_px = [[617, 479], [847, 479], [815, 400]]
[page]
port = 0
"""


class Spares:
    """Sockets from before closing: what is left to try without `socket`."""

    def __init__(self, port: int) -> None:
        self.there = ("127.0.0.1", port)
        self.stream = socket.socket()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def ways(self) -> dict[str, Attempt]:
        """All succeed outside."""
        return {
            "make a socket": Attempt(lambda _: socket.socket().close()),
            "connect a spare socket": Attempt(lambda _: self.stream.connect(self.there)),
            "send a datagram": Attempt(lambda _: self.datagrams.sendto(b"x", self.there)),
            "set an option": Attempt(
                lambda _: self.datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            ),
            "listen": Attempt(lambda _: socket.create_server(("127.0.0.1", 0)).close()),
        }


def main() -> int:
    """Serve the page, close, and do as is asked."""
    setting = Setting.read(sys.argv[1])
    page = LivePage(parse_site(SITE))
    address = page.start()
    spares = Spares(int(setting.more))
    if setting.jailed:
        address += " " + close(edge_for(broker=False, page=True)).line()
    os.write(setting.answers_fd, f"{address}\n".encode())
    nowhere = Scene(Path(), -1, 0, 0)
    for _ in sys.stdin:
        for name, way in spares.ways().items():
            os.write(setting.answers_fd, f"{name}: {outcome(way, nowhere)}\n".encode())
        os.write(setting.answers_fd, b"tried\n")
    page.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
