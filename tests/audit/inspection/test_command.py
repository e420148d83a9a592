"""The command: its exit status, and the files it writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.audit.running.find import site_files
from edge.cli import main

if TYPE_CHECKING:
    from pathlib import Path

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
    assert found["vision.seccomp"]["status"] == "holds"
    assert found["edge.seccomp"]["status"] == "holds"
    assert not [one for one in site_files() if "encounter-audited-" in str(one)]


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
