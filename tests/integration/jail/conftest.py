"""Processes inside the jail, and what they answered."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from firmware_cfg.confine.kernel import Kernel
from tests.integration.jail.escapes import EVERYTHING
from tests.integration.jail.setting import START, Setting

THREADS = ("main", "library", "old", "new")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left: its answers, messages and exit status."""

    answers: list[str]
    stderr: str
    status: int


def run(setting: Setting, asked: str = "", *, folder: Path | None = None) -> Ended:
    """Start the role of `setting`, tell it `asked`, and wait for its end."""
    reader, writer = os.pipe()
    setting = replace(setting, answers_fd=writer)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    with subprocess.Popen(
        [sys.executable, *START, setting.text()],
        cwd=folder,
        env=environment,
        pass_fds=setting.kept_fds,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        _, stderr = process.communicate(asked, timeout=120)
        with os.fdopen(reader) as pipe:  # what was answered fits into it
            answers = pipe.read().splitlines()
    return Ended(answers, stderr, process.returncode)


def try_everything(folder: Path, threads: tuple[str, ...], *, jailed: bool) -> Ended:
    """Every attempt in every one of `threads`."""
    for name in ("file", "spare"):
        (folder / name).write_bytes(bytes(4096))
    file_fd = os.open(folder / "file", os.O_RDWR)
    with subprocess.Popen(["sleep", "300"]) as other:
        try:
            setting = Setting(
                "inside",
                jailed=jailed,
                folder=str(folder),
                file_fd=file_fd,
                other_pid=other.pid,
            )
            asked = "".join(f"{where} {name}\n" for where in threads for name in EVERYTHING)
            return run(setting, asked)
        finally:
            other.kill()
            os.close(file_fd)


@pytest.fixture(scope="session")
def jailed(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Every attempt from inside the jail, in four threads."""
    return try_everything(tmp_path_factory.mktemp("jailed"), THREADS, jailed=True)


@pytest.fixture(scope="session")
def control(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Every attempt outside the jail."""
    return try_everything(tmp_path_factory.mktemp("control"), ("main",), jailed=False)


@pytest.fixture(scope="session", autouse=True)
def _whole_kernel() -> None:
    """These tests need a kernel with every layer; `make test` says so where it is not.

    A green run of CI must mean that the jail was tried, so there it is a failure.
    """
    lacks = list(Kernel.ask().lacks())
    if lacks and os.environ.get("CI"):
        pytest.fail(f"CI needs a kernel with every layer; this one lacks {', '.join(lacks)}")
    if lacks:
        pytest.skip(f"this kernel lacks {', '.join(lacks)}")
