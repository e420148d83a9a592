"""`edge` and `relay` closed: their work goes on, and everything else is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.jail.conftest import Ended, run
from tests.integration.jail.setting import Setting

REFUSED = {"EPERM", "EACCES"}


@contextmanager
def echo() -> Iterator[int]:
    """A server on this machine that sends back what comes first; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(5))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def answers(ended: Ended) -> dict[str, str]:
    assert ended.status == 0, ended.stderr
    pairs = (line.partition(": ") for line in ended.answers)
    return {name: came for name, _, came in pairs}


def test_edge_does_its_work_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with echo() as port:
        came = answers(
            run(Setting("networked", policy="edge", write=str(folder), connect_port=port))
        )
    work = {"sqlite", "checkpoint", "results", "thread", "broker", "name", "tls", "wake"}
    assert {name: came[name] for name in work} == dict.fromkeys(work, "done")
    escapes = {name: error for name, error in came.items() if name not in work}
    assert len(escapes) >= 25
    assert {name: error for name, error in escapes.items() if error not in REFUSED} == {}
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_the_relay_keeps_its_one_connection_and_gets_no_second() -> None:
    with echo() as port:
        came = answers(run(Setting("networked", policy="relay", connect_port=port)))
    assert came.pop("converse") == "done"
    assert len(came) >= 15
    assert {name: error for name, error in came.items() if error not in REFUSED} == {}


def test_a_broker_on_the_port_that_the_probe_tries_is_no_hindrance(tmp_path: Path) -> None:
    """Nothing listens there; edge must start all the same, and say that in its own way."""
    ended = run(Setting("networked", policy="edge", write=str(tmp_path), connect_port=1))
    came = answers(ended)
    assert (came["broker"], came["port"], came["sqlite"]) == ("ECONNREFUSED", "EACCES", "done")
