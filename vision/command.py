"""The command `python -m vision`: the only place where adapters are built.

The order is the jail's: Landlock is there before this process begins (`confine enter`), or it
refuses to work; everything is imported before anything is opened; then the site file and the
model, which are ours; then it leaves itself what the source needs; then the source, which is
others'; then it closes for good, and only then the first frame is looked at.
"""

from __future__ import annotations

import argparse
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from firmware_cfg.confine.closing import close, hide, narrow
from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.filters import STANDARD_ERROR, Output, fitting
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.policies import CAMERA, LIBCAMERA, STREAM, VISION
from firmware_cfg.confine.policy import MESSAGE_BYTES
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
from vision.sources.opening import SourceChoice, SourceKind, kind_of, open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firmware_cfg.site import Site
    from vision.models import Model

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


POLICIES = {
    SourceKind.FILE: VISION,
    SourceKind.STREAM: STREAM,
    SourceKind.V4L2: CAMERA,
    SourceKind.PICAMERA: LIBCAMERA,
}
"""The table of rights that goes with a source."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What there is before the source is opened: all of it ours.

    Attributes:
        model: as the manifest has it.
        detector: the model at work, its threads started.
        worker: infers in a thread of its own; None where no core is to spare.
    """

    model: Model
    detector: OnnxDetector
    worker: Worker | None


def build(args: argparse.Namespace, site: Site) -> Pipeline:
    """Open everything that the command line names, without a jail.

    Raises:
        BadInputError: the model or source cannot be used.
    """
    return assemble(args, site, equip(args, site))


def equip(args: argparse.Namespace, site: Site) -> Equipment:
    """Load the model and start the threads.

    Raises:
        BadInputError: the model cannot be used.
    """
    cv2.setNumThreads(1)  # the scaling is too small to share
    model = load_model(args.model or site.device.model, args.models_dir or find_models_dir())
    cores = Cores.shared_out(os.sched_getaffinity(0), args.inference_cores)
    keep_to(cores.inference)  # the threads of inference start here
    detector = OnnxDetector(model, site.device.threads, site.device.score_floor)
    worker = Worker() if cores.spare(site.device.threads) and closes_threads(site) else None
    keep_to(cores.rest)
    return Equipment(model, detector, worker)


def assemble(args: argparse.Namespace, site: Site, equipment: Equipment) -> Pipeline:
    """Open the source, and put everything together.

    Raises:
        SourceError: the source cannot be used.
    """
    choice = SourceChoice(args.source, args.loop, args.realtime, args.stream_fd)
    source = open_source(choice, site)
    region = region_of(site)
    letterbox = Letterbox.fit(region, site.camera.size_px, equipment.model.input_px)
    descriptor = args.records_fd

    def write(record: bytes) -> int:
        return os.write(descriptor, record)

    return Pipeline(
        source,
        equipment.detector,
        Scaler(letterbox),
        write,
        site.device.max_rate_hz,
        alarm=signal.alarm,
        worker=equipment.worker,
        live=args.realtime or not isinstance(source, VideoFile),
    )


def closes_threads(site: Site) -> bool:
    """Whether closing reaches threads that are there already; else none of ours may be."""
    return not {Layer.SECCOMP, Layer.SECCOMP_TSYNC} & set(site.confine.without)


def confined(args: argparse.Namespace, site: Site) -> Pipeline:
    """Open everything; close for good, say so in one line, and in every record.

    Raises:
        BadInputError: the model or source cannot be used.
        ConfinementError: the jail does not hold, and the site file does not permit that.
    """
    policy, without = POLICIES[kind_of(args.source)], site.confine.without
    pipe = (Output(args.records_fd, RECORD_BYTES, exact=True),)
    equipment = equip(args, site)
    ground = narrow(policy, without, pipe)
    pipeline = assemble(args, site, equipment)
    jail = close(policy, without, pipe, ground=ground)
    _say(jail.line())
    return replace(pipeline, jail=Jail.REDUCED if jail.reduced else Jail.WHOLE)


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
        pipeline = confined(args, site)
        pipeline.run()
        if isinstance(pipeline.source, VideoFile) and pipeline.source.shortfall:
            _say(pipeline.source.shortfall)
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
    _say(message)
    return status


def _say(message: str) -> None:
    """One line on standard error, as long as the jail lets it be."""
    os.write(STANDARD_ERROR, fitting(f"vision: {message}", MESSAGE_BYTES))
