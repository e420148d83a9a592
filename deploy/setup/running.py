"""Runs one program of the set-up, quietly: its output appears only if it fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.setup.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
SHOWN_LINES, SHOWN_COLUMNS = 6, 160


def run(
    arguments: Sequence[str | Path],
    *,
    doing: str,
    where: Path = ROOT,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end; returns what it printed.

    Args:
        arguments: the program and its arguments.
        doing: what it is for, as in "could not …".
        where: working folder.
        extra: environment variables to add.

    Raises:
        SetupError: it is missing, or failed; with the last lines that it printed.
    """
    words = [str(one) for one in arguments]
    try:
        done = subprocess.run(  # noqa: S603 - programs that the set-up names
            words,
            cwd=where,
            env={**os.environ, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise SetupError(f"could not {doing}: {words[0]}: {error.strerror}") from None
    if done.returncode:
        last = "\n".join(
            f"    {line[:SHOWN_COLUMNS]}" for line in done.stdout.splitlines()[-SHOWN_LINES:]
        )
        raise SetupError(
            f"could not {doing}: `{' '.join(words[:4])} …` "
            f"ended with status {done.returncode}\n{last}"
        )
    return done.stdout
