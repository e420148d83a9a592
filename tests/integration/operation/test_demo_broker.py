"""The demo's broker passes on the largest messages of the contract, in both directions."""

import os
import queue
import sys
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_cfg.packets import MOST_DOWN_BYTES, MOST_UP_BYTES
from tests.brokers import BrokerProcess, free_port

pytestmark = pytest.mark.broker
TOPIC = "encounter/v1/kiosk-1/down/ack"
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("size_bytes", [MOST_DOWN_BYTES, MOST_UP_BYTES])
def test_it_passes_the_largest_message_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.fspath(ROOT))
    port = free_port()
    script = ROOT / "deploy" / "demo" / "broker.py"
    broker = BrokerProcess([sys.executable, str(script), str(port), str(tmp_path)], port)
    came: queue.Queue[bytes] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)

    def take(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        came.put(bytes(message.payload))

    client.on_message = take
    client.on_connect = lambda client, *_: client.subscribe(TOPIC, 1)
    client.on_subscribe = lambda client, *_: client.publish(TOPIC, b"x" * size_bytes, qos=1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert len(came.get(timeout=30)) == size_bytes
    finally:
        client.disconnect()
        client.loop_stop()
        broker.kill()
