"""Lock files: hashes, no hosts, and one version of everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "deploy" / "locks").glob("*.txt"))


def pins(path: Path) -> dict[str, str]:
    """Each pinned requirement, with its marker, and the lines of its hashes."""
    text = path.read_text("utf-8").replace("\\\n", "")
    rows = (line.partition(" --hash=") for line in text.splitlines() if line)
    return {pin.strip(): hashes for pin, _, hashes in rows}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_line_is_an_exact_version_with_hashes_and_no_host(path: Path) -> None:
    assert pins(path)
    for pin, hashes in pins(path).items():
        assert re.match(r"[a-z0-9-]+==[^ ]+ ; ", pin), pin
        assert hashes.startswith("sha256:"), pin
    assert "://" not in path.read_text("utf-8")


@pytest.mark.parametrize("name", ["demo.txt", "device.txt", "server.txt"])
def test_what_is_shipped_is_what_was_tested(name: str) -> None:
    tested = pins(ROOT / "deploy" / "locks" / "dev.txt")
    assert sorted(set(pins(ROOT / "deploy" / "locks" / name)) - set(tested)) == []


def test_npm_lock_holds_hashes_and_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert "://" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
