"""Runs the demo's MQTT 5 broker (iotcore) on 127.0.0.1 until it is ended.

usage: python deploy/demo/broker.py PORT FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from iotcore import IotCoreBroker

from firmware_cfg.packets import MOST_DOWN_BYTES, MOST_UP_BYTES, packet_bytes

MOST_BYTES = packet_bytes(max(MOST_UP_BYTES, MOST_DOWN_BYTES))
CONFIGURATION = """
id = 0

[router]
id = 0
max_connections = 32
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "demo"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {most_bytes}
max_inflight_count = 100
dynamic_filters = true
"""


def main() -> None:
    """Write the configuration and run."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    path = folder / "broker.toml"
    path.write_text(CONFIGURATION.format(port=port, most_bytes=MOST_BYTES), encoding="utf-8")
    IotCoreBroker(str(path)).run_forever()


if __name__ == "__main__":
    main()
