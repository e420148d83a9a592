"""Real brokers as child processes, for tests: start, kill and start again."""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MOSQUITTO = Path("/usr/sbin/mosquitto")
Protocol = Literal["5", "3.1.1"]
READY_S = 15.0
PORTS = range(11_000, 32_000)  # Linux gives those from 32,768 on; browsers refuse 10,080
_numbers = itertools.count(os.getpid() * 97)
_IOTCORE = "from iotcore import IotCoreBroker; import sys; IotCoreBroker(sys.argv[1]).run_forever()"


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now, and that is given out once.

    It is none of those that Linux gives to outgoing connections, so that it is still free when a
    killed server starts again; each process of the tests begins elsewhere.
    """
    while True:
        port = PORTS[next(_numbers) % len(PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:`port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


@dataclass
class BrokerProcess:
    """A broker that can be killed and started again on the same port."""

    command: list[str]
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + READY_S
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no broker on port {self.port}: {self.command}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Kill -9, and start again."""
        self.kill()
        self.start()


def start_iotcore(
    port: int, folder: Path, protocol: Protocol = "5", most_bytes: int = 20_480
) -> BrokerProcess:
    """Iotcore on 127.0.0.1:`port`; one MQTT version a port."""
    version = "v5" if protocol == "5" else "v4"
    config = folder / f"iotcore-{port}.toml"
    config.write_text(
        f"""
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[{version}.1]
name = "test"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {most_bytes}
max_inflight_count = 100
dynamic_filters = true
""",
        encoding="utf-8",
    )
    return BrokerProcess([sys.executable, "-c", _IOTCORE, str(config)], port)


def start_mosquitto(port: int, folder: Path) -> BrokerProcess:
    """Mosquitto on 127.0.0.1:`port`; speaks both versions."""
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    return BrokerProcess([str(MOSQUITTO), "-c", str(config)], port)
