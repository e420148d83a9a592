"""The command: its exit status, and the files it writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edge.audit.running.find import site_files
from edge.cli import main

if TYPE_CHECKING:
    import pytest

    from tests.audit.inspection.conftest import Audited


def audit(*words: object) -> int:
    return main(["audit", "--parts", "A", "--watch-s", "0", *map(str, words)])


def test_where_no_device_runs_the_audit_starts_one_and_says_so(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "site.toml"
    own.write_bytes(site.read_bytes())
    assert audit("--site", own, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    found = {one["check"]: one for one in document["findings"]}
    assert "started one on the canary film" in found["device.running"]["found"]["en"]
    assert found["device.running"]["status"] == "not_checked"  # none ran: said on the first page
    assert found["vision.seccomp"]["status"] == "holds"
    assert found["edge.seccomp"]["status"] == "holds"
    vision = found["device.running"]["evidence"][0]
    started = re.search(r"\S*/encounter-audited-\w+/site\.toml", vision)
    assert started is not None
    assert not Path(started[0]).exists()
    assert Path(started[0]) not in site_files()  # it was ended


def test_a_device_that_breaks_the_rules_fails_and_the_report_says_so(
    broken: Audited, tmp_path: Path
) -> None:
    assert audit("--site", broken.site, "--out", tmp_path / "report") == 1
    page, data = (tmp_path / "report" / f"audit.{kind}" for kind in ("html", "json"))
    document = json.loads(data.read_text("utf-8"))
    assert document["counts"]["fails"] >= 15
    assert document["as_root"]
    text = page.read_text("utf-8")
    assert "Some checks fail." in text
    assert "有检查项不成立。" in text
    assert "vision has no socket" in text
    assert "anonym" not in (text + data.read_text("utf-8")).lower()


def test_bad_input_is_status_2(tmp_path: Path, site: Path) -> None:
    assert audit("--site", tmp_path / "missing.toml") == 2
    assert audit("--site", site, "--out", site) == 2


def test_a_film_that_cannot_be_used_is_status_2_before_anything_starts(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey, clip = tmp_path / "grey.y4m", tmp_path / "clip.mp4"
    grey.write_bytes(b"YUV4MPEG2 W128 H96 F5:1 Cmono\nFRAME\n" + bytes(128 * 96))
    clip.write_bytes(b"\0\0\0\x20ftypisom")
    for path, parts, said in (
        (clip, "B", "clip.mp4: expected a raw film"),
        (grey, "B", "grey.y4m: expected a film with some detail"),
        (tmp_path / "none.y4m", "B", "none.y4m: expected a file that can be read"),
        (grey, "A", "expected part B among --parts, found A"),
    ):
        assert audit("--site", site, "--parts", parts, "--canary", path) == 2
        assert said in capsys.readouterr().err
