"""`edge` and `relay` closed: their work goes on, and everything else is refused.

What is refused inside is a way outside, in a control run of the same process without the jail.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.integration.jail.conftest import Ended, run
from tests.integration.jail.escapes import DONE
from tests.integration.jail.networked import Edge, Places, Relay, Role
from tests.integration.jail.setting import Setting

WORK = {"sqlite", "checkpoint", "results", "thread", "broker", "name", "tls", "wake"}
HOST = "127.0.0.1"


@dataclass(slots=True)
class Town:
    """Servers on this machine, and who came.

    Attributes:
        places: their ports.
        visitors: how many connected to the server that nobody may connect to.
        letters: datagrams that came.
    """

    places: Places
    visitors: int = 0
    letters: list[bytes] = field(default_factory=list)


@contextmanager
def town() -> Iterator[Town]:
    """A server that sends back what comes first, one that counts, and one for datagrams."""
    with (
        socket.create_server((HOST, 0)) as broker,
        socket.create_server((HOST, 0), backlog=64) as elsewhere,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as post,
    ):
        post.bind((HOST, 0))
        for one in (elsewhere, post):
            one.setblocking(False)
        ports = [one.getsockname()[1] for one in (broker, elsewhere, post)]
        threading.Thread(target=echo, args=(broker,), daemon=True).start()
        here = Town(Places(*ports))
        yield here
        with suppress(BlockingIOError):
            while True:
                elsewhere.accept()[0].close()
                here.visitors += 1
        with suppress(BlockingIOError):
            while True:
                here.letters.append(post.recv(64))
        broker.shutdown(socket.SHUT_RDWR)


def echo(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(5))


def answers(ended: Ended) -> dict[str, str]:
    assert ended.status == 0, ended.stderr
    pairs = (line.rpartition(": ") for line in ended.answers)
    return {name: came for name, _, came in pairs}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of everything, inside and outside; and who was reached."""

    inside: dict[str, str]
    outside: dict[str, str]
    reached_inside: Town
    reached_outside: Town


def try_both(policy: str, folder: Path) -> Tried:
    """The same process with the jail and without."""
    found: list[tuple[dict[str, str], Town]] = []
    for jailed in (True, False):
        place = folder / ("inside" if jailed else "outside")
        state = place / "state"
        state.mkdir(parents=True)
        for name in ("file", "spare"):
            (place / name).write_bytes(bytes(4096))
        file_fd = os.open(place / "file", os.O_RDWR)
        with town() as here:
            setting = Setting(
                "networked",
                policy=policy,
                jailed=jailed,
                write=str(state) if policy == "edge" else "",
                connect_port=here.places.port,
                folder=str(place),
                file_fd=file_fd,
                other_pid=os.getpid(),
                more=f"{here.places.elsewhere} {here.places.datagrams}",
            )
            came = answers(run(setting))
        os.close(file_fd)
        assert sorted(path.name for path in place.iterdir()) == ["file", "spare", "state"]
        found.append((came, here))
    (inside, here), (outside, there) = found
    return Tried(inside, outside, here, there)


def check(role: Role, tried: Tried) -> None:
    """Inside all ways but the known are refused as they should be; outside they are ways."""
    for name, way in role.escapes().items():
        assert tried.inside[name] == errno.errorcode[way.refused], name
        if not way.root or os.geteuid() == 0:
            assert tried.outside[name] in way.outside, name
    for name in (*role.work(), *role.disclosed()):
        assert (tried.inside[name], tried.outside[name]) == (DONE, DONE), name


def test_edge_does_its_work_and_nothing_else(tmp_path: Path) -> None:
    tried = try_both("edge", tmp_path / "run")
    role = Edge(tmp_path, Places(0, 0, 0))
    assert set(role.work()) == WORK
    assert len(role.escapes()) >= 40
    check(role, tried)
    role.database.close()
    assert (tried.reached_inside.visitors, tried.reached_outside.visitors) == (0, 2)
    # the resolver's right: stated in docs/limitations.md, and true
    assert tried.reached_inside.letters == tried.reached_outside.letters == [b"edge"]


def test_the_relay_keeps_its_one_connection_and_gets_no_second(tmp_path: Path) -> None:
    tried = try_both("relay", tmp_path)
    with town() as here:
        role = Relay(here.places)
        assert len(role.escapes()) >= 80
        check(role, tried)
        for one in (role.connection, role.spare, role.waiting, role.datagrams):
            one.close()
    assert tried.reached_inside == Town(tried.reached_inside.places)
    assert tried.reached_outside.visitors >= 1
    assert tried.reached_outside.letters == [b"relay", b"relay"]


def test_a_broker_on_the_port_that_the_probe_tries_is_no_hindrance(tmp_path: Path) -> None:
    """Nothing listens there; edge must start all the same, and say that in its own way."""
    setting = Setting("networked", policy="edge", write=str(tmp_path), connect_port=1)
    with town() as here:
        more = f"{here.places.elsewhere} {here.places.datagrams}"
        came = answers(run(replace(setting, folder=str(tmp_path), more=more)))
    assert (came["broker"], came["port"], came["sqlite"]) == ("ECONNREFUSED", "EACCES", DONE)
