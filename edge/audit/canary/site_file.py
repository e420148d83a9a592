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
[[service_point]]
id = "{busy}"
service_zone_px = {busy_zone}
[[service_point]]
id = "{quiet}"
service_zone_px = {quiet_zone}
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


def _zone(x_px: int) -> str:
    left, right = x_px - _HALF_PX, x_px + _HALF_PX
    bottom = HEIGHT_PX - 1
    return str([[left, SCENE_TOP_PX], [right, SCENE_TOP_PX], [right, bottom], [left, bottom]])


def write_site(path: Path, state: Path, port: int | None = None, server_key: str = "") -> Path:
    """Write the site file; with `port`, the device publishes to a broker there."""
    text = TEXT.format(
        width=WIDTH_PX,
        height=HEIGHT_PX,
        busy=BUSY,
        quiet=QUIET,
        busy_zone=_zone(BUSY_X_PX),
        quiet_zone=_zone(QUIET_X_PX),
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
