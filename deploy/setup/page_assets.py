"""What the npm lock file has: the pages' scripts and styles; for tests, photographs of people."""

import sys

from deploy import assets
from deploy.setup import node
from deploy.setup.environment import Environment
from deploy.setup.running import ROOT, run
from deploy.setup.stamps import Stamps, key_of

SOURCES = tuple(ROOT / name for name in ("package.json", "package-lock.json", "deploy/assets.py"))
STAMPS = ROOT / ".cache" / "assets.json"
PHOTOGRAPHS = assets.MODULES / "@vladmandic" / "face-api" / "demo"


def are_there(*, with_photographs: bool) -> bool:
    """Whether what the present lock file has is in place, its photographs too if asked."""
    copied = all((assets.VENDOR / name).is_file() for name in assets.FILES.values())
    photographed = not with_photographs or PHOTOGRAPHS.is_dir()
    return copied and photographed and Stamps(STAMPS).is_done("assets", key_of(SOURCES))


def install(environment: Environment, *, with_photographs: bool) -> None:
    """Fetch the packages, and copy the assets.

    Args:
        environment: takes pip's npm where the machine has none.
        with_photographs: fetch 13 MB more, of which no file is copied or shipped.

    Raises:
        SetupError: npm could not be had, or could not fetch.
    """
    doing = "fetch the pages' assets" + (" and the tests' photographs" * with_photographs)
    node.fetch(environment, ROOT, doing=doing, with_dev=with_photographs)
    run([sys.executable, ROOT / "deploy" / "assets.py"], doing="copy the pages' assets")
    STAMPS.parent.mkdir(exist_ok=True)
    Stamps(STAMPS).done("assets", key_of(SOURCES))
