"""A short video and its site file, so that no test needs a sample."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.processes.grey_video import SITE, write_grey_video


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey video."""
    return write_grey_video(tmp_path_factory.mktemp("video"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


@pytest.fixture
def as_root() -> None:
    """Other processes' descriptors and mappings can be seen by root alone: they are closed."""
    if os.geteuid() != 0:
        pytest.skip("only root sees inside a process that is closed to its own user")
