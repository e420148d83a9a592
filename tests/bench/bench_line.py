"""Speed and memory of the whole line, beside the raw model loop and the peer.

Everything runs pinned to one processor, one at a time, in turn, `--rounds` times, the model alone
before and after the line, so that a machine whose speed drifts does not decide. Speeds are
frames a second in steady state: the model alone on a ready tensor; `encounter-edge run` from
decoding to visits, all its processes on the same processor; the peer, `supervision` +
`trackers` with the same weights. Memory is the proportional set size of all processes of
`run` together, at its highest.

usage: python tests/bench/bench_line.py [--rounds 5] [--video clip.mp4] [--cpu 0]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import psutil

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
MODEL = ROOT / "models" / "nanodet-288x512-int8.onnx"
SIZE_PX = (768, 432)
SITE = """
[camera]
size_px = [768, 432]
[[service_point]]
id = "counter"
service_zone_px = [[340, 290], [560, 290], [560, 428], [340, 428]]
[device]
model = "nanodet-288x512-int8"
"""


def default_video(folder: Path) -> Path:
    """The shared sample where there is one, else Debian's vtest.avi at 768 × 432."""
    samples = os.environ.get("ENCOUNTER_SAMPLES")
    if samples and (Path(samples) / "one-by-one.mp4").exists():
        return Path(samples) / "one-by-one.mp4"
    source = cv2.VideoCapture(str(ROOT / ".cache" / "vtest.avi"))
    path = folder / "vtest-432.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, SIZE_PX)
    while True:
        delivered, frame = source.read()
        if not delivered:
            break
        writer.write(cv2.resize(frame, SIZE_PX))
    writer.release()
    return path


def pinned(cpu: int, command: list[str]) -> list[str]:
    """The command, held to one processor with all its children."""
    return ["taskset", "-c", str(cpu), *command]


def raw_rate(cpu: int, frames: int) -> float:
    """Frames a second of the model alone."""
    script = [sys.executable, str(ROOT / "tests/bench/raw_model.py"), str(MODEL), str(frames)]
    done = subprocess.run(pinned(cpu, script), check=True, capture_output=True, text=True)
    return float(done.stdout)


def line_rate(cpu: int, video: Path, folder: Path, *, weigh: bool = False) -> tuple[float, float]:
    """(frames a second, PSS in MB at its highest) of `encounter-edge run`.

    Weighing slows what is weighed: without `weigh` the memory is 0.
    """
    site, summary = folder / "site.toml", folder / "summary.json"
    site.write_text(SITE, encoding="utf-8")
    run = [sys.executable, "-m", "edge", "run", "--source", str(video), "--site", str(site)]
    run += ["--out", str(folder / "visits.jsonl"), "--summary-out", str(summary)]
    process = subprocess.Popen(pinned(cpu, run), cwd=ROOT)
    most_mb = 0.0
    while weigh and process.poll() is None:
        most_mb = max(most_mb, pss_mb(process.pid))
        time.sleep(0.5)
    if process.wait():
        raise SystemExit(process.returncode)
    found = json.loads(summary.read_text("utf-8"))
    return (found["frames"] - 1) / found["processed_in_s"], most_mb


def pss_mb(pid: int) -> float:
    """Proportional set size of a process and its descendants, MB."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in family) / 1e6
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


def peer_rate(cpu: int, video: Path) -> tuple[float, float] | None:
    """(frames a second, PSS in MB) of the peer; None where it is not installed."""
    if not PEER_PYTHON.exists():
        return None
    script = [str(PEER_PYTHON), str(ROOT / "tests/bench/peer_line.py"), str(MODEL), str(video)]
    done = subprocess.run(pinned(cpu, script), check=True, capture_output=True, text=True)
    rate, memory = done.stdout.split()
    return float(rate), float(memory)


def main() -> None:
    """Run the rounds and print the table."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--rounds", type=int, default=5)
    command.add_argument("--video", type=Path)
    command.add_argument("--cpu", type=int, default=0)
    options = command.parse_args()
    raw, line, peer, peer_mb = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = options.video or default_video(folder)
        _, line_mb = line_rate(options.cpu, video, folder, weigh=True)
        for _ in range(options.rounds):
            before = raw_rate(options.cpu, 300)
            line.append(line_rate(options.cpu, video, folder)[0])
            raw.append((before + raw_rate(options.cpu, 300)) / 2)
            other = peer_rate(options.cpu, video)
            if other is not None:
                peer.append(other[0])
                peer_mb.append(other[1])
    print(f"video {video.name}, one thread, one processor, {options.rounds} rounds, medians\n")
    print("| what | frames/s | ms/frame | share of the raw loop | PSS, MB |")
    print("|---|---|---|---|---|")
    shares = [one / two for one, two in zip(line, raw, strict=True)]
    print(row("model alone", raw, [1.0], None))
    print(row("encounter-edge run", line, shares, line_mb))
    if peer:
        peer_shares = [one / two for one, two in zip(peer, raw, strict=True)]
        print(row("supervision + trackers", peer, peer_shares, max(peer_mb)))
    else:
        print("| supervision + trackers | not installed: make bench installs it | | | |")


def row(name: str, rates: list[float], shares: list[float], memory_mb: float | None) -> str:
    """One row of the table."""
    rate, share = statistics.median(rates), statistics.median(shares)
    memory = f"{memory_mb:.0f}" if memory_mb else ""
    return f"| {name} | {rate:.1f} | {1000 / rate:.2f} | {100 * share:.1f} % | {memory} |"


if __name__ == "__main__":
    main()
