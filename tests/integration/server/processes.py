"""The server as a process that can be killed, and a device that keeps what is not settled."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_cfg.codec import decode
from firmware_cfg.messages import Ack, ack_signed_bytes
from firmware_cfg.sealing import opened
from firmware_cfg.topics import Kind, topic
from server.clock import now_utc
from server.database import sqlite_url
from server.signing import open_key
from tests.access import a_token

ROOT = Path(__file__).parents[3]
START_S = 90.0
"""A server loads its code and makes its database first: for seconds, on a busy machine longer."""


def eventually(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether `condition` becomes true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


@dataclass
class ServerProcess:
    """`encounter-server run`."""

    folder: Path
    broker_port: int
    http_port: int
    identity: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def state(self) -> Path:
        """Folder of key and database."""
        return self.folder / "state"

    @property
    def url(self) -> str:
        """Where pages and API are."""
        return f"http://127.0.0.1:{self.http_port}"

    @cached_property
    def bearer(self) -> dict[str, str]:
        """The header of an administrator's token."""
        url = sqlite_url(self.state / "encounter.db")
        if "--database" in self.options:
            url = self.options[self.options.index("--database") + 1]
        return {"Authorization": f"Bearer {a_token(url, now_utc())}"}

    @property
    def log(self) -> str:
        """Everything it logged, over all its lives."""
        return (self.folder / "server.log").read_text("utf-8")

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "server", "run", "--state", str(self.state)),
                    *("--broker", f"127.0.0.1:{self.broker_port}"),
                    *("--http", f"127.0.0.1:{self.http_port}"),
                    *("--identity", str(self.identity), *self.options),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        if not eventually(self._answers, START_S):
            self.kill()
            raise AssertionError(self.log)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url + "/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, Any]:
        """`/healthz`."""
        found: dict[str, Any] = httpx.get(self.url + "/healthz").json()
        return found

    def connected(self, within_s: float = 45.0) -> bool:
        """Whether it reaches the broker in time."""
        return eventually(lambda: self.health()["broker"]["state"] == "connected", within_s)

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class Device:
    """A device's outbox: sends what no signed acknowledgement has settled, again and again."""

    def __init__(self, name: str, port: int, server: ServerProcess, payloads: list[bytes]) -> None:
        self._name = name
        self._waiting = {json.loads(opened(one))["sequence"]: one for one in payloads}
        self._public = Ed25519PublicKey.from_public_bytes(
            bytes.fromhex(open_key(server.state).public_hex)
        )
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.acks: list[Ack] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic(name, Kind.ACK), 1)
        self._client.on_message = self._on_ack
        self._client.connect_async("127.0.0.1", port, 10)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    @property
    def unsettled(self) -> int:
        """How many messages nobody has settled yet."""
        with self._lock:
            return len(self._waiting)

    def _on_ack(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        ack = decode(Ack, bytes(message.payload))
        signed = ack_signed_bytes(self._name, ack.epoch, ack.up_to, ack.sha256, ack.rejected)
        self._public.verify(bytes.fromhex(ack.signature), signed)
        with self._lock:
            self.acks.append(ack)
            self._waiting = {seq: one for seq, one in self._waiting.items() if seq > ack.up_to}

    def _send(self) -> None:
        while not self._stopping.wait(0.5):
            with self._lock:
                batch = list(self._waiting.values())[:50]
            for payload in batch:
                if self._client.is_connected():
                    self._client.publish(topic(self._name, Kind.WINDOW), payload, qos=1)

    def say(self, kind: Kind, payload: bytes) -> None:
        """Publish a retained message."""
        assert eventually(self._client.is_connected)
        self._client.publish(topic(self._name, kind), payload, 1, retain=True).wait_for_publish(5)

    def stop(self) -> None:
        """Disconnect."""
        self._stopping.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()
