"""The command `encounter-edge`.

Exit status: 0 done, 1 failed while running, 2 bad input or usage. Results go to the named
file or standard output, messages to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import firmware_cfg
from edge.audit.options import arguments as audit_arguments
from edge.audit.options import request_of as audit_request
from edge.certify.options import arguments as certify_arguments
from edge.certify.options import request_of as certify_request
from edge.errors import EdgeError, InputFileError, UsageError
from edge.ledger.options import arguments as ledger_arguments
from edge.ledger.options import request_of as ledger_request
from firmware_cfg.errors import SiteFileError

if TYPE_CHECKING:
    from edge.relay.credentials import Credentials

DONE, FAILED, BAD_INPUT = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """The command line, with its help."""
    root = argparse.ArgumentParser(
        prog="encounter-edge", description="Times service encounters on the device."
    )
    root.add_argument("--version", action="version", version=firmware_cfg.__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _replay_arguments(
        commands.add_parser("replay", help="time the visits in a table of detections")
    )
    _run_arguments(commands.add_parser("run", help="time the visits in front of a camera"))
    check = commands.add_parser("check-config", help="check a site file, and say what it means")
    check.add_argument("site", type=Path, metavar="SITE.toml")
    check.add_argument("--json", action="store_true", help="print problems or summary as JSON")
    certify_arguments(
        commands.add_parser("certify", help="compare a counter's visits with a stopwatch log")
    )
    ledger_arguments(
        commands.add_parser("ledger", help="what left this device: show it, verify it")
    )
    audit_arguments(
        commands.add_parser("audit", help="evidence from the kernel and from bytes, as a report")
    )
    return root


def _replay_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--detections", type=Path, required=True, metavar="DET.txt", help="MOTChallenge detections"
    )
    timing = command.add_mutually_exclusive_group(required=True)
    timing.add_argument(
        "--times", type=Path, metavar="TIMES.csv", help="capture time of each frame"
    )
    timing.add_argument("--fps", type=_rate, metavar="N", help="frames at a constant rate instead")
    command.add_argument("--site", type=Path, required=True, metavar="SITE.toml")
    _row_arguments(command)


def _run_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source",
        required=True,
        metavar="VIDEO|CAMERA|URL",
        help="a video file, a camera (0, /dev/video0, picamera2), or rtsp://…",
    )
    command.add_argument(
        "--credentials",
        type=Path,
        metavar="FILE",
        help="network camera's user name and password, a line each; mode 0600",
    )
    command.add_argument("--site", type=Path, required=True, metavar="SITE.toml")
    command.add_argument("--detections-out", type=Path, metavar="DET.txt")
    command.add_argument("--times-out", type=Path, metavar="TIMES.csv")
    command.add_argument("--loop", action="store_true", help="begin a video again at its end")
    command.add_argument("--realtime", action="store_true", help="play a video at its own pace")
    _row_arguments(command)


def _row_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", type=Path, metavar="VISITS.jsonl", help="default: standard output"
    )
    command.add_argument("--people-out", type=Path, metavar="PEOPLE.csv")
    command.add_argument("--summary-out", type=Path, metavar="SUMMARY.json")
    command.add_argument("--tracks-out", type=Path, metavar="TRACKS.txt")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"expected frames a second, 0.1 … 1000, found {text!r}")
    return rate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parser().parse_args(arguments)
    commands = {
        "replay": _replay,
        "check-config": _check_config,
        "run": _run,
        "certify": _certify,
        "ledger": _ledger,
        "audit": _audit,
    }
    try:
        return commands[options.command](options)
    except (SiteFileError, InputFileError, UsageError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except EdgeError as error:
        sys.stderr.write(f"encounter-edge: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return DONE
    except BrokenPipeError:
        sys.stderr.close()
        return DONE


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written, before hours of work.

    Raises:
        UsageError: an output in a folder that is not there.
    """
    for name, path in vars(options).items():
        is_output = (name == "out" or name.endswith("_out")) and path is not None
        if is_output and str(path) != "-" and not path.parent.is_dir():
            raise UsageError(f"{path}: expected a file in a folder that exists")


def _replay(options: argparse.Namespace) -> int:
    _check_outputs(options)
    from edge.replay import replay  # noqa: PLC0415 - `run` stays small without the engine
    from edge.rows import RowPaths  # noqa: PLC0415

    paths = RowPaths(options.out, options.people_out, options.summary_out, options.tracks_out)
    collector = replay(options.detections, options.times, options.fps, options.site, paths)
    if sys.stderr.isatty():
        visits = len(collector.visits())
        sys.stderr.write(f"{len(collector.times_us)} frames, {visits} visits\n")
    return DONE


def _run(options: argparse.Namespace) -> int:
    _check_outputs(options)
    from edge.launcher import Launch, launch  # noqa: PLC0415

    credentials = _credentials(options)
    rows = {
        "--out": options.out,
        "--people-out": options.people_out,
        "--summary-out": options.summary_out,
        "--tracks-out": options.tracks_out,
        "--detections-out": options.detections_out,
        "--times-out": options.times_out,
    }
    outputs = tuple((name, path) for name, path in rows.items() if path is not None)
    return launch(
        Launch(
            options.source,
            options.site,
            outputs,
            options.loop,
            options.realtime,
            credentials,
        )
    )


def _credentials(options: argparse.Namespace) -> Credentials | None:
    """Credentials of the network camera, if a file is named.

    Raises:
        UsageError: the address holds them itself or is none, or the file does not serve.
    """
    from edge.relay.address import parse_address  # noqa: PLC0415 - network cameras alone
    from edge.relay.credentials import read_credentials  # noqa: PLC0415
    from edge.relay.errors import RelayInputError  # noqa: PLC0415

    try:
        if "://" in options.source:
            parse_address(options.source)
        elif options.credentials is not None:
            raise UsageError("--credentials: expected with a network camera (rtsp://…) alone")
        return None if options.credentials is None else read_credentials(options.credentials)
    except RelayInputError as error:
        raise UsageError(str(error)) from None


def _certify(options: argparse.Namespace) -> int:
    _check_outputs(options)
    from edge.certify.command import certify  # noqa: PLC0415 - `run` stays small without it

    certify(certify_request(options))
    return DONE


def _ledger(options: argparse.Namespace) -> int:
    from edge.ledger.command import run  # noqa: PLC0415 - `run` stays small without it

    return run(ledger_request(options))


def _audit(options: argparse.Namespace) -> int:
    from edge.audit.command import audit  # noqa: PLC0415 - `run` stays small without it

    return audit(audit_request(options))


def _check_config(options: argparse.Namespace) -> int:
    from firmware_cfg.load import load_site  # noqa: PLC0415
    from firmware_cfg.review import describe_site, site_warnings  # noqa: PLC0415

    try:
        site = load_site(options.site)
    except SiteFileError as error:
        if not options.json:
            raise
        problems = [
            {"file": p.file, "line": p.line, "key": p.key, "message": p.message}
            for p in error.problems
        ]
        sys.stdout.write(json.dumps({"ok": False, "problems": problems}, indent=2) + "\n")
        return BAD_INPUT
    if options.json:
        report = {"ok": True, "warnings": site_warnings(site), "summary": describe_site(site)}
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return DONE
    sys.stdout.write(describe_site(site).rstrip() + "\n")
    for warning in site_warnings(site):
        sys.stdout.write(f"note: {warning}\n")
    return DONE
