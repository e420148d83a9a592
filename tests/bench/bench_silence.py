"""What the kernel saw of the vision process while it worked, beside processes that do leak.

`encounter-edge run` plays a video in a loop at its own pace, in an environment without `CI` and
with a fresh home folder, under strace, with its descriptors and sockets sampled, in a network
and shared folders of its own, where every packet and every file counts, whoever made it
(`edge.audit.instruments`). The same instruments then look at two controls (`silence_leak`):
vision's code without the jail and with planted leaks, and onnxruntime alone with its telemetry
as delivered.
An instrument that misses the planted leak proves nothing, and the run fails.

Needs root, strace and iproute2 for everything; with less, it says what was not looked at.

usage: python -m tests.bench.bench_silence [--minutes 10] [--video clip.mp4] [--json FILE]
                                            [--without-library]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2

from edge.audit.instruments.network import Layer, go_alone, lacks
from tests.bench.bench_line import MODEL, default_video
from tests.bench.silence_leak import READY
from tests.bench.silence_run import Found, Place, RunError, Trial, observe
from tests.bench.silence_table import Row, details, rows

LEAK = Path(__file__).with_name("silence_leak.py")
CONTROL_S, LIBRARY_S, MARGIN_S = 2.0, 10.0, 1.0
COLUMNS = ("product", "planted leak, no jail", "onnxruntime alone, as delivered")
SITE = """
[camera]
size_px = [{width}, {height}]
[[service_point]]
id = "counter"
service_zone_px = [[10, 10], [{width_10}, 10], [{width_10}, {height_10}], [10, {height_10}]]
[device]
model = "nanodet-288x512-int8"
threads = 2
"""


def site_file(folder: Path, video: Path) -> Path:
    """A site file for a video."""
    source = cv2.VideoCapture(str(video))
    width = int(source.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(source.get(cv2.CAP_PROP_FRAME_HEIGHT))
    source.release()
    path = folder / "site.toml"
    text = SITE.format(width=width, height=height, width_10=width - 10, height_10=height - 10)
    path.write_text(text, encoding="utf-8")
    return path


def trials(video: Path, work: Path, minutes: float, nowhere: int) -> list[Trial]:
    """The product and the two controls."""
    site = site_file(work, video)
    source = ("--source", str(video), "--site", str(site), "--loop", "--realtime")
    summary = work / "summary.json"
    product = (sys.executable, "-m", "edge", "run", *source, "--summary-out", str(summary))
    leak = (sys.executable, str(LEAK), *source, "--records-fd", str(nowhere))
    library = (sys.executable, str(LEAK), "library", str(MODEL))
    jail = "vision: jail_closed "
    run_s = minutes * 60 + MARGIN_S
    return [
        # enter's own command line says "enter vision", the program's "-m vision"
        Trial("product", product, ("vision",), jail, 2, run_s),
        Trial("leak", leak, (str(LEAK),), READY, 1, CONTROL_S, (nowhere,)),
        Trial("library", library, (str(LEAK),), READY, 1, LIBRARY_S),
    ]


def run_all(options: argparse.Namespace, work: Path) -> list[Found]:
    """Everything, one after another, under the instruments that there are.

    Raises:
        RunError: something did not run as it should.
    """
    video = (options.video or default_video(work)).resolve()
    missing = lacks()
    layers: tuple[Layer, ...] = ()
    if not missing:
        try:
            layers = go_alone(work)
        except (OSError, subprocess.CalledProcessError) as error:
            missing = str(error)
    if missing:
        print(f"not looked at: packets, sockets of the network, shared folders ({missing})")
    if shutil.which("strace") is None:
        print("not looked at: system calls (strace is not installed)")
    place = Place(work, layers, alone=not missing)
    nowhere = os.open("/dev/null", os.O_WRONLY)
    wanted = trials(video, work, options.minutes, nowhere)[: 2 if options.without_library else 3]
    return [observe(trial, place) for trial in wanted]


def played(product: Found, work: Path, minutes: float) -> str:
    """How much was played, in words.

    Raises:
        RunError: not all of it, or a process had to be replaced.
    """
    lost = [line for line in product.said if line.startswith("launcher:")]
    file = work / "summary.json"
    if lost or not file.exists():
        raise RunError(f"product: {' / '.join(lost) or 'no summary'}")
    summary = json.loads(file.read_text("utf-8"))
    if summary["duration_s"] < minutes * 60:
        raise RunError(f"product: only {summary['duration_s']:.0f} s of video")
    if product.calls is not None and product.calls.records < summary["frames"]:
        raise RunError(f"product: {summary['frames']} frames, {product.calls.records} in the trace")
    return f"{summary['duration_s']:.0f} s of video, {summary['frames']} frames"


def report(table: list[Row], found: list[Found]) -> bool:
    """Print what was seen; whether it shows silence, as far as it was looked at."""
    print(*(line for line in found[0].said if "jail" in line), sep="\n")
    print(f"\n| evidence | {' | '.join(COLUMNS)} |\n|---|---|---|---|")
    print("\n".join(row.line() for row in table))
    for name, one in zip(COLUMNS, found, strict=False):
        print(f"\n{name}", *details(one), sep="\n  ")
    faults = [row.evidence for row in table if not row.holds]
    print("\nnot shown: " + "; ".join(faults) if faults else "\nsilent, as far as looked at")
    return not faults


def work_in(work: Path, options: argparse.Namespace) -> int:
    """Run everything with files in `work`; the exit status."""
    json_file = None if options.json is None else options.json.open("w", encoding="utf-8")
    try:
        found = run_all(options, work)
        amount = played(found[0], work, options.minutes)
    except RunError as error:
        print(error)
        return 1
    table = rows(found[0], found[1], found[2] if len(found) > 2 else None)
    print(f"Linux {platform.release()}, {amount}")
    silent = report(table, found)
    if json_file is not None:
        with json_file:
            json.dump([asdict(row) for row in table], json_file)
    return 0 if silent else 1


def main() -> int:
    """Run, print the table; 0 if it shows silence as far as it was looked at."""
    command = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    command.add_argument("--minutes", type=float, default=10.0)
    command.add_argument("--video", type=Path)
    command.add_argument("--json", type=Path, help="write the table here, too")
    command.add_argument("--without-library", action="store_true", help="one control fewer")
    command.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = command.parse_args()
    if options.work is not None:
        return work_in(options.work, options)
    with tempfile.TemporaryDirectory(prefix="silence-") as work:
        # in a process of its own: what it mounts and where it goes ends with it
        again = [sys.executable, *sys.argv, "--work", work]
        return subprocess.run(again, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
