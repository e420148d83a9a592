"""The command `enter`; see `firmware_cfg.confine.enter`.

Started by its path under `python -I -S`, so that nothing but the standard library and this
package is imported: no site-packages, no `.pth` file, no folder of the caller's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED = 2
_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)  # after the standard library: nothing of it can be shadowed


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from firmware_cfg.confine.layers import REQUIRED  # noqa: PLC0415 - found by the line above
    from firmware_cfg.confine.policies import POLICIES  # noqa: PLC0415

    command = argparse.ArgumentParser(
        prog="confine", description="Runs a module of ours in its jail.", allow_abbrev=False
    )
    sub = command.add_subparsers(dest="what", required=True)
    add = sub.add_parser("enter", allow_abbrev=False).add_argument
    add("policy", choices=POLICIES)
    many: dict[str, tuple[type, str]] = {
        "--read": (Path, "file or folder to read"),
        "--write": (Path, "file to write, or folder to keep files in"),
        "--device": (Path, "device file"),
        "--connect-port": (int, "TCP port to connect to"),
        "--bind-port": (int, "TCP port to bind"),
        "--keep-fd": (int, "descriptor to keep"),
    }
    for name, (kind, words) in many.items():
        add(name, type=kind, action="append", default=[], help=words)
    layers = sorted(str(layer) for layer in REQUIRED)
    add("--without", action="append", default=[], choices=layers, help="layer that may be missing")
    add("module", help="module to run")
    add("arguments", nargs=argparse.REMAINDER, help="its arguments")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Enter; returns only if that is refused."""
    from firmware_cfg.confine.enter import Entry, enter  # noqa: PLC0415
    from firmware_cfg.confine.errors import ConfinementError  # noqa: PLC0415
    from firmware_cfg.confine.layers import Layer  # noqa: PLC0415
    from firmware_cfg.confine.policies import POLICIES  # noqa: PLC0415

    options = parser().parse_args(arguments)
    entry = Entry(
        POLICIES[options.policy],
        tuple(options.read),
        tuple(options.write),
        tuple(options.device),
        tuple(options.connect_port),
        tuple(options.bind_port),
        tuple(options.keep_fd),
        tuple(Layer(one) for one in options.without),
    )
    try:
        enter(entry, ("-m", options.module, *options.arguments))
    except (ConfinementError, OSError) as error:
        sys.stderr.write(f"confine: {error}\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
