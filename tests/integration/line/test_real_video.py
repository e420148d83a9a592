"""`encounter-edge run` on real video: the visits that people saw, and none of it on a socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[3]
VTEST = ROOT / ".cache" / "vtest.avi"
ARRIVAL_TOLERANCE_S = 1.5
DEPARTURE_TOLERANCE_S = 1.0
REFUSED = "EPERM (Operation not permitted)"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample() -> Path:
    folder = os.environ.get("ENCOUNTER_SAMPLES")
    if not folder or not (Path(folder) / "one-by-one.mp4").exists():
        pytest.skip("ENCOUNTER_SAMPLES names no folder with one-by-one.mp4")
    return Path(folder).resolve() / "one-by-one.mp4"


@pytest.fixture(scope="module")
def annotation(sample: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(sample.with_suffix(".json").read_text("utf-8"))
    return loaded


def edge(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        cwd=ROOT,
        check=check,
        capture_output=True,
        text=True,
        timeout=240,
    )


def site_file(folder: Path, annotation: dict[str, Any]) -> Path:
    zone = annotation["zones"]["counter_front"]["polygon"]
    path = folder / "site.toml"
    path.write_text(
        f"[camera]\nsize_px = [{annotation['width']}, {annotation['height']}]\n"
        f'[[service_point]]\nid = "counter-front"\nservice_zone_px = {zone}\n'
    )
    return path


@pytest.fixture(scope="module")
def ran(sample: Path, annotation: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ran")
    edge(
        *("run", "--source", sample, "--site", site_file(folder, annotation)),
        *("--out", folder / "visits.jsonl", "--detections-out", folder / "det.txt"),
        *("--times-out", folder / "times.csv"),
    )
    return folder


def visits(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_six_people_one_after_another_are_six_visits(ran: Path, annotation: dict[str, Any]) -> None:
    found = visits(ran / "visits.jsonl")
    wanted = [visit for person in annotation["people"] for visit in person["visits"]]
    assert len(found) == annotation["expect"]["visits"] == 6
    for visit, seen in zip(found, wanted, strict=True):
        assert visit["arrived_s"] == pytest.approx(seen["enter_s"], abs=ARRIVAL_TOLERANCE_S)
        assert visit["departed_s"] == pytest.approx(seen["exit_s"], abs=DEPARTURE_TOLERANCE_S)
        assert visit["party_size"] == 1
        assert visit["greeted_s"] is None
        assert visit["outcome"] in {"abandoned", "passed"}


@pytest.mark.parametrize("timing", ["times", "fps"])
def test_replay_of_its_detections_gives_the_same_visits(
    ran: Path, timing: str, tmp_path: Path
) -> None:
    times = ("--times", ran / "times.csv") if timing == "times" else ("--fps", 10)
    out = tmp_path / "again.jsonl"
    edge(
        *("replay", "--detections", ran / "det.txt", *times),
        *("--site", ran / "site.toml", "--out", out),
    )
    assert out.read_bytes() == (ran / "visits.jsonl").read_bytes()


def test_replay_twice_gives_the_same_bytes(ran: Path, tmp_path: Path) -> None:
    outputs = []
    for turn in ("first", "second"):
        paths = {
            name: tmp_path / f"{turn}.{name}" for name in ("out", "people", "summary", "tracks")
        }
        edge(
            *("replay", "--detections", ran / "det.txt", "--times", ran / "times.csv"),
            *("--site", ran / "site.toml", "--out", paths["out"]),
            *("--people-out", paths["people"], "--summary-out", paths["summary"]),
            *("--tracks-out", paths["tracks"]),
        )
        outputs.append([path.read_bytes() for path in paths.values()])
    assert outputs[0] == outputs[1]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.skipif(not VTEST.exists(), reason="vtest.avi is not cached (make demo fetches it)")
def test_run_opens_no_internet_socket_and_keeps_the_user(tmp_path: Path) -> None:
    clip = short_clip(tmp_path)
    site = tmp_path / "site.toml"
    site.write_text((ROOT / "deploy/demo/square.toml").read_text("utf-8"))
    log = tmp_path / "strace.log"
    environment = {k: v for k, v in os.environ.items() if k != "CI"}
    environment["HOME"] = str(tmp_path / "home")
    (tmp_path / "home").mkdir()
    subprocess.run(
        [
            *("strace", "-f", "-qq", "-e", "trace=socket,setuid,setresuid", "-o", str(log)),
            *(sys.executable, "-m", "edge", "run", "--source", str(clip), "--site", str(site)),
            *("--out", str(tmp_path / "visits.jsonl")),
        ],
        cwd=ROOT,
        check=True,
        env=environment,
        timeout=240,
    )
    calls = log.read_text("utf-8")
    sockets = [line for line in calls.splitlines() if "socket(AF_INET" in line]
    assert len(sockets) >= 2  # the probes of edge and vision, which must be refused
    assert [line for line in sockets if not line.rstrip().endswith(REFUSED)] == []
    assert "setuid" not in calls
    assert "setresuid" not in calls
    assert list((tmp_path / "home").rglob("*")) == []


def short_clip(folder: Path) -> Path:
    """Five seconds of real video."""
    path = folder / "clip.avi"
    source = cv2.VideoCapture(str(VTEST))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (768, 576))
    for _ in range(50):
        delivered, frame = source.read()
        assert delivered
        writer.write(frame)
    writer.release()
    source.release()
    return path
