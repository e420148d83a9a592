"""`python -m vision` and its jail: the same records with it, and no records without it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_cfg.record import RECORD_BYTES, Jail, unpack
from tests.integration.vision.process import ROOT, SiteFile, confined, read_records, see
from tests.integration.vision.test_process import make_video

UNCONFINED = """
import os, sys
from vision.environment import settle_libraries
settle_libraries()
from firmware_cfg.load import load_site
from vision.command import build, parser
options = parser().parse_args()
try:
    build(options, load_site(options.site)).run()
except BrokenPipeError:
    pass
"""


def records(command: list[str], writer: int) -> tuple[str, int]:
    """Messages and exit status of a process that writes records to a file's descriptor."""
    done = subprocess.run(
        command, cwd=ROOT, pass_fds=[writer], stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    return done.stderr, done.returncode


def written_to(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT)


def first_bytes(command: list[str], reader: int, writer: int) -> bytes:
    """What a process writes first, up to a fixed number of records; then the pipe is closed."""
    data = b""
    with subprocess.Popen(command, cwd=ROOT, pass_fds=[writer], stderr=subprocess.DEVNULL) as one:
        os.close(writer)
        while len(data) < 40 * RECORD_BYTES and (more := os.read(reader, RECORD_BYTES)):
            data += more
        os.close(reader)
        assert one.wait(60) == 0
    return data


@pytest.mark.parametrize("threads", [1, 3])
def test_the_jail_changes_no_byte(one_by_one: Path, site_file: SiteFile, threads: int) -> None:
    """With threads: FFmpeg starts some at the first picture, and fails silently without."""
    site = site_file(more=f"[device]\nmax_rate_hz = 2\nthreads = {threads}")
    reader, writer = os.pipe()
    inside = first_bytes(confined(one_by_one, site, writer), reader, writer)
    reader, writer = os.pipe()
    source = ["--source", str(one_by_one), "--site", str(site), "--records-fd", str(writer)]
    outside = first_bytes([sys.executable, "-c", UNCONFINED, *source], reader, writer)
    assert inside == outside
    assert len(inside) == 40 * RECORD_BYTES
    seen = [unpack(inside[at : at + RECORD_BYTES]) for at in range(0, len(inside), RECORD_BYTES)]
    assert sum(len(record.scores) for record in seen) > 20  # there is something to compare


def test_without_its_jail_it_refuses(tmp_path: Path, site_file: SiteFile) -> None:
    video, path = make_video(tmp_path / "v.avi", 5), tmp_path / "records"
    writer = written_to(path)
    source = ["--source", str(video), "--site", str(site_file()), "--records-fd", str(writer)]
    said, status = records([sys.executable, "-m", "vision", *source], writer)
    assert (status, path.stat().st_size) == (2, 0)
    assert said.startswith("vision: landlock: expected it to hold, found a process that was not ")
    assert said.count("\n") == 1


def test_a_site_file_may_excuse_it_and_every_record_says_so(
    tmp_path: Path, site_file: SiteFile
) -> None:
    video, path = make_video(tmp_path / "v.avi", 5), tmp_path / "records"
    site = site_file(more='[confine]\nwithout = ["landlock"]')
    writer = written_to(path)
    source = ["--source", str(video), "--site", str(site), "--records-fd", str(writer)]
    said, status = records([sys.executable, "-m", "vision", *source], writer)
    assert status == 0
    assert re.match(r"vision: jail_reduced policy=vision holds=seccomp,.* lacks=landlock,", said)
    data = path.read_bytes()
    found = [unpack(data[at : at + RECORD_BYTES]) for at in range(0, len(data), RECORD_BYTES)]
    assert [record.jail for record in found] == [Jail.REDUCED] * 5
    whole = see(video, site_file())
    assert whole.jail.startswith("jail_closed ")
    assert [record.jail for record in whole.records] == [Jail.WHOLE] * 5


def test_the_kernel_says_it_of_every_thread_while_it_works(
    tmp_path: Path, site_file: SiteFile
) -> None:
    video = make_video(tmp_path / "v.avi", 20)
    site = site_file(more="[device]\nthreads = 2")
    reader, writer = os.pipe()
    command = confined(video, site, writer, "--loop", "--realtime")
    with subprocess.Popen(
        command,
        cwd=ROOT,
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writer)
        read_records(reader, 1)
        own = Path("/proc") / str(process.pid)
        filters = set()
        tasks = list((own / "task").iterdir())
        for task in tasks:
            status = dict(
                line.partition(":")[::2] for line in (task / "status").read_text().splitlines()
            )
            assert (status["Seccomp"].strip(), status["NoNewPrivs"].strip()) == ("2", "1")
            filters.add(status.get("Seccomp_filters"))
        assert len(tasks) >= 2
        assert len(filters) == 1
        if os.geteuid() == 0:  # it is not dumpable: root alone may look
            there = {one.name: str(one.readlink()) for one in (own / "fd").iterdir()}
            beyond = sorted(what.partition(":")[0] for name, what in there.items() if int(name) > 2)
            assert beyond == sorted([str(video), "pipe"])
            maps = (own / "maps").read_text().splitlines()
            assert [line for line in maps if re.search(r" .w.s ", line)] == []  # nothing shared
        process.kill()
        os.close(reader)
