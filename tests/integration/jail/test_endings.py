"""How a confined process ends, and what it leaves: no core dump, no foreign system calls."""

from __future__ import annotations

import os
import platform
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.jail.setting import START, Setting

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern").read_text("ascii").strip()


def ended(what: str, folder: Path, *, jailed: bool) -> tuple[int, list[str]]:
    """Wait status of a process that does `what` in `folder`, and what it answered."""
    reader, writer = os.pipe()
    setting = Setting("ending", answers_fd=writer, jailed=jailed, more=what)
    command = [sys.executable, *START, setting.text()]
    process = subprocess.Popen(
        command, cwd=folder, pass_fds=[writer], stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answers = pipe.read().splitlines()
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return status, answers


@pytest.mark.parametrize(("what", "number"), [("fault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_a_crash_in_the_jail_leaves_no_core(
    tmp_path: Path, what: str, number: signal.Signals
) -> None:
    status, answers = ended(what, tmp_path, jailed=True)
    assert len(answers) == 1  # it had closed
    assert os.WTERMSIG(status) == number
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


def test_the_same_crash_outside_leaves_one(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("core dumps are off for this user, by a limit that only root raises")
    status, _ = ended("fault", tmp_path, jailed=False)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert os.WCOREDUMP(status)
    if not CORE_PATTERN.startswith(("|", "/")):
        assert [path.name[:4] for path in tmp_path.iterdir()] == [CORE_PATTERN[:4]]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="foreign calls of x86-64")
@pytest.mark.parametrize("what", ["i386", "x32"])
def test_a_call_by_a_foreign_architecture_kills(tmp_path: Path, what: str) -> None:
    outside, answers = ended(what, tmp_path, jailed=False)
    if what == "i386" and os.WIFSIGNALED(outside):
        pytest.skip("this kernel has no 32-bit calls at all")
    assert not os.WIFSIGNALED(outside)
    if what == "i386":
        assert answers[0] == answers[1]  # the page runs, and made the call
    status, answers = ended(what, tmp_path, jailed=True)
    assert len(answers) == 1
    assert os.WTERMSIG(status) == signal.SIGSYS


def test_a_hang_is_ended_by_the_alarm(tmp_path: Path) -> None:
    status, answers = ended("hang", tmp_path, jailed=True)
    assert (len(answers), os.WTERMSIG(status)) == (1, signal.SIGALRM)


PROBE = """
import ctypes, os, sys
pid = int(sys.argv[1])
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(*[65534] * 3); os.setresuid(*[65534] * 3)
libc = ctypes.CDLL(None, use_errno=True)
def tried(act):
    try:
        return act()
    except OSError as error:
        return f"refused {error.errno}"
def memory():
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb", 0) as file:
        file.seek(start)
        return len(file.read(4))
def called(*arguments):
    result = libc.syscall(*map(ctypes.c_long, arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result
print(tried(memory))
print(tried(lambda: len(os.readlink(f"/proc/{pid}/fd/2")) > 0))
pidfd = os.pidfd_open(pid)
print(tried(lambda: called(438, pidfd, 0, 0) > 0))
print(tried(lambda: called({"x86_64": 101, "aarch64": 117}[os.uname().machine], 0x4206, pid, 0, 0)))
"""


def looked_at(*, jailed: bool) -> list[str]:
    """What another process of the same user (nobody, for root) can do to a waiting process."""
    reader, writer = os.pipe()
    setting = replace(Setting("ending", jailed=jailed, more="wait"), answers_fd=writer)
    with subprocess.Popen(
        [sys.executable, *START, setting.text()], pass_fds=[writer], stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        try:
            pid = os.read(reader, 64).decode().strip()
            assert pid, process.stderr.read() if process.stderr else ""
            done = subprocess.run(
                [sys.executable, "-c", PROBE, pid], capture_output=True, text=True, check=True
            )
            return done.stdout.splitlines()
        finally:
            os.close(reader)
            process.kill()


def test_no_other_process_of_the_user_reads_its_memory_or_takes_its_descriptors() -> None:
    outside = looked_at(jailed=False)
    if Path("/proc/sys/kernel/yama/ptrace_scope").exists():
        outside[3] = "0"  # Yama refuses attaching in any case
    assert outside == ["4", "True", "True", "0"]
    refused = ("refused 1", "refused 13")
    inside = looked_at(jailed=True)
    assert len(inside) == 4
    assert [answer for answer in inside if answer not in refused] == []
