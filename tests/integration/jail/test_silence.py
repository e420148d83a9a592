"""The vision process at work: no socket, no file, no packet; a short run of `bench_silence`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.audit.instruments.calls import Call, Kind, Subject, kind_of, read, traced
from tests.bench.silence_table import Row
from tests.integration.jail.setting import ROOT
from tests.integration.vision.test_process import make_video

SUBJECT = Subject(pid=7, records_fd=6, starts=2)
BY_STRACE = 3


@dataclass(frozen=True, slots=True)
class Report:
    """What the benchmark said, and its table."""

    said: str
    rows: list[Row]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Two seconds of video, and the planted leak, with all instruments that there are."""
    folder = tmp_path_factory.mktemp("silence")
    video, table = make_video(folder / "v.avi", 50), folder / "table.json"
    script = str(ROOT / "tests/bench/bench_silence.py")
    options = ["--minutes", "0.03", "--without-library", "--video", str(video)]
    done = subprocess.run(
        [sys.executable, script, *options, "--json", str(table)],
        env=os.environ | {"CI": "true"},  # it silences a library; the benchmark takes it away
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return Report(done.stdout, [Row(**row) for row in json.loads(table.read_text("utf-8"))])


def holds(rows: list[Row]) -> None:
    counted = [row for row in rows if row.must_be_none]
    assert counted
    for row in counted:
        assert row.product == 0, row.evidence
        assert row.leak, row.evidence  # the instrument saw what was planted


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_sees_it_ask_for_nothing(report: Report) -> None:
    holds(report.rows[:BY_STRACE])
    told = {row.evidence: row.product for row in report.rows if not row.must_be_none}
    before, after = told.values()
    assert before is not None
    assert before > 50  # the probes, in four threads
    assert after == 0


@pytest.mark.slow
def test_tables_folders_and_wire_show_nothing(report: Report) -> None:
    line = next((line for line in report.said.splitlines() if "not looked at: p" in line), None)
    if line is not None:
        pytest.skip(line)
    holds(report.rows[BY_STRACE:])


CALLS = [
    ('openat(AT_FDCWD, "/O_RDWR", O_RDONLY|O_CLOEXEC) = 3', Kind.HARMLESS),
    ('openat(AT_FDCWD, "/x", O_RDWR|O_CREAT|O_EXCL, 0600) = 3', Kind.OPENED),
    ('openat(AT_FDCWD, "/x", O_WRONLY) = -1 ENOENT (No such file or directory)', Kind.OPENED),
    ('creat("/x", 0600) = 3', Kind.OPENED),
    ("socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3", Kind.SOCKET),
    ("connect(3, {sa_family=AF_INET}, 16) = -1 ENETUNREACH (Network is unreachable)", Kind.SOCKET),
    ('sendto(3, "x", 1, 0, NULL, 0) = 1', Kind.SOCKET),
    ('write(6, "EV"..., 400) = 400', Kind.HARMLESS),
    ('write(2, "vision: x) = 1\\n", 12) = 12', Kind.HARMLESS),
    ('write(7, "a face", 6) = 6', Kind.OTHER),
    ('pwrite64(6, "a face", 6, 0) = 6', Kind.OTHER),
    ("mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f0", Kind.OTHER),
    ("mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_PRIVATE, 5, 0) = 0x7f0", Kind.HARMLESS),
    ("clone(child_stack=NULL, flags=SIGCHLD) = 9", Kind.OTHER),
    ("clone(child_stack=NULL, flags=CLONE_VM|CLONE_THREAD) = 9", Kind.HARMLESS),
    ("clone3({flags=SIGCHLD}, 88) = 9", Kind.OTHER),
    ("clone3(0x7ff, 88) = -1 ENOSYS (Function not implemented)", Kind.HARMLESS),
    ('memfd_create("x", 0) = 5', Kind.OTHER),
    ("io_uring_setup(8, 0x7ff) = 5", Kind.OTHER),
    ("ioctl(3, TCGETS, 0x7ff) = -1 ENOTTY (Inappropriate ioctl)", Kind.HARMLESS),
    ("ioctl(3, TIOCSTI, 0x7ff) = 0", Kind.OTHER),
    ("some_new_call(1) = 0", Kind.OTHER),
]


@pytest.mark.parametrize(("line", "kind"), CALLS)
def test_a_call_that_is_not_known_to_be_harmless_counts(line: str, kind: Kind) -> None:
    call = read(f"1795390019.288955 {line}")
    assert call is not None
    assert kind_of(call, SUBJECT) is kind


def test_a_line_that_cannot_be_read_counts() -> None:
    assert read("1.5 --- SIGCHLD {si_signo=SIGCHLD} ---") is None
    call = read("strace: something else")
    assert isinstance(call, Call)
    assert kind_of(call, SUBJECT) is Kind.OTHER


def test_threads_and_children_count_and_refusals_are_apart(tmp_path: Path) -> None:
    (tmp_path / "log.7").write_text(
        "1.0 socket(AF_INET, SOCK_DGRAM, 0) = -1 EPERM (Operation not permitted)\n"
        "2.0 clone(child_stack=NULL, flags=CLONE_THREAD) = 8\n"
        '4.0 write(6, "EV"..., 400) = 400\n'
        '6.0 open("/x", O_WRONLY) = -1 EACCES (Permission denied)\n'
    )
    (tmp_path / "log.8").write_text("3.0 vfork() = 9\n5.0 +++ exited with 0 +++\n")
    (tmp_path / "log.9").write_text("3.5 socket(AF_INET, SOCK_DGRAM, 0) = 3\n")
    found = traced(tmp_path / "log", SUBJECT, record_bytes=400)
    assert found.counted == {(Kind.OTHER, "vfork"): 1, (Kind.SOCKET, "socket"): 1}
    assert (found.refused_before, found.refused_after) == ({"socket": 1}, {"open": 1})
    assert (found.threads, found.records) == (3, 1)
