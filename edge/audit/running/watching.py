"""What the running vision asks of the kernel for some seconds, by strace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running.values import Process

A = Part.RUNNING
_READS = ("read", "readv", "pread64", "lseek", "fstat", "newfstatat", "close", "getrandom")
_WAITS = ("futex", "sched_yield", "poll", "ppoll", "select", "pselect6", "restart_syscall")
_MEMORY = ("mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "mbind")
_TIME = ("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time")
_ALARM = ("alarm", "setitimer", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "sigaltstack")
_THREADS = ("clone", "exit", "prctl", "set_robust_list", "rseq", "gettid", "getpid")
_ASKS = ("getcpu", "sched_getaffinity", "uname", "sysinfo")
QUIET = frozenset({*_READS, *_WAITS, *_MEMORY, *_TIME, *_ALARM, *_THREADS, *_ASKS})
CAMERA_CALLS = frozenset({"ioctl"})
CALL = re.compile(r"^(?:\d+ +)?(?:[\d:.]+ +)?(\w+)\((-?\d+)?")
_STOP_S = 5.0


def watch(process: Process, seconds: float, *, camera: bool = False) -> Finding:
    """Every call of vision, in all its threads, for `seconds`.

    Args:
        process: vision.
        seconds: how long to watch.
        camera: whether it drives a camera, and so commands a device.
    """
    check = f"{process.role}.calls_watched"
    how = _how(seconds)
    command = shutil.which("strace")
    if command is None:
        return unseen(check, A, how, Words("strace is not installed.", "未安装 strace。"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "calls"
        said = _trace(command, process.pid, out, seconds)
        lines = out.read_text("utf-8", "replace").splitlines() if out.exists() else []
    if not lines:
        why = Words(f"strace saw nothing: {said}", f"strace 没有看到任何调用：{said}")
        return unseen(check, A, how, why)
    return judge_calls(process, lines, how, camera=camera)


def judge_calls(
    process: Process, lines: Iterable[str], how: Words, *, camera: bool = False
) -> Finding:
    """Only quiet calls, and writes to the records pipe and standard error alone."""
    outputs = {2} | {one.number for one in process.descriptors or () if one.fifo and one.writes}
    counted: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    quiet = QUIET | (CAMERA_CALLS if camera else frozenset())
    for line in lines:
        found = CALL.match(line)
        if not found:
            continue
        name, first = found[1], found[2]
        counted[name] += 1
        if name == "write" and first is not None and int(first) in outputs:
            counted[f"write to {first}"] += 1
        elif name not in quiet:
            problems[f"{name}({first or '…'}"] += 1
    evidence = [f"{name}: {count}" for name, count in counted.most_common()]
    holds = Words(
        f"{counted.total()} calls: waiting, computing, reading what is open, and writing records.",
        f"共 {counted.total()} 次调用：等待、计算、读取已打开的内容，以及写入记录。",
    )
    listed = [f"{name}…): {count} times" for name, count in problems.most_common()]
    return judged(f"{process.role}.calls_watched", A, how, listed, holds=holds, evidence=evidence)


def _how(seconds: float) -> Words:
    return Words(
        f"strace watched every system call of all threads for {seconds:g} s. It sees what was "
        "done in that time; what could be done is what the attempts show.",
        f"用 strace 观察所有线程的每个系统调用 {seconds:g} 秒。它显示这段时间里做了什么；"
        "能够做什么由各项尝试显示。",
    )


def _trace(command: str, pid: int, out: Path, seconds: float) -> str:
    """Trace for that long, then let go; what strace complained of."""
    line = [command, "-f", "-qq", "-s", "0", "-e", "signal=none", "-o", str(out), "-p", str(pid)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=_STOP_S)[1].strip()
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[1].strip()
