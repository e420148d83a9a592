"""npm, the machine's or pip's, and packages fetched exactly as a lock file has them."""

import shutil
from pathlib import Path

from deploy.setup.environment import Environment
from deploy.setup.running import run

CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


def npm_of_machine() -> Path | None:
    """The machine's npm, if it has one and node with it."""
    npm = shutil.which("npm") if shutil.which("node") else None
    return None if npm is None else Path(npm)


def npm(environment: Environment) -> Path:
    """The machine's npm; where it has none, pip's, installed into the environment.

    Raises:
        SetupError: it could not be had.
    """
    found = npm_of_machine()
    if found is None:
        environment.install("node.txt")
        found = environment.folder / "bin" / "npm"
    return found


def fetch(environment: Environment, folder: Path, *, doing: str, with_dev: bool) -> None:
    """Make `node_modules` in `folder` anew from the lock file there.

    Args:
        environment: takes pip's npm where the machine has none.
        folder: holds `package.json` and `package-lock.json`.
        doing: what it is for, as in "could not …".
        with_dev: whether packages for development come too.

    Raises:
        SetupError: no npm, no network, or a package is not the one that was locked.
    """
    which = "--include=dev" if with_dev else "--omit=dev"
    run([npm(environment), *CI, which], doing=doing, where=folder, extra=environment.path())
