"""Speaks for the simulated chain's devices, so that they go on living while the demo runs.

What they released since midnight comes at once, then each window as it closes, and a heartbeat
of each every half hour. One connection speaks for all of them and keeps nothing: what the broker
took is the server's.

usage: python deploy/demo/chain_devices.py BROKER_PORT STORES DAYS FIRST_DAY ORGANISATION
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import date

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from server.clock import now_utc
from server.simulating.chain import Chain, planned_chain
from server.simulating.living import Sending, goes_on

SEED = 7
LOOK_EACH_S = 5.0
MOST_WAITING = 20


def send(client: mqtt.Client, sendings: Iterable[Sending]) -> None:
    """Publish each at its time, and no faster than the broker takes them."""
    for one in sendings:
        while (one.at - now_utc()).total_seconds() > 0:
            time.sleep(min(LOOK_EACH_S, max(0.0, (one.at - now_utc()).total_seconds())))
        info = client.publish(one.topic, one.payload, qos=1, retain=one.retained)
        if info.mid % MOST_WAITING == 0:
            info.wait_for_publish()


def chain_of(arguments: list[str]) -> Chain:
    """The chain that was loaded before."""
    stores, days, start, organisation = arguments
    return planned_chain(int(stores), int(days), SEED, date.fromisoformat(start), organisation)


def main() -> None:
    """Send until it is ended."""
    port, *asked = sys.argv[1:]
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id="demo-chain",
        protocol=MQTTProtocolVersion.MQTTv5,
    )
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    send(client, goes_on(chain_of(asked), now_utc()))


if __name__ == "__main__":
    main()
