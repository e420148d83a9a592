"""`encounter-edge certify` from files to a certificate, and what becomes of the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.cli import main
from edge.rows import visit_line
from edge.testing import a_visit
from tests.unit.edge.certify.logs import a_morning

SITE = """
[camera]
size_px = [640, 480]
[store]
timezone = "Asia/Shanghai"
[[service_point]]
id = "counter-1"
service_zone_px = [[0, 0], [50, 0], [50, 50], [0, 50]]
staff_zone_px = [[60, 0], [90, 0], [90, 50], [60, 50]]
"""
START = "2027-03-01T09:00:00+08:00"


@dataclass
class Desk:
    """The three inputs in a folder, and the command line that names them."""

    folder: Path
    more: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.json"

    def run(self, *more: str) -> int:
        named = {"--log": "log.csv", "--visits": "visits.jsonl", "--site": "site.toml"}
        files = [
            part for option, name in named.items() for part in (option, str(self.folder / name))
        ]
        return main(["certify", *files, "--start", START, *more])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    (tmp_path / "site.toml").write_text(SITE)
    fill(made, 36)
    yield made
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def fill(desk: Desk, parties: int) -> None:
    """A log by a clock 37 s ahead, and a device that starts services 1.2 s late."""
    rows, lines = [], []
    for row in a_morning(parties):
        moments = (row.arrived_s, row.greeted_s, row.served_s, row.left_s)
        rows.append(",".join("" if at is None else clock(at + 37.0) for at in moments))
        after = [None if at is None else at - row.arrived_s for at in moments]
        visit = a_visit(
            row.arrived_s,
            stay_s=row.left_s - row.arrived_s,
            greeted_after_s=after[1],
            served_after_s=None if after[2] is None else after[2] + 1.2,
        )
        lines.append(visit_line(visit))
    (desk.folder / "log.csv").write_text("arrived,greeted,served,left\n" + "\n".join(rows) + "\n")
    (desk.folder / "visits.jsonl").write_text("".join(lines))


def clock(at_s: float) -> str:
    """Time of day of a second of the record, by START."""
    hours, rest = divmod(at_s, 3600)
    return f"{9 + int(hours):02d}:{int(rest // 60):02d}:{rest % 60:06.3f}"


def test_a_certificate_is_printed_and_the_log_is_gone(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run("--out", str(desk.certificate)) == 0
    told = capsys.readouterr()
    assert "service point counter-1, week 2027-W09" in told.out
    assert re.search(r"waiting time +32 +\+1\.20 s", told.out)
    assert "clock     the observer's was +37.0 s" in told.out
    assert max(len(line) for line in told.out.splitlines()) <= 100
    first, second, third = told.err.splitlines()
    assert "will be erased once the certificate is made" in first
    assert "erased: 36 rows overwritten and the file removed. Flash" in second
    assert "left as it is" in third
    assert not desk.log.exists()
    body = json.loads(desk.certificate.read_text())
    assert body["measures"]["waiting"]["bias_s"] == 1.2
    assert body["clock_offset_s"] == 37.0
    assert body["definition_version"] == 1
    assert re.fullmatch("[0-9a-f]{64}", body["geometry_hash"])


def test_a_certificate_holds_no_row_and_no_instant(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.run("--json") == 0
    out = capsys.readouterr().out
    body = json.loads(out)
    assert (body["sample_size"], body["weeks"]) == (36, ["2027-W09"])
    assert not re.search(r"\d\d:\d\d|\d{4}-\d\d-\d\d|observer_|name", out)
    lists = [value for value in body.values() if isinstance(value, list)]
    assert lists == [body["weeks"], body["notes"]]
    assert body["interaction"] is None


def test_too_few_visits_are_refused_and_the_log_stays(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(desk, 29)
    assert desk.run("--out", str(desk.certificate)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "expected at least 30 visits that both observer and device have, found 29" in told.err
    assert desk.log.exists()
    assert not desk.certificate.exists()


def test_a_log_may_be_kept(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    before = desk.log.read_bytes()
    assert desk.run("--keep-log") == 0
    assert desk.log.read_bytes() == before
    assert "kept, 36 rows about single visits" in capsys.readouterr().err


def test_a_certificate_that_cannot_be_written_erases_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "certificate.json").symlink_to("/dev/full")
    assert desk.run("--out", str(desk.certificate)) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert desk.log.exists()
    desk.certificate.unlink()


@pytest.mark.parametrize("name", ["log.csv", "visits.jsonl", "site.toml"])
def test_the_certificate_is_never_written_over_an_input(
    desk: Desk, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (desk.folder / name).read_bytes()
    assert desk.run("--out", str(desk.folder / name)) == 2
    assert "expected another file than the input" in capsys.readouterr().err
    assert (desk.folder / name).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("log.csv", "arrived,greeted,served,left\n1,,,x\n", "log.csv:2: left: expected seconds"),
        ("visits.jsonl", "{}\n", "visits.jsonl:1: expected the field service_point, found none"),
        ("site.toml", "[camera]\n", "site.toml:1: "),
    ],
)
def test_bad_input_is_named_and_erases_nothing(
    desk: Desk, name: str, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / name).write_text(text)
    assert desk.run("--out", str(desk.certificate)) == 2
    assert f"{desk.folder}/{message}" in capsys.readouterr().err
    assert desk.log.exists()
    assert not desk.certificate.exists()


def test_an_unknown_point_is_named(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("--point", "counter-9") == 2
    assert "expected one of counter-1, found 'counter-9'" in capsys.readouterr().err
    assert desk.log.exists()


@pytest.mark.parametrize("text", ["yesterday", "2027-03-01T09:00:00", "0001-01-01T00:00:00+09:00"])
def test_the_start_needs_its_zone(
    desk: Desk, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        desk.run("--start", text)
    assert ended.value.code == 2
    assert "expected a time with its zone" in capsys.readouterr().err
    assert desk.log.exists()
