"""The site file of the canary's device: the ordinary settings, and windows as short as they get."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from edge.audit.canary.film import BUSY, BUSY_X_PX, QUIET, QUIET_X_PX
from edge.audit.canary.markers import HEIGHT_PX, SCENE_TOP_PX, WIDTH_PX

# The last quarter-hour of a trading month (weeks belong to the month of their Thursday, days
# begin at 04:00): what has k visits is released at its end, what has fewer never is.
STARTS_AT = datetime(2026, 3, 30, 3, 45, tzinfo=UTC)
DEVICE = "canary"
MODEL = "nanodet-288x512-int8"
K, WINDOW_S = 10, 900
_HALF_PX = 48
TEXT = """
[camera]
size_px = [{width}, {height}]
{points}
[encounter]
settle_s = 10
merge_s = 5
window_s = {window_s}
window_settle_s = 60
[privacy]
k = {k}
[device]
id = "{device}"
state_dir = {state}
model = "{model}"
threads = 1
"""
BROKER = """
[broker]
host = "127.0.0.1"
port = {port}
tls = false
server_key = "{server_key}"
"""


POINT = """[[service_point]]
id = "{id}"
service_zone_px = {zone}"""
OWN_FILM = "film"  # the service point of an auditor's film


def _point(name: str, left: int, top: int, right: int, bottom: int) -> str:
    zone = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return POINT.format(id=name, zone=zone)


def _counter(name: str, x_px: int) -> str:
    return _point(name, x_px - _HALF_PX, SCENE_TOP_PX, x_px + _HALF_PX, HEIGHT_PX - 1)


def write_site(
    path: Path,
    state: Path,
    port: int | None = None,
    server_key: str = "",
    film_px: tuple[int, int] | None = None,
) -> Path:
    """Write the site file.

    Args:
        path: where.
        state: the device's folder.
        port: of the broker that it publishes to; None: it does not.
        server_key: of that broker's server.
        film_px: size of an auditor's film, all of it one zone; None: the seeded film.
    """
    points = [_counter(BUSY, BUSY_X_PX), _counter(QUIET, QUIET_X_PX)]
    width, height = film_px or (WIDTH_PX, HEIGHT_PX)
    if film_px is not None:
        points = [_point(OWN_FILM, 0, 0, width - 1, height - 1)]
    text = TEXT.format(
        width=width,
        height=height,
        points="\n".join(points),
        k=K,
        window_s=WINDOW_S,
        model=MODEL,
        device=DEVICE,
        state=json.dumps(str(state)),
    )
    if port is not None:
        text += BROKER.format(port=port, server_key=server_key)
    path.write_text(text, encoding="utf-8")
    return path
