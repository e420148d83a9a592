"""What the kernel answers inside the camera process's jail: each way out, really tried.

    python -m edge.audit.leaks.jailed inside|outside

Inside, it comes by the way in, closes as the camera process does, and tries; outside it tries
the same without the jail, where each must succeed. It answers with a line an attempt.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from edge.audit.leaks.leaking_vision import AT_ONCE
from firmware_cfg.confine.closing import close
from firmware_cfg.confine.enter import Entry, command
from firmware_cfg.confine.filters import Output
from firmware_cfg.confine.policies import VISION

INSIDE, OUTSIDE = "inside", "outside"
DONE = "done"
REFUSED = ("EPERM", "EACCES")
MODULE = "edge.audit.leaks.jailed"
_ANSWER_BYTES = 4096
_WITHIN_S = 30.0
_PICTURE = bytes(range(256)) * 400


def ask(where: str, scratch: Path) -> dict[str, str]:
    """The outcome of each attempt, by its name: `DONE`, or the name of the error.

    Args:
        where: `INSIDE` or `OUTSIDE`.
        scratch: home folder, and where an inherited file is opened.
    """
    reading, writing = os.pipe()
    inherited = os.open(scratch / f"inherited-{where}", os.O_WRONLY | os.O_CREAT, 0o600)
    given = (str(writing), str(inherited), where)
    ours = Path(__file__).resolve().parents[3]
    entry = Entry(VISION, read=(ours / "edge",), keep_fds=(writing, inherited))
    line = command(entry, MODULE, given)
    if where == OUTSIDE:
        line = [sys.executable, "-B", "-m", MODULE, *given]
    try:
        subprocess.run(  # noqa: S603 - our own module
            line,
            pass_fds=(writing, inherited),
            cwd=ours,
            env=os.environ | {"HOME": str(scratch)},
            timeout=_WITHIN_S,
            check=False,
        )
    finally:
        os.close(writing)
        os.close(inherited)
    with os.fdopen(reading, encoding="utf-8") as answers:
        return dict(one.rstrip("\n").split(" ", 1) for one in answers)


def attempts(inherited: int) -> dict[str, Callable[[bytes], object]]:
    """Every way out, by its leak's name."""
    return {
        **AT_ONCE,
        "inherited-descriptor": lambda picture: os.write(inherited, picture),
        "dumpable-again": lambda _: _dumpable_again(),
    }


def _dumpable_again() -> None:
    from firmware_cfg.confine.native import PR_SET_DUMPABLE, process_control  # noqa: PLC0415

    process_control(PR_SET_DUMPABLE, 1)


def outcome(act: Callable[[bytes], object]) -> str:
    """What came of an attempt."""
    try:
        act(_PICTURE)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return DONE


def main() -> int:
    """Try everything, and answer."""
    answers, inherited, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if where == INSIDE:
        close(VISION, (), (Output(answers, _ANSWER_BYTES),))
    for name, act in attempts(inherited).items():
        os.write(answers, f"{name} {outcome(act)}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
