"""A process that is stopped and asked goes on unharmed: its calls, its signals, its sums."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.audit.kernel.asking import Place, ask_calls, ask_places, ask_port, control, filters_of
from edge.audit.kernel.attempts import ATTEMPTS, attempts_of
from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.instruction import find_instruction
from edge.audit.kernel.tracing import Stopped
from edge.audit.running.reading import read_mappings, read_process
from edge.audit.running.values import Role
from firmware_cfg.confine.seccomp import number_of

BUSY = """
import hashlib, json, os, select, signal, sys, threading, time
rung = []
signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
found = {}
def slept():
    at = time.monotonic(); time.sleep(1.5); found["slept_s"] = time.monotonic() - at
def waited():
    at = time.monotonic(); threading.Event().wait(1.5); found["waited_s"] = time.monotonic() - at
def polled():
    at = time.monotonic(); one = select.poll(); a, _ = os.pipe(); one.register(a)
    found["ready"] = len(one.poll(1500)); found["polled_s"] = time.monotonic() - at
def summed():
    digest = b""
    until = time.monotonic() + 1.5; count = 0
    while time.monotonic() < until or count < 20000:
        digest = hashlib.sha256(digest).digest(); count += 1
    found["count"], found["digest"] = count, digest.hex()
threads = [threading.Thread(target=one) for one in (slept, waited, polled, summed)]
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
os.write(1, b"ready\\n")
for one in threads: one.start()
found["read"] = len(sys.stdin.buffer.read())
for one in threads: one.join()
signal.setitimer(signal.ITIMER_REAL, 0)
found["rung"] = len(rung)
print(json.dumps(found), flush=True)
"""


def test_a_busy_process_goes_on_unharmed() -> None:
    tried = attempts_of(Role.EDGE)[::6]
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        rounds, until_s = 0, time.monotonic() + 1.2
        while time.monotonic() < until_s:
            threads = [int(one.name) for one in Path(f"/proc/{process.pid}/task").iterdir()]
            answers = ask_calls(process.pid, threads, tried)
            assert len(answers) >= len(tried) * (len(threads) - 1)
            rounds += 1
        process.stdin.write(bytes(300_000))
        process.stdin.close()
        found = json.loads(process.stdout.read())
        assert process.wait(30) == 0
    assert rounds >= 3
    assert found["read"] == 300_000
    assert found["ready"] == 0
    for name in ("slept_s", "waited_s", "polled_s"):
        assert 1.45 <= found[name] < 3.0, found
    assert found["rung"] >= 5
    digest = b""
    for _ in range(found["count"]):
        digest = hashlib.sha256(digest).digest()
    assert found["digest"] == digest.hex()


def test_an_ordinary_process_is_refused_next_to_nothing() -> None:
    with control(65534, 65534) as other:
        answers = ask_calls(other, [other], ATTEMPTS)
        opened = ask_places(other, [other], [Place(Path("/")), Place(Path("/etc/shadow"))])
        port = ask_port(other, [other])
        held = len(list(Path(f"/proc/{other}/fd").iterdir()))
    words = {one.attempt: one.word() for one in answers}
    assert words["io_uring_setup"] == "EFAULT"
    assert words["openat to create"] == "EFAULT"
    assert words["socket family 2"] == "EINVAL"
    refused = [name for name, word in words.items() if word == "EPERM"]
    assert len(refused) < len(ATTEMPTS) / 10
    assert [one.word() for one in opened] == ["done", "EACCES"]
    assert port[0].word() in ("EINPROGRESS", "ECONNREFUSED")
    assert held <= 3  # what was opened was closed


def test_the_call_is_made_by_the_process_itself_and_its_memory_is_as_before() -> None:
    with control(0, 0) as other:
        mappings = read_mappings(other)
        assert mappings is not None
        with Stopped(other, other, find_instruction(other, mappings)) as stopped:
            getpid, getcwd = number_of("getpid"), number_of("getcwd")
            assert getpid is not None
            assert getcwd is not None
            assert stopped.call(getpid) == other
            before = stack(other, stopped)
            assert stopped.call_with(b"/" * 64, 0, getcwd, 64) > 0
            assert stack(other, stopped) == before
            with pytest.raises(TracingError, match="expected at most 512 bytes, found 600"):
                stopped.call_with(bytes(600), 0, getpid)


def stack(pid: int, stopped: Stopped) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:  # noqa: PTH123 - unbuffered
        memory.seek(stopped._own.stack - 2048)
        return memory.read(2048)


def test_what_is_gone_or_being_traced_is_an_error_that_says_so() -> None:
    with control(0, 0) as other:
        mappings = read_mappings(other)
        assert mappings is not None
        at = find_instruction(other, mappings)
        with (
            Stopped(other, other, at),
            pytest.raises(TracingError, match="ptrace"),
        ):
            Stopped(other, other, at).__enter__()
        process = read_process(Role.VISION, other)
        assert process is not None
        assert filters_of(process) == {}  # it has none, so no thread is asked
    with pytest.raises(TracingError):
        ask_calls(other, [other], ATTEMPTS)
