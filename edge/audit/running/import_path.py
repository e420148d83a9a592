"""Where a process imports Python code from, worked out from outside, running nothing of it.

From its command line, the environment of its exec and its interpreter, by the rules of
https://docs.python.org/3.11/library/sys_path_init.html and `site`. What a process adds to its
path by itself stands in its own code, which is compared.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import firmware_cfg
from edge.audit.running.values import Process

OURS = ("edge", "vision", "firmware_cfg")
INSTALLED = ("site-packages", "dist-packages")
_WITH_A_VALUE = "WX"
_ENDS_OPTIONS = "cm"
_SYSTEM = Path("/usr/lib")


@dataclass(frozen=True, slots=True)
class ImportPath:
    """Where a process imports from.

    Attributes:
        library: the standard library.
        packages: folders of installed packages.
        system: folders of packages that the system's package manager installed.
        ours: the folder that our packages lie in.
        others: further entries, and who put them there.
        elsewhere: where compiled files are read from instead of `__pycache__`; empty: nowhere.
    """

    library: Path
    packages: tuple[Path, ...]
    system: tuple[Path, ...]
    ours: Path
    others: tuple[tuple[Path, str], ...] = ()
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """The interpreter's own options on a command line.

    Attributes:
        letters: every option of one letter.
        extended: values of `-X`.
        runs: `-m`, `-c`, or the script.
    """

    letters: frozenset[str]
    extended: tuple[str, ...]
    runs: str


def own_path() -> ImportPath:
    """Of the interpreter that runs this audit."""
    ours = Path(firmware_cfg.__file__).resolve().parents[1]
    library = Path(sysconfig.get_path("stdlib"))
    user = Path(site.getuserbase())
    packages = [Path(one) for one in (*site.getsitepackages([sys.prefix]), *sys.path)]
    there = [one for one in dict.fromkeys(packages) if one.name in INSTALLED and one.is_dir()]
    there = [one for one in there if not one.is_relative_to(user)]
    system = tuple(one for one in there if one.is_relative_to(_SYSTEM))
    return ImportPath(library, tuple(one for one in there if one not in system), system, ours)


def path_of(process: Process, own: ImportPath) -> ImportPath:
    """Of a process whose interpreter imports from `own` by itself; its environment is known."""
    options = options_of(process.arguments[1:])
    environment = _heeded(options, process.environment or {})
    others = list(_asked_for(process, options, environment))
    archive = own.library.parent / f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    if archive.exists():
        others.append((archive, "the interpreter, before its library"))
    packages, system = own.packages, own.system
    if "S" in options.letters:
        packages = system = ()
    else:
        others += [(one, "a .pth file") for folder in packages for one in _by_pth(folder)]
        others += [(one, "the user's own packages") for one in _of_user(options, environment)]
    prefix = [one for one in options.extended if one.startswith("pycache_prefix=")]
    elsewhere = environment.get("PYTHONPYCACHEPREFIX", "") or "".join(prefix)
    known = {own.library, own.ours, *packages, *system}
    strange = tuple((one, why) for one, why in others if one.resolve() not in known)
    return ImportPath(own.library, packages, system, own.ours, strange, elsewhere)


def options_of(arguments: Sequence[str]) -> Options:
    """The interpreter's options among the words after its name.

    >>> options_of(("-IB", "-X", "dev", "-m", "edge.appliance", "-P")).letters == {*"IBXm"}
    True
    """
    letters: set[str] = set()
    extended: list[str] = []
    words = list(arguments)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--check-hash-based-pycs":
            words[:1] = []
            continue
        for place, letter in enumerate(word[1:], 1):
            letters.add(letter)
            if letter in _ENDS_OPTIONS:
                return Options(frozenset(letters), tuple(extended), f"-{letter}")
            if letter in _WITH_A_VALUE:
                value = word[place + 1 :] or "".join(words[:1])
                words[: not word[place + 1 :]] = []
                extended += [value] if letter == "X" else []
                break
    return Options(frozenset(letters), tuple(extended), words[0] if words else "")


def _heeded(options: Options, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment as far as the interpreter heeds it."""
    if not options.letters & {"I", "E"}:
        return environment
    return {name: text for name, text in environment.items() if not name.startswith("PYTHON")}


def _asked_for(
    process: Process, options: Options, environment: Mapping[str, str]
) -> Iterator[tuple[Path, str]]:
    """Entries by the command line and the environment."""
    folder = Path(process.folder or "/")
    if not options.letters & {"I", "P"} and not environment.get("PYTHONSAFEPATH"):
        if options.runs in ("-m", "-c", ""):
            yield folder, "the working folder"
        else:
            yield (folder / options.runs).parent, "the script's folder"
    for entry in environment.get("PYTHONPATH", "").split(os.pathsep):
        if entry:
            yield folder / entry, "PYTHONPATH"
    if "PYTHONHOME" in environment:
        yield folder / environment["PYTHONHOME"], "PYTHONHOME"


def _by_pth(folder: Path) -> Iterator[Path]:
    """Folders that the path files of a packages' folder name; their code is compared as files."""
    for file in sorted(folder.glob("*.pth")):
        for line in file.read_text("utf-8", "replace").splitlines():
            named = line.strip()
            if named and not named.startswith(("#", "import ", "import\t")):
                entry = folder / named
                if entry.exists():
                    yield entry


def _of_user(options: Options, environment: Mapping[str, str]) -> Iterator[Path]:
    """The user's own packages, where the interpreter would take them and there are any."""
    alone = sys.prefix != sys.base_prefix and not _takes_systems(Path(sys.prefix))
    if options.letters & {"I", "s"} or environment.get("PYTHONNOUSERSITE") or alone:
        return
    base = environment.get("PYTHONUSERBASE") or f"{environment.get('HOME', '/')}/.local"
    folder = Path(base) / f"lib/python{sysconfig.get_python_version()}/site-packages"
    if folder.is_dir():
        yield folder


def _takes_systems(prefix: Path) -> bool:
    """Whether a virtual environment takes the system's packages, too."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8").lower().splitlines()
    except OSError:
        return False
    pairs = {
        name.strip(): value.strip() for name, _, value in (one.partition("=") for one in lines)
    }
    return pairs.get("include-system-site-packages") == "true"
