"""The pages' scripts and styles: from the npm lock file, with the machine's npm or pip's."""

import shutil
import sys
from pathlib import Path

from deploy import assets
from deploy.setup.environment import Environment
from deploy.setup.running import ROOT, run
from deploy.setup.stamps import Stamps, key_of

SOURCES = tuple(ROOT / name for name in ("package.json", "package-lock.json", "deploy/assets.py"))
STAMPS = ROOT / ".cache" / "assets.json"


def are_there() -> bool:
    """Whether the assets of the present lock file are in place."""
    copied = all((assets.VENDOR / name).is_file() for name in assets.FILES.values())
    return copied and Stamps(STAMPS).is_done("assets", key_of(SOURCES))


def npm_of_machine() -> Path | None:
    """The machine's npm, if it has one and node with it."""
    npm = shutil.which("npm") if shutil.which("node") else None
    return None if npm is None else Path(npm)


def install(environment: Environment) -> None:
    """Fetch and copy the assets.

    Args:
        environment: takes pip's npm where the machine has none.

    Raises:
        SetupError: npm could not be had, or could not fetch.
    """
    npm = npm_of_machine()
    if npm is None:
        environment.install("node.txt")
        npm = environment.folder / "bin" / "npm"
    run([npm, "ci", "--ignore-scripts"], doing="fetch the pages' assets", extra=environment.path())
    run([sys.executable, ROOT / "deploy" / "assets.py"], doing="copy the pages' assets")
    STAMPS.parent.mkdir(exist_ok=True)
    Stamps(STAMPS).done("assets", key_of(SOURCES))
