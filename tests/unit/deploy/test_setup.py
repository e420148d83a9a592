"""The set-up does what is missing, once, and says what it may not do."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING

import pytest

from deploy.setup import debian, sample_video
from deploy.setup.errors import SetupError
from deploy.setup.running import run
from deploy.setup.stamps import Stamps, key_of

if TYPE_CHECKING:
    from pathlib import Path


def test_step_is_done_for_the_contents_it_was_done_for_and_no_others(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("numpy==2.4.6\n")
    Stamps(tmp_path / "stamps.json").done("lock", key_of([lock]))
    assert Stamps(tmp_path / "stamps.json").is_done("lock", key_of([lock]))
    lock.write_text("numpy==2.5.5\n")
    assert not Stamps(tmp_path / "stamps.json").is_done("lock", key_of([lock]))


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_unreadable_stamps_mean_that_nothing_is_done(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stamps.json"
    path.write_text(content)
    assert not Stamps(path).is_done("lock", "key")


def test_missing_package_without_rights_gives_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(debian, "privilege", lambda: None)
    with pytest.raises(SetupError, match=r"python3-venv\n.*\n.*apt-get install -y .*python3-venv"):
        debian.need_venv()


def test_missing_test_packages_without_rights_are_named_and_nothing_stops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = (debian.Need("no-such-package", "tests of nothing", command="no-such-command"),)
    monkeypatch.setattr(debian, "TEST_NEEDS", needs)
    monkeypatch.setattr(debian, "privilege", lambda: None)
    assert debian.offer_test_packages() == ["no-such-package"]
    said = capsys.readouterr().out
    assert "tests of nothing" in said
    assert "apt-get install -y --no-install-recommends no-such-package" in said


def test_failing_program_is_named_with_what_it_said() -> None:
    with pytest.raises(SetupError, match=r"could not try: `sh .*status 3\n    too bad"):
        run(["sh", "-c", "echo too bad; exit 3"], doing="try")
    with pytest.raises(SetupError, match="could not try: no-such-program: No such file"):
        run(["no-such-program"], doing="try")


def package_with(folder: Path, member: str) -> Path:
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: opencv-doc\nVersion: 1\nArchitecture: all\nMaintainer: t <t@t>\nDescription: t\n"
    )
    file = tree / member
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a video")
    package = folder / "opencv-doc_1_all.deb"
    build = ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(package)]
    subprocess.run(build, check=True, capture_output=True)
    return package


@pytest.mark.parametrize(
    ("member", "complaint"),
    [
        ("usr/share/doc/opencv-doc/examples/data/vtest.avi", "expected sha256 45cddc.*, found"),
        ("usr/share/doc/opencv-doc/examples/data/other.avi", "no file .*vtest.avi inside"),
    ],
)
def test_another_video_or_none_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, complaint: str
) -> None:
    if not debian.Need("dpkg", "", command="dpkg-deb").is_met:
        pytest.skip("dpkg-deb is not installed")
    package = package_with(tmp_path, member)
    monkeypatch.setattr(sample_video, "VIDEO", tmp_path / "cache" / "vtest.avi")
    monkeypatch.setattr(sample_video, "_download", lambda _: package)
    with pytest.raises(SetupError, match=complaint):
        sample_video.fetch()
    assert list((tmp_path / "cache").iterdir()) == []
