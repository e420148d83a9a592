"""Edge is killed under the launcher, and goes on with the window it was counting."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.checkpoint.file import BASE_BYTES, POINT_BYTES
from tests.integration.processes.running import LAUNCH, ROOT, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMESYNC = "/run/systemd/timesync/synchronized"

SIZE_PX = (384, 216)
SITE = """[camera]
size_px = [384, 216]
[[service_point]]
id = "counter-1"
service_zone_px = [[100, 100], [280, 100], [280, 210], [100, 210]]
[device]
id = "kiosk-7"
state_dir = "{state}"
[broker]
host = "127.0.0.1"
port = 9
tls = false
server_key = "{key}"
"""


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Moving grey: who comes is of no interest here."""
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, SIZE_PX)
    for index in range(100):
        writer.write(np.full((SIZE_PX[1], SIZE_PX[0], 3), 60 + index % 100, np.uint8))
    writer.release()
    return path


@contextmanager
def running(source: Path, site: Path, folder: Path) -> Iterator[Run]:
    """A launcher that finds a synchronised clock: in a mount namespace with a `/run` of its own."""
    folder.mkdir()
    log = folder / "log"
    words = [sys.executable, "-c", LAUNCH, str(source), str(site), str(folder), "live", "{}"]
    begin = f'mount -t tmpfs none /run && install -D /dev/null {TIMESYNC} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", begin, "sh", *words]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file) as process,
    ):
        run = Run(process, folder, log)
        try:
            yield run
        finally:
            children = run.children().values()
            process.kill()
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_edge_goes_on_with_its_window(video: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root, with util-linux, can give a process a /run of its own")
    state = tmp_path / "state"
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(state=state, key="0" * 64))
    with running(video, site, tmp_path / "run") as run:
        run.wait_for((state / "checkpoint.0").exists)
        kept = state / "checkpoint.0"
        assert kept.stat().st_size == BASE_BYTES + POINT_BYTES
        assert kept.stat().st_mode & 0o777 == 0o600
        assert "checkpoint_resumed" not in run.said()
        command = Path(f"/proc/{run.children()['edge']}/cmdline").read_bytes().decode().split("\0")
        assert "--key-fd" in command
        os.kill(run.children()["edge"], signal.SIGKILL)
        run.wait_for(lambda: "checkpoint_resumed" in run.said())
    with running(video, site, tmp_path / "again") as run:
        run.wait_for(lambda: run.count_of("broker_lost") > 0)
        run.wait_until_counting()
        assert "checkpoint_resumed" not in run.said()  # another run, another key
