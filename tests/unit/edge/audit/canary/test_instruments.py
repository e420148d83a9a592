"""The instruments read what is there: strace's dumps, MQTT packets, the kernel's tables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.audit.canary.listener import Listener
from edge.audit.canary.packets import other_packets
from edge.audit.instruments.calls import read
from edge.audit.instruments.dumps import Written, programs, written
from edge.audit.instruments.family import command_line, find
from edge.audit.instruments.network import Packet
from edge.audit.instruments.opened import changed_paths
from edge.audit.instruments.tables import closed_to_its_user
from edge.audit.leaks.hiding import EXEC, STAY, hiding

LOG = """\
1.5 execve("/usr/bin/python3", ["python3", "-B", "-m", "vision", "--records-fd", "6"], 0x7ff) = 0
2.0 write(6, "hello"..., 18) = 18
 | 00000  68 65 6c 6c 6f 00 77 6f  72 6c 64 68 65 6c 6c 6f  hello.worldhello |
 | 00010  00 77                                             .w               |
2.5 writev(2, [{iov_base="abc", iov_len=3}, {iov_base="de", iov_len=2}], 2) = 5
 * 3 bytes in buffer 0
 | 00000  61 62 63                                          abc              |
 * 2 bytes in buffer 1
 | 00000  64 65                                             de               |
2.7 umask(000) = 022
2.8 openat(AT_FDCWD, "/var/x", O_WRONLY|O_CREAT, 0600) = 7
2.9 openat(AT_FDCWD, "/var/y", O_WRONLY) = -1 EACCES (Permission denied)
3.0 +++ exited with 0 +++
"""
LOCAL = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x06\0\0\x7f\0\0\x01\x7f\0\0\x01"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "trace.71").write_text(LOG, encoding="utf-8")
    return tmp_path / "trace"


def test_a_dump_gives_every_byte_of_each_call(logs: Path) -> None:
    assert list(written(logs.with_name("trace.71"))) == [
        Written(2.0, 71, "write", 6, b"hello\0worldhello\0w"),
        Written(2.5, 71, "writev", 2, b"abcde"),
    ]


def test_a_process_is_named_by_what_it_became(logs: Path) -> None:
    (one,) = programs(logs)
    assert (one.pid, one.name, one.records_fd, one.starts) == (71, "vision", 6, 1)


def test_paths_that_were_opened_to_be_written(logs: Path) -> None:
    assert list(changed_paths(logs.with_name("trace.71"))) == ["/var/x"]


def test_lines_of_a_dump_are_no_calls_and_octal_is_read() -> None:
    assert read(" | 00000  61 62 63                       abc              |") is None
    assert read(" * 3 bytes in buffer 0") is None
    call = read("2.7 umask(000) = 022")
    assert call is not None
    assert call.result == 18


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_writes_what_is_read_here(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5
    code = f"import os; os.write(1, bytes(range(256)) * 5); os.mkdir({str(tmp_path / 'new')!r})"
    command = ["strace", "-ff", "-ttt", "-s", "64", "-e", "write=all", "-o", str(tmp_path / "t")]
    subprocess.run([*command, sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    logs = list(tmp_path.glob("t.*"))
    assert data in [one.data for log in logs for one in written(log) if one.descriptor == 1]
    assert str(tmp_path / "new") in [path for log in logs for path in changed_paths(log)]


def test_the_listener_keeps_every_message_and_the_will() -> None:
    wish = ("a/down", b"wish")
    with Listener(wish) as listener:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.will_set("a/will", b"gone", qos=1, retain=True)
        came: list[bytes] = []
        client.on_message = lambda *given: came.append(given[2].payload)
        client.connect("127.0.0.1", listener.port)
        client.loop_start()
        client.subscribe("a/down", qos=1)
        client.publish("a/up", b"x" * 20_000, qos=1).wait_for_publish(5.0)
        client.publish("a/kept", b"y", qos=1, retain=True).wait_for_publish(5.0)
        client.disconnect()
        client.loop_stop()
    said = [(one.topic, len(one.payload), one.retained) for one in listener.messages]
    assert said == [("a/will", 4, True), ("a/up", 20_000, False), ("a/kept", 1, True)]
    assert came == [b"wish"]
    assert b"x" * 20_000 in bytes(listener.raw[0])


def test_only_the_brokers_packets_pass() -> None:
    ours = Packet(0.0, LOCAL + (1883).to_bytes(2, "big") + bytes(20))
    other = Packet(0.0, LOCAL + (53).to_bytes(2, "big") + (53).to_bytes(2, "big") + bytes(20))
    strange = Packet(0.0, bytes(12) + b"\x88\xcc" + bytes(30))
    assert list(other_packets([ours], 1883)) == []
    assert len(list(other_packets([ours, other, strange, other], 1883))) == 2


def test_a_process_is_found_by_arguments_that_stand_together() -> None:
    line = command_line(os.getpid())
    assert line
    assert find(os.getpid(), line[:2]) == os.getpid()
    assert find(os.getpid(), ("nobody", "says this")) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize(("what", "closed"), [(STAY, True), (EXEC, False)])
def test_a_process_that_hides_is_closed_until_it_execs(what: str, closed: bool) -> None:
    with hiding(what) as pid:
        assert closed_to_its_user(pid) is closed
    assert closed_to_its_user(os.getpid()) is None  # root
