"""`encounter-edge replay` end to end: files in, rows out, the same bytes each time."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from edge.cli import main
from tests.scenarios.detector import NOISY
from tests.scenarios.stories_plain import COUPLE
from tests.scenarios.story import frames

FIELDS = [
    "service_point", "queue", "party_size", "arrived_s", "greeted_s", "service_started_s",
    "departed_s", "left_censored",
    *(f"{m}{part}_s" for m in ("interaction", "waiting", "greeting", "visit")
      for part in ("", "_observed", "_bridged", "_unknown")),
    "outcome", "pattern", "interruptions", "flawless", "evidence",
]  # fmt: skip


def toml_of(value: object) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_of(v) for v in value) + "]"
    return json.dumps(value)


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """The story of the couple as files; the options that name them."""
    site = COUPLE.layout.site().model_dump(
        include={"camera", "ground", "queue", "service_point"}, exclude_none=True, mode="json"
    )
    site["camera"].pop("lens")
    (tmp_path / "site.toml").write_text("\n".join(f"{k} = {toml_of(v)}" for k, v in site.items()))
    records = frames(COUPLE, 8, NOISY, 7)
    rows = [
        f"{r.frame},-1,{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.3f},-1,-1,-1\n"
        for r in records
        for (x1, y1, x2, y2), score in zip(r.boxes_xyxy_px.tolist(), r.scores.tolist(), strict=True)
    ]
    (tmp_path / "det.txt").write_text("".join(rows))
    times = "".join(f"{r.frame},{r.t_s:.6f}\n" for r in records)
    (tmp_path / "times.csv").write_text(f"frame,t_s\n{times}")
    names = (("--detections", "det.txt"), ("--times", "times.csv"), ("--site", "site.toml"))
    return [part for option, name in names for part in (option, str(tmp_path / name))]


def replayed(inputs: list[str], folder: Path) -> dict[str, bytes]:
    """Every output of a replay, by its name."""
    folder.mkdir()
    outputs = {
        "--out": "visits.jsonl",
        "--people-out": "people.csv",
        "--summary-out": "summary.json",
        "--tracks-out": "tracks.txt",
    }
    options = [part for option, name in outputs.items() for part in (option, str(folder / name))]
    assert main(["replay", *inputs, *options]) == 0
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_bytes_twice(inputs: list[str], tmp_path: Path) -> None:
    first, second = replayed(inputs, tmp_path / "one"), replayed(inputs, tmp_path / "two")
    assert len(first) == 4
    assert first == second


def test_rows_have_the_fields_of_the_contract(inputs: list[str], tmp_path: Path) -> None:
    out = replayed(inputs, tmp_path / "out")
    (visit,) = [json.loads(line) for line in out["visits.jsonl"].decode().splitlines()]
    assert list(visit) == FIELDS
    assert (visit["party_size"], visit["outcome"], visit["pattern"]) == (2, "served", "proactive")
    assert visit["waiting_s"] == pytest.approx(33, abs=1)
    parts = [visit[f"waiting_{part}_s"] for part in ("observed", "bridged", "unknown")]
    assert sum(parts) == pytest.approx(visit["waiting_s"], abs=0.002)
    people = list(csv.DictReader(out["people.csv"].decode().splitlines()))
    assert list(people[0]) == ["frame", "track_id", "role", "confidence", "visit"]
    assert {row["role"] for row in people if row["visit"] == "1"} <= {"customer", "unknown"}
    assert {"staff", "customer"} <= {row["role"] for row in people}
    summary = json.loads(out["summary.json"])
    assert summary["visits"] == 1
    assert 0 < summary["attended_share"]["counter-1"] < 1
    tracks = out["tracks.txt"].decode().splitlines()
    assert len(tracks) == len(people)
    assert all(len(line.split(",")) == 10 for line in tracks)


def test_a_wrong_table_leaves_nothing_behind(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detections = Path(inputs[1])
    detections.write_text(detections.read_text() + "7,-1,oops\n")
    lines = len(detections.read_text().splitlines())
    out = tmp_path / "visits.jsonl"
    assert main(["replay", *inputs, "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"{detections}:{lines}: expected frame,-1,left")
    assert not out.exists()


def test_a_frame_that_was_never_delivered_is_refused(
    inputs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    detections = Path(inputs[1])
    detections.write_text("999999,-1,1,1,9,9,0.9,-1,-1,-1\n" + detections.read_text())
    assert main(["replay", *inputs]) == 2
    assert f"{detections}:1: expected a frame of the times file" in capsys.readouterr().err


def test_no_people_no_visits(inputs: list[str], tmp_path: Path) -> None:
    Path(inputs[1]).write_text("")
    out = replayed(inputs, tmp_path / "out")
    assert out["visits.jsonl"] == b""
    assert json.loads(out["summary.json"])["coverage"] == 1.0
