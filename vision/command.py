"""The command `python -m vision`: the only place where adapters are built.

The order is the jail's: Landlock is there before this process begins (`confine enter`), or it
refuses to work; everything is imported before anything is opened; then the site file, the
model, the source; then it closes for good, and only then the first frame is looked at.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from firmware_cfg.confine.closing import close, hide
from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.filters import Output
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.policies import CAMERA, LIBCAMERA, VISION
from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import load_site
from firmware_cfg.record import RECORD_BYTES, Jail
from firmware_cfg.region import region_of
from vision.cores import Cores, keep_to
from vision.detector import OnnxDetector
from vision.errors import BadInputError, VisionError
from vision.letterbox import Letterbox
from vision.models import find_models_dir, load_model
from vision.overlap import Worker
from vision.pipeline import Pipeline
from vision.scaling import Scaler
from vision.sources.file import VideoFile
from vision.sources.opening import SourceChoice, open_source
from vision.sources.picamera import PiCamera
from vision.sources.v4l2 import V4l2Camera

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firmware_cfg.confine.policy import Policy
    from firmware_cfg.site import Site
    from vision.frames import FrameSource

EXIT_STATUS = """exit status: 0 at the end of a file, or when the reader closed the pipe;
1 when a camera or stream stopped; 2 for input that does not serve. SIGTERM and SIGINT end
the process at once: it has nothing to save."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m vision",
        description="Finds people in a camera's pictures and writes boxes to a pipe.",
        epilog=EXIT_STATUS,
        allow_abbrev=False,
    )
    add = command.add_argument
    add("--source", required=True, help="video file, N or /dev/videoN, picamera2, or stream")
    add("--site", required=True, type=Path, help="site file (TOML)")
    add("--records-fd", required=True, type=int, help="descriptor that takes the records")
    add("--model", help="name in the models' manifest; default: the site file's device.model")
    add("--models-dir", type=Path, help="folder of the manifest; default: the installed one")
    add("--loop", action="store_true", help="begin a file again at its end; time goes on")
    add("--realtime", action="store_true", help="pace a file to its timestamps")
    add("--stream-fd", type=int, help="descriptor of the relay's pipe, for --source stream")
    add("--inference-cores", help="processors, as 1 or 2,3, for inference alone; default: any")
    return command


def build(args: argparse.Namespace, site: Site) -> Pipeline:
    """Open everything that the command line names.

    Raises:
        BadInputError: the model or source cannot be used.
    """
    cv2.setNumThreads(1)  # the scaling is too small to share
    model = load_model(args.model or site.device.model, args.models_dir or find_models_dir())
    cores = Cores.shared_out(os.sched_getaffinity(0), args.inference_cores)
    keep_to(cores.inference)  # the threads of inference start here
    detector = OnnxDetector(model, site.device.threads, site.device.score_floor)
    worker = Worker() if cores.spare(site.device.threads) and closes_threads(site) else None
    keep_to(cores.rest)
    choice = SourceChoice(args.source, args.loop, args.realtime, args.stream_fd)
    source = open_source(choice, site)
    region = region_of(site)
    letterbox = Letterbox.fit(region, site.camera.size_px, model.input_px)
    descriptor = args.records_fd

    def write(record: bytes) -> int:
        return os.write(descriptor, record)

    return Pipeline(
        source,
        detector,
        Scaler(letterbox),
        write,
        site.device.max_rate_hz,
        alarm=signal.alarm,
        worker=worker,
        live=args.realtime or not isinstance(source, VideoFile),
    )


def closes_threads(site: Site) -> bool:
    """Whether closing reaches threads that are there already; else none of ours may be."""
    return not {Layer.SECCOMP, Layer.SECCOMP_TSYNC} & set(site.confine.without)


def confined(pipeline: Pipeline, site: Site, records_fd: int) -> Pipeline:
    """Close this process for good, say so in one line, and in every record.

    Raises:
        ConfinementError: the jail does not hold, and the site file does not permit that.
    """
    pipe = Output(records_fd, RECORD_BYTES, exact=True)
    jail = close(policy_for(pipeline.source), site.confine.without, (pipe,))
    sys.stderr.write(f"vision: {jail.line()}\n")
    return replace(pipeline, jail=Jail.REDUCED if jail.reduced else Jail.WHOLE)


def policy_for(source: FrameSource) -> Policy:
    """The table of rights that goes with a source."""
    match source:
        case V4l2Camera():
            return CAMERA
        case PiCamera():
            return LIBCAMERA
        case _:
            return VISION


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    try:
        hide()
        try:
            os.fstat(args.records_fd)
        except OSError:
            raise BadInputError(f"--records-fd {args.records_fd}: expected an open pipe") from None
        site = load_site(args.site)
        pipeline = confined(build(args, site), site, args.records_fd)
        pipeline.run()
        if isinstance(pipeline.source, VideoFile) and pipeline.source.shortfall:
            sys.stderr.write(f"vision: {pipeline.source.shortfall}\n")
        pipeline.source.close()
    except BrokenPipeError:
        return 0
    except SiteFileError as error:
        more = len(error.problems) - 1
        note = f" ({more} more; see encounter-edge check-config)" if more else ""
        return _fail(f"{error.problems[0]}{note}", BadInputError.exit_status)
    except ConfinementError as error:
        return _fail(str(error), BadInputError.exit_status)
    except VisionError as error:
        return _fail(str(error), error.exit_status)
    return 0


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"vision: {message}\n")
    return status
