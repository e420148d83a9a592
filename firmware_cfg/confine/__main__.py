"""The command `enter`; see `firmware_cfg.confine.enter`.

Started by its path under `python -I -S`, so that nothing but the standard library and this
package is imported: no site-packages, no `.pth` file, no folder of the caller's.

`--site FILE` takes `[confine] without` from a site file, so that a unit's command line need not
repeat it; what else the file says is looked at by the process that is started. `--tell` repeats
the permitted layers to a module that reads no site file, as `--without` arguments.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED = 2
_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)  # after the standard library: nothing of it can be shadowed


class SiteError(Exception):
    """A site file that does not say which layers may be missing."""


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
    add("--site", type=Path, help="site file whose [confine] without is permitted as well")
    add("--tell", action="store_true", help="give the module the permitted layers, as --without")
    add("module", help="module to run")
    add("arguments", nargs=argparse.REMAINDER, help="its arguments")
    return command


def permitted(site: Path | None) -> tuple[str, ...]:
    """The layers that a site file permits to be missing; none where no file is named.

    Raises:
        SiteError: the file cannot be read, or says something else than layers.
    """
    from firmware_cfg.confine.layers import REQUIRED  # noqa: PLC0415

    if site is None:
        return ()
    try:
        confine = tomllib.loads(site.read_text("utf-8")).get("confine", {})
    except (OSError, ValueError) as error:
        raise SiteError(f"{site}: expected a site file (TOML), found: {error}") from error
    without = confine.get("without", []) if isinstance(confine, dict) else confine
    known = sorted(str(layer) for layer in REQUIRED)
    if not isinstance(without, list) or not all(one in known for one in without):
        raise SiteError(
            f"{site}: confine.without: expected some of {', '.join(known)}, found {without!r}"
        )
    return tuple(without)


def main(arguments: Sequence[str] | None = None) -> int:
    """Enter; returns only if that is refused."""
    from firmware_cfg.confine.enter import Entry, enter  # noqa: PLC0415
    from firmware_cfg.confine.errors import ConfinementError  # noqa: PLC0415
    from firmware_cfg.confine.layers import Layer  # noqa: PLC0415
    from firmware_cfg.confine.policies import POLICIES  # noqa: PLC0415

    options = parser().parse_args(arguments)
    try:
        layers = (*options.without, *permitted(options.site))
    except SiteError as error:
        sys.stderr.write(f"confine: {error}\n")
        return REFUSED
    told = [f"--without={layer}" for layer in layers] if options.tell else []
    entry = Entry(
        POLICIES[options.policy],
        tuple(options.read),
        tuple(options.write),
        tuple(options.device),
        tuple(options.connect_port),
        tuple(options.bind_port),
        tuple(options.keep_fd),
        tuple(Layer(one) for one in layers),
    )
    try:
        enter(entry, ("-m", options.module, *options.arguments, *told))
    except (ConfinementError, OSError) as error:
        sys.stderr.write(f"confine: {error}\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
