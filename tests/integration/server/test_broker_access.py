"""A broker that asks who is there, and proves who it is: mosquitto with TLS and a password."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from firmware_cfg.codec import encode
from server.testing import MONDAY, MessageFactory
from tests.brokers import MOSQUITTO, BrokerProcess, free_port
from tests.integration.server.certificates import Authority
from tests.integration.server.processes import Device, ServerProcess, eventually

PASSWD = shutil.which("mosquitto_passwd")
SECRET = "correct-horse-battery"  # noqa: S105 a test's
pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason=f"no mosquitto at {MOSQUITTO}"),
    pytest.mark.skipif(PASSWD is None, reason="no mosquitto_passwd"),
]


@dataclass
class Guarded:
    """Mosquitto: TLS and credentials at `port`, and a plain door for devices of the test."""

    folder: Path
    authority: Authority
    port: int
    plain_port: int

    def password_file(self, password: str) -> Path:
        path = self.folder / "password"
        path.touch(0o600)
        path.write_text(password + "\n", "utf-8")
        return path

    def options(self, password: str = SECRET, ca: Path | None = None) -> tuple[str, ...]:
        return (
            *("--broker-tls", "--broker-ca", str(ca or self.authority.file)),
            *("--broker-user", "ingest"),
            *("--broker-password-file", str(self.password_file(password))),
        )


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    authority = Authority(tmp_path)
    broker = authority.issue("broker", "127.0.0.1")
    users = tmp_path / "users"
    assert PASSWD is not None
    subprocess.run([PASSWD, "-b", "-c", str(users), "ingest", SECRET], check=True)
    one = Guarded(tmp_path, authority, free_port(), free_port())
    config = tmp_path / "mosquitto.conf"
    lines = [
        "user root",
        "per_listener_settings true",
        f"listener {one.port} 127.0.0.1",
        f"cafile {authority.file}",
        f"certfile {broker.cert}",
        f"keyfile {broker.key}",
        "allow_anonymous false",
        f"password_file {users}",
        f"listener {one.plain_port} 127.0.0.1",
        "allow_anonymous true",
    ]
    config.write_text("\n".join(lines) + "\n", "utf-8")
    process = BrokerProcess([str(MOSQUITTO), "-c", str(config)], one.port)
    yield one
    process.kill()


@pytest.fixture
def servers() -> Iterator[list[ServerProcess]]:
    started: list[ServerProcess] = []
    yield started
    for one in started:
        one.kill()


def start(
    guarded: Guarded, identity: Path, servers: list[ServerProcess], *options: str
) -> ServerProcess:
    server = ServerProcess(guarded.folder, guarded.port, free_port(), identity, options)
    servers.append(server)
    server.start()
    return server


def day() -> list[bytes]:
    factory = MessageFactory()
    starts = [MONDAY + timedelta(minutes=30) * index for index in range(20)]
    return [encode(factory.window(factory.cell(at), start=at)) for at in starts]


def test_windows_arrive_through_tls_and_a_password_that_shows_nowhere(
    guarded: Guarded, identity_path: Path, servers: list[ServerProcess]
) -> None:
    server = start(guarded, identity_path, servers, *guarded.options())
    assert server.connected(), server.log
    device = Device("kiosk-1", guarded.plain_port, server, day())
    assert eventually(lambda: device.unsettled == 0), server.log
    device.stop()
    assert server.process is not None
    arguments = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert SECRET.encode() not in arguments
    assert SECRET not in server.log
    assert SECRET not in str(server.health())


def test_a_wrong_password_is_refused_and_said_so(
    guarded: Guarded, identity_path: Path, servers: list[ServerProcess]
) -> None:
    server = start(guarded, identity_path, servers, *guarded.options("guessed"))
    assert eventually(lambda: server.health()["broker"]["state"] == "refused"), server.log
    detail = server.health()["broker"]["detail"].lower()
    assert "authorized" in detail or "password" in detail
    assert "guessed" not in server.log


def test_a_broker_of_another_authority_is_not_spoken_to(
    guarded: Guarded, identity_path: Path, servers: list[ServerProcess]
) -> None:
    stranger = Authority(guarded.folder, "stranger")
    server = start(guarded, identity_path, servers, *guarded.options(ca=stranger.file))
    assert eventually(lambda: "certificate not accepted" in server.health()["broker"]["detail"])
    assert server.health()["broker"]["state"] == "unreachable"


def test_a_certificate_can_stand_for_the_password(
    guarded: Guarded, identity_path: Path, servers: list[ServerProcess]
) -> None:
    own = guarded.authority.issue("ingest")
    broker = guarded.authority.issue("second", "127.0.0.1")
    guarded.port = free_port()
    config = guarded.folder / "second.conf"
    lines = [
        *("user root", f"listener {guarded.port} 127.0.0.1", "allow_anonymous false"),
        *(f"cafile {guarded.authority.file}", f"certfile {broker.cert}", f"keyfile {broker.key}"),
        *("require_certificate true", "use_identity_as_username true"),
    ]
    config.write_text("\n".join(lines) + "\n", "utf-8")
    process = BrokerProcess([str(MOSQUITTO), "-c", str(config)], guarded.port)
    try:
        files = ("--broker-cert", str(own.cert), "--broker-key", str(own.key))
        ca = ("--broker-tls", "--broker-ca", str(guarded.authority.file))
        server = start(guarded, identity_path, servers, *ca, *files)
        assert server.connected(), server.log
    finally:
        process.kill()
