"""The demonstration's video: `vtest.avi` out of Debian's package `opencv-doc`, kept in `.cache`.

`apt-get download` and `dpkg-deb` need no root. Where the machine has no package lists, or
old ones, lists of our own are fetched into a temporary folder.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from deploy.setup.errors import SetupError
from deploy.setup.running import ROOT, run

VIDEO = ROOT / ".cache" / "vtest.avi"
SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
PACKAGE = "opencv-doc"
MEMBER = "/examples/data/vtest.avi"
WITHOUT = "to do without it: make demo SOURCE=clip.mp4 SITE=site.toml"


def is_there() -> bool:
    """Whether the video is kept, and is the right one."""
    try:
        return hashlib.sha256(VIDEO.read_bytes()).hexdigest() == SHA256
    except OSError:
        return False


def fetch() -> None:
    """Download the package, take the video out of it, check and keep it.

    Raises:
        SetupError: it could not be had, or is another one.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise SetupError(f"vtest.avi comes in a Debian package, and here is no apt-get; {WITHOUT}")
    VIDEO.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VIDEO.parent, prefix="vtest-") as name:
        folder = Path(name)
        part = folder / VIDEO.name
        _take_out(_download(folder), part)
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != SHA256:
            raise SetupError(f"vtest.avi: expected sha256 {SHA256}, found {found}; {WITHOUT}")
        part.replace(VIDEO)


def _download(folder: Path) -> Path:
    """The package's file, with the machine's lists, else with lists of our own."""
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    doing = f"download Debian's package {PACKAGE}"
    try:
        run([*apt, "download", PACKAGE], doing=doing, where=folder)
    except SetupError:
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        apt += ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
        try:
            run([*apt, "update"], doing="fetch Debian's package lists", where=folder)
            run([*apt, "download", PACKAGE], doing=doing, where=folder)
        except SetupError as error:
            raise SetupError(f"{error}\n  {WITHOUT}") from None
    return next(folder.glob(f"{PACKAGE}_*.deb"))


def _take_out(package: Path, target: Path) -> None:
    """Write the video inside `package` to `target`, reading no further than needed."""
    with subprocess.Popen(  # noqa: S603 - Debian's own tool
        ["dpkg-deb", "--fsys-tarfile", package],  # noqa: S607 - by name
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as unpacking:
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                member = next((one for one in archive if one.name.endswith(MEMBER)), None)
                content = archive.extractfile(member) if member is not None else None
                if content is None:
                    raise SetupError(f"{package.name}: no file …{MEMBER} inside; {WITHOUT}")
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
        except tarfile.TarError as error:
            raise SetupError(f"{package.name}: {error}; {WITHOUT}") from None
        finally:
            unpacking.kill()
