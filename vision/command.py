"""The command `python -m vision`: the only place where adapters are built.

The order is the jail's: everything is imported before anything is opened; then the site file,
the model, the source; then the first frame.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import load_site
from firmware_cfg.region import region_of
from vision.detector import OnnxDetector
from vision.errors import BadInputError, VisionError
from vision.letterbox import Letterbox
from vision.models import find_models_dir, load_model
from vision.pipeline import Pipeline
from vision.scaling import Scaler
from vision.sources.file import VideoFile
from vision.sources.opening import SourceChoice, open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    return command


def build(args: argparse.Namespace) -> Pipeline:
    """Open everything that the command line names.

    Raises:
        SiteFileError: the site file cannot be used.
        BadInputError: the model, source or descriptor cannot.
    """
    try:
        os.fstat(args.records_fd)
    except OSError:
        raise BadInputError(f"--records-fd {args.records_fd}: expected an open pipe") from None
    site = load_site(args.site)
    cv2.setNumThreads(1)  # the scaling is too small to share
    model = load_model(args.model or site.device.model, args.models_dir or find_models_dir())
    detector = OnnxDetector(model, site.device.threads, site.device.score_floor)
    choice = SourceChoice(args.source, args.loop, args.realtime, args.stream_fd)
    source = open_source(choice, site)
    region = region_of(site)
    letterbox = Letterbox.fit(region, site.camera.size_px, model.input_px)
    descriptor = args.records_fd

    def write(record: bytes) -> int:
        return os.write(descriptor, record)

    return Pipeline(source, detector, Scaler(letterbox), write, site.device.max_rate_hz)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        pipeline = build(args)
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
    except VisionError as error:
        return _fail(str(error), error.exit_status)
    return 0


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"vision: {message}\n")
    return status
