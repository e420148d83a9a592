"""Speed and memory of the whole line, with its jail and without, beside the model and the peer.

| contestant | what |
|---|---|
| model alone | the product's session on a ready tensor, one thread |
| vision and edge, in the jail | from decoding to visits, started as the systemd units do |
| the same without the jail | the same objects, neither entered nor closed (`plain_line.py`) |
| supervision + trackers | the peer: the same weights, the same video |

They race in slices on the same cores (`contestants.py`), in rounds; every round starts all anew.
Placements: `one` holds everything to one core. `two` gives inference a core of its own
(`--inference-cores`) and the other to everything else; the model alone has the first, the peer
both. Ratios are of totals within a round; the table has their median, lowest and highest. Memory
is the proportional set size.

usage: python -m tests.bench.bench_line [--rounds 3] [--video clip.mp4] [--cores 0,1]
                                        [--placement one|two|both] [--nice -10]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2

from tests.bench.contestants import Contestant, Line, single

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
MODEL = ROOT / "models" / "nanodet-288x512-int8.onnx"
SIZE_PX = (768, 432)
WARM_UP, SLICE_S = 50, 1.0
RAW, JAILED, PLAIN, PEER = (
    "model alone",
    "vision and edge, in the jail",
    "the same without the jail",
    "supervision + trackers",
)
SITE = """
[camera]
size_px = [768, 432]
[[service_point]]
id = "counter"
service_zone_px = [[340, 290], [560, 290], [560, 428], [340, 428]]
[device]
model = "nanodet-288x512-int8"
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one contestant reached in one round."""

    rate_hz: float
    memory_mb: float
    slices_hz: tuple[float, ...]


Round = dict[str, Result]


def default_video(folder: Path) -> Path:
    """The shared sample where there is one, else Debian's vtest.avi at 768 × 432."""
    samples = os.environ.get("ENCOUNTER_SAMPLES")
    if samples and (Path(samples) / "one-by-one.mp4").exists():
        return (Path(samples) / "one-by-one.mp4").resolve()
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


def contestants(video: Path, folder: Path, first: str, second: str | None) -> list[Contestant]:
    """All of them, started: inference on core `first`, the rest there too or on `second`."""
    both = first if second is None else f"{second},{first}"
    site = folder / "site.toml"
    site.write_text(SITE, encoding="utf-8")
    inference = None if second is None else first
    line = Line(video, site, folder, both, second or first, inference)
    raw = [sys.executable, str(ROOT / "tests/bench/raw_model.py"), str(MODEL)]
    peer = [str(PEER_PYTHON), str(ROOT / "tests/bench/peer_line.py"), str(MODEL), str(video)]
    found = [
        single(RAW, first, raw),
        line.start(JAILED),
        line.start(PLAIN, ROOT / "tests/bench/plain_line.py"),
    ]
    return [*found, single(PEER, both, peer)] if PEER_PYTHON.exists() else found


def one_round(video: Path, folder: Path, first: str, second: str | None, frames: int) -> Round:
    """Race until someone comes near the end of the video."""
    running: list[Contestant] = []
    try:
        running = contestants(video, folder, first, second)
        for one in running:
            one.warm_up(WARM_UP)
        order = list(running)
        while max(one.progress.frames for one in running) < frames:
            for one in order:
                one.race(SLICE_S)
            order.reverse()
        return {
            one.name: Result(one.rate_hz, one.memory_mb(), tuple(one.rates_hz)) for one in running
        }
    finally:
        for one in running:
            one.end()


def table(title: str, rounds: list[Round]) -> str:
    """The rates and ratios of all rounds."""
    lines = [
        f"\n{title}\n",
        "| what | frames/s | ms/frame | share of the model alone (low to high) | PSS, MB |",
        "|---|---|---|---|---|",
    ]
    for name in rounds[0]:
        rate_hz = statistics.median(one[name].rate_hz for one in rounds)
        memory_mb = max(one[name].memory_mb for one in rounds)
        share = spread([one[name].rate_hz / one[RAW].rate_hz for one in rounds])
        lines.append(
            f"| {name} | {rate_hz:.1f} | {1e3 / rate_hz:.2f} | {share} | {memory_mb:.0f} |"
        )
    for name in (PLAIN, PEER):
        if name in rounds[0]:
            ratios = [one[JAILED].rate_hz / one[name].rate_hz for one in rounds]
            lines.append(f"\nin the jail : {name} = {spread(ratios)}")
    slices = sorted(rate for one in rounds for rate in one[RAW].slices_hz)
    low, high = slices[len(slices) // 10], slices[-1 - len(slices) // 10]
    lines.append(f"\nslices of the model alone, 10 to 90 %: {low:.1f} to {high:.1f} frames/s")
    return "\n".join(lines)


def spread(ratios: list[float]) -> str:
    """Median, lowest and highest.

    >>> spread([0.9, 0.95, 0.91])
    '0.910 (0.900 to 0.950)'
    """
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def favour(nice: int) -> None:
    """Ask the scheduler to favour this bench over its neighbours, where this user may."""
    with suppress(OSError):
        os.nice(nice)
        # where each session is a group, what is nice within it tells its neighbours nothing
        Path("/proc/self/autogroup").write_text(str(nice), "ascii")


def main() -> None:
    """Run the rounds and print the tables."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--video", type=Path)
    command.add_argument("--cores", default=",".join(map(str, sorted(os.sched_getaffinity(0))[:2])))
    command.add_argument("--placement", choices=("one", "two", "both"), default="both")
    command.add_argument("--nice", type=int, default=-10, help="as far as this user may")
    options = command.parse_args()
    favour(options.nice)
    rest, _, own = options.cores.partition(",")
    os.sched_setaffinity(0, {int(rest)})  # it counts beside the race, not in it
    placements: dict[str, tuple[str, str | None]] = {"one core for everything": (own or rest, None)}
    if own:
        placements["inference on a core of its own, the rest on another"] = (own, rest)
    chosen = {"one": slice(0, 1), "two": slice(1, 2), "both": slice(0, 2)}[options.placement]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = (options.video or default_video(folder)).resolve()
        frames = int(cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT)) * 9 // 10
        print(f"video {video.name}, {options.rounds} rounds, slices of {SLICE_S:g} s")
        for title, (first, second) in list(placements.items())[chosen]:
            found = [one_round(video, folder, first, second, frames) for _ in range(options.rounds)]
            print(table(title, found), flush=True)
    if not PEER_PYTHON.exists():
        print("the peer is not installed: make bench installs it")


if __name__ == "__main__":
    main()
