"""Signs of life go to the launcher's pipe and to systemd's socket, a second apart."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edge.pulse import ALIVE, NOTIFY_SOCKET, READY, RECORDS, Pipe, Pulse, listeners


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_second_with_records_and_one_without() -> None:
    reader, writer = os.pipe()
    clock = Seconds()
    pulse = Pulse((Pipe(writer),), clock)
    pulse.ready()
    for tenth in range(31):
        clock.now_s = tenth / 10
        pulse.beat(records=tenth in (3, 4))
    assert os.read(reader, 100) == READY + ALIVE + RECORDS + ALIVE + ALIVE
    os.close(reader)
    os.close(writer)


def test_a_launcher_that_does_not_read_or_is_gone_stops_nothing() -> None:
    reader, writer = os.pipe()
    pipe = Pipe(writer)
    pipe.ready()
    for _ in range(70_000):
        pipe.alive(records=True)
    assert len(os.read(reader, 100_000)) == 65_536
    os.close(reader)
    pipe.alive(records=True)
    os.close(writer)


def test_systemd_hears_ready_and_the_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        monkeypatch.setenv(NOTIFY_SOCKET, str(place))
        pulse = Pulse(listeners(None), Seconds())
        assert NOTIFY_SOCKET not in os.environ
        pulse.ready()
        pulse.beat(records=True)
        assert manager.recv(100) == b"READY=1\nSTATUS=starting\n"
        assert manager.recv(100) == b"WATCHDOG=1\nSTATUS=counting\n"
        for listener in pulse.listeners:
            listener._socket.close()  # type: ignore[attr-defined]


def test_nobody_listens_to_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOTIFY_SOCKET, raising=False)
    assert listeners(None) == ()
