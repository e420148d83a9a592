"""Files of the software, the models and the site: as installed, as listed, as started."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from edge.audit.binding import bind, tree_hash
from edge.audit.finding import Status
from edge.audit.running.configuration import site_unchanged
from edge.audit.running.elf import symbol
from edge.audit.running.loaded import changed, distributions
from edge.audit.running.models import model_file

LATER, EARLIER = 4e9, 1.0
MODEL = b"weights"


def recorded(folder: Path, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (folder / "thing").mkdir(exist_ok=True)
    (folder / "thing" / "core.so").write_bytes(content)
    (folder / "thing-1.0.dist-info").mkdir(exist_ok=True)
    record = folder / "thing-1.0.dist-info" / "RECORD"
    record.write_text(f"thing/core.so,sha256={digest},{len(content)}\nthing/x.pyc,,\n")
    return digest


def test_a_file_is_held_against_the_record_of_its_installation(tmp_path: Path) -> None:
    recorded(tmp_path, b"as delivered")
    (one,) = distributions(tmp_path)
    assert one.name == "thing-1.0"
    assert changed(one) == []
    (tmp_path / "thing" / "core.so").write_bytes(b"as deliverer")
    assert changed(one) == [tmp_path / "thing" / "core.so"]
    (tmp_path / "thing" / "core.so").unlink()
    assert changed(one) == [tmp_path / "thing" / "core.so"]


@pytest.mark.parametrize(
    ("content", "name", "started_s", "status"),
    [
        (MODEL, "one", LATER, Status.HOLDS),
        (MODEL, "one", EARLIER, Status.FAILS),  # changed since the start
        (b"other", "one", LATER, Status.FAILS),
        (MODEL, "two", LATER, Status.FAILS),  # not in the manifest
    ],
)
def test_the_model_is_the_manifests_and_older_than_its_process(
    tmp_path: Path, content: bytes, name: str, started_s: float, status: Status
) -> None:
    (tmp_path / "one.onnx").write_bytes(content)
    digest = hashlib.sha256(MODEL).hexdigest()
    table = f'[[model]]\nname = "one"\nfile = "one.onnx"\nsha256 = "{digest}"\n'
    (tmp_path / "manifest.toml").write_text(table)
    found = model_file(name, tmp_path, started_s)
    assert found.status is status, found
    assert found.evidence


def test_a_site_file_that_was_changed_later_is_not_in_force(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    assert site_unchanged(path, LATER).status is Status.FAILS
    path.write_text("x")
    assert site_unchanged(path, LATER).status is Status.HOLDS
    assert site_unchanged(path, EARLIER).status is Status.FAILS


def test_the_hash_of_a_tree_is_that_of_the_systems_own_tools(tmp_path: Path) -> None:
    for name in ("edge/b.py", "edge/a/z.py", "vision/a.py", "edge/__pycache__/b.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    command = (
        "find edge vision -type f -not -path '*/__pycache__/*' -print0 "
        "| LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    )
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert tree_hash(tmp_path, ("edge", "vision")) == done.stdout.split()[0]


def test_a_report_is_bound_to_software_models_and_site(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("x")
    bound = bind(site)
    assert bound.configuration == (str(site), hashlib.sha256(b"x").hexdigest())
    assert "manifest.toml" in bound.models
    assert any(name.startswith("numpy") for name in bound.packages)
    assert len(bound.tree) == 64


def test_the_c_librarys_environment_is_found_in_its_own_symbols() -> None:
    lines = Path("/proc/self/maps").read_text("utf-8").splitlines()
    path = next(line.split()[-1] for line in lines if "/libc.so" in line or "/libc-" in line)
    data = Path(path).read_bytes()
    found = symbol(data, frozenset({b"environ"}))
    assert found is not None
    assert found.address(0x1000) == found.value - found.base + 0x1000
    assert symbol(data, frozenset({b"no_such_variable"})) is None
    assert symbol(b"#!/bin/sh", frozenset({b"environ"})) is None
