"""What a user gets wrong: an error that says where, found and expected; never a traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes.grey_video import SITE as FILMED
from tests.integration.processes.grey_video import write_grey_video

ROOT = Path(__file__).resolve().parents[3]
GOOD_SITE = """[camera]
size_px = [640, 480]
[[service_point]]
id = "counter"
service_zone_px = [[100, 100], [300, 100], [300, 300], [100, 300]]
"""
FIVE_MISTAKES = """[camera]
size_px = [640, 480]
zoom = 3

[[queue]]
id = "queue"
zone_px = [[0, 0], [200, 200], [200, 0], [0, 200]]
feeds = ["till"]

[[service_point]]
id = "counter"
service_zone_px = [[100, 100], [900, 100], [300, 300], [100, 300]]

[privacy]
k = 3
"""


def edge(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(GOOD_SITE)
    return path


def test_a_site_file_with_five_mistakes_names_all_five(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(FIVE_MISTAKES)
    done = edge("check-config", path)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"{path}:")]
    assert [int(line.split(":")[1]) for line in lines] == [3, 7, 8, 12, 15]


def test_run_and_replay_refuse_a_wrong_site_file_alike(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(FIVE_MISTAKES)
    det = tmp_path / "det.txt"
    det.write_text("")
    for command in (
        ("run", "--source", "nothing.mp4", "--site", path),
        ("replay", "--detections", det, "--fps", 10, "--site", path),
    ):
        done = edge(*command)
        assert done.returncode == 2
        assert f"{path}:7: " in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "missing.mp4"), (b"this is no video", "clip.mp4"), (b"", "clip.mp4")],
)
def test_a_missing_or_corrupt_video_is_named(
    site: Path, tmp_path: Path, content: bytes | None, says: str
) -> None:
    video = tmp_path / says
    if content is not None:
        video.write_bytes(content)
    out = tmp_path / "visits.jsonl"
    done = edge("run", "--source", video, "--site", site, "--out", out)
    assert done.returncode == 2
    assert says in done.stderr
    assert "expected" in done.stderr
    assert not out.exists()


def test_a_camera_that_is_not_there_is_named(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "visits.jsonl"
    done = edge("run", "--source", "/dev/video97", "--site", site, "--out", out)
    assert done.returncode == 2
    assert not out.exists()
    assert "/dev/video97" in done.stderr


def test_an_altered_model_is_refused(site: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models", models)
    weights = models / "nanodet-288x512-int8.onnx"
    altered = bytearray(weights.read_bytes())
    altered[1000] ^= 1
    weights.write_bytes(bytes(altered))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "vision", "--source", "x.mp4", "--site", str(site)),
            *("--records-fd", "1", "--models-dir", str(models)),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "sha256" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("det", "line"),
    [
        ("1,-1,10,10,20,50,0.9,-1,-1,-1\n2,-1,10,ten,20,50,0.9,-1,-1,-1\n", 2),
        ("1,-1,10,10,0,50,0.9,-1,-1,-1\n", 1),
        ("0,-1,10,10,20,50,0.9,-1,-1,-1\n", 1),
        ("1,-1,10,10,20,50,nan,-1,-1,-1\n", 1),
        ("hello\n", 1),
    ],
)
def test_a_wrong_line_of_detections_is_named(
    site: Path, tmp_path: Path, det: str, line: int
) -> None:
    path = tmp_path / "det.txt"
    path.write_text(det)
    out = tmp_path / "visits.jsonl"
    done = edge("replay", "--detections", path, "--fps", 10, "--site", site, "--out", out)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{path}:{line}: ")
    assert "expected" in done.stderr
    assert not out.exists()


def test_times_that_go_back_are_refused(site: Path, tmp_path: Path) -> None:
    det, times = tmp_path / "det.txt", tmp_path / "times.csv"
    det.write_text("1,-1,10,10,20,50,0.9,-1,-1,-1\n")
    times.write_text("frame,t_s\n1,0.0\n2,0.2\n3,0.1\n")
    done = edge("replay", "--detections", det, "--times", times, "--site", site)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{times}:4: ")


def test_an_output_folder_that_is_not_there_leaves_nothing(site: Path, tmp_path: Path) -> None:
    det = tmp_path / "det.txt"
    det.write_text("1,-1,10,10,20,50,0.9,-1,-1,-1\n")
    out = tmp_path / "nowhere" / "visits.jsonl"
    done = edge("replay", "--detections", det, "--fps", 10, "--site", site, "--out", out)
    assert done.returncode == 2
    assert str(out) in done.stderr


def test_an_unreachable_broker_is_a_state_not_a_crash(tmp_path: Path) -> None:
    video, site = write_grey_video(tmp_path), tmp_path / "site.toml"
    site.write_text(
        f'{FILMED}[device]\nid = "lonely"\nstate_dir = "{tmp_path}"\n'
        '[broker]\nhost = "127.0.0.1"\nport = 1\ntls = false\n' + f'server_key = "{"0" * 64}"\n'
    )
    done = edge("run", "--source", video, "--site", site, "--out", tmp_path / "visits.jsonl")
    assert done.returncode == 0
    assert "127.0.0.1:1" in done.stderr
    assert "refused" in done.stderr
    assert (tmp_path / "visits.jsonl").exists()
