"""Compose itself reads the compose file; it runs no container."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "deploy" / "server" / "compose"
COMPOSE = shutil.which("docker-compose")
pytestmark = pytest.mark.skipif(COMPOSE is None, reason="no docker-compose")


def config(folder: Path) -> subprocess.CompletedProcess[str]:
    assert COMPOSE is not None
    order = [COMPOSE, "-f", str(folder / "compose.yaml"), "config"]
    return subprocess.run(order, capture_output=True, text=True, check=False, cwd=folder)


def test_compose_takes_the_file() -> None:
    found = config(FOLDER)
    assert found.returncode == 0, found.stderr
    assert "encounter-server:0.1.0" in found.stdout


def test_compose_refuses_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    told = (FOLDER / "compose.yaml").read_text("utf-8")
    (tmp_path / "compose.yaml").write_text(told.replace("mem_limit:", "memory_limit:"), "utf-8")
    found = config(tmp_path)
    assert found.returncode != 0
    assert "memory_limit" in found.stderr
