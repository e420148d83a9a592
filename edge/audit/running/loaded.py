"""The software that a process runs, against what was installed: each distribution's RECORD.

A wheel's RECORD has the SHA-256 of each file that the installer put in place (PEP 376, PEP 427).
Compared is all that lies where the process imports from, whether it was imported or not: Python
code leaves no mapping in a process's memory.
"""

from __future__ import annotations

import base64
import binascii
import csv
import functools
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge.audit.finding import Finding, Part, Status, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.compiled import CACHE, compiled_in, differs
from edge.audit.running.import_path import OURS, ImportPath, own_path, path_of
from edge.audit.running.memory import files_of
from edge.audit.running.values import Process

A = Part.RUNNING
CHECK = "software.loaded"
PACKAGES = "site-packages"
DELETED = " (deleted)"
IMPORTED = (".py", ".pyc", ".so", ".pth")
_NEVER_IMPORTED = frozenset({"test", "tests", "idlelib", "site-packages", "dist-packages"})
_HOW = Words(
    "Every library loaded by the processes (/proc/PID/maps): is it still the file that lies there? "
    "Every folder that the processes import Python code from, by their command lines, environments "
    "and interpreter: does the SHA-256 of each file of each installed package equal the one in the "
    "package's RECORD, is there nothing to import that no RECORD has, and is each compiled copy "
    "(.pyc) what its source compiles to? Nothing of it may have changed since the start. Libraries "
    "of the system and the interpreter's own have no record here; compare them with the system's "
    "package manager (debsums).",
    "检查进程加载的每个库（/proc/PID/maps）是否仍为磁盘上的该文件。再按命令行、环境与解释器，"
    "检查进程导入 Python 代码的每个文件夹：各已安装软件包的每个文件，其 SHA-256 是否与该包 RECORD "
    "一致；有无任何 RECORD 未列的可导入文件；每个编译副本（.pyc）是否与其源文件编译结果一致。"
    "启动以后均不得有变化。系统与解释器自带的库在此没有记录，请用系统的包管理器比较（debsums）。",
)
_ANOTHER = Words(
    "Another interpreter than the audit's runs the processes, so where they import from is not "
    "known. Start the audit from the device's own installation.",
    "运行进程的解释器与审计的不同，无法得知其导入位置；请用设备自身的安装运行审计。",
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution.

    Attributes:
        name: with its version, as its folder says.
        root: the folder that its files are named from.
        files: SHA-256 of each, hexadecimal, by its path.
        listed: every file that its RECORD names but compiled copies, as it names them.
    """

    name: str
    root: Path
    files: dict[Path, str]
    listed: tuple[str, ...] = ()


@dataclass(slots=True)
class Compared:
    """What was compared, and what is wrong with it.

    Attributes:
        problems: lines.
        files: how many recorded files were compared.
        copies: how many compiled copies.
        evidence: a line a package or folder.
    """

    problems: list[str] = field(default_factory=list)
    files: int = 0
    copies: int = 0
    evidence: list[str] = field(default_factory=list)


def distributions(folder: Path) -> tuple[Distribution, ...]:
    """The distributions of a `site-packages` folder."""
    return tuple(_read(record, folder) for record in sorted(folder.glob("*.dist-info/RECORD")))


def loaded_files(processes: Iterable[Process], own: ImportPath | None = None) -> Finding:
    """All software that the processes load or import is what was installed.

    Args:
        processes: the device's.
        own: where their interpreter imports from by itself; None: as the audit's own does.
    """
    processes = tuple(processes)
    if any(one.mappings is None or one.environment is None for one in processes):
        return unseen(CHECK, A, _HOW, reasons.NO_RIGHT)
    result = Compared()
    libraries = _mapped(processes, result)
    paths = {path_of(one, own or own_path()): one for one in processes}
    for path, process in paths.items():
        result.problems += [f"{process.role}: {line}" for line in _strange_entries(path)]
    started_s = min(one.started_s for one in processes)
    for folder in sorted({one for path in paths for one in path.packages}):
        _compare_installed(folder, started_s, result)
    for folder in sorted({entry for path in paths for entry, _ in path.others}):
        if next(folder.glob("*.dist-info/RECORD"), None) is not None:
            _compare_installed(folder, started_s, result)
    for path in {one.library: one for one in paths}.values():
        _compare_rest(path, started_s, result)
    holds = Words(
        f"{libraries} loaded libraries, {result.files} recorded files and {result.copies} compiled "
        "copies are as installed.",
        f"{libraries} 个已加载的库、{result.files} 个有记录的文件与 {result.copies} 个编译副本"
        "均与安装时一致。",
    )
    problems = sorted(set(result.problems))
    found = judged(CHECK, A, _HOW, problems, holds=holds, evidence=result.evidence)
    strangers = [one for one in processes if Path(one.arguments[0]) != Path(sys.executable)]
    if strangers and found.status is Status.HOLDS:
        lines = [f"{one.role}: {one.arguments[0]}" for one in strangers]
        return unseen(CHECK, A, _HOW, _ANOTHER, lines)
    return found


def changed(one: Distribution) -> list[Path]:
    """Files of a distribution that are not as they were installed, or are missing."""
    return [path for path, wanted in one.files.items() if sha256_of(path) != wanted]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; empty where it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def strays(folder: Path, recorded: Iterable[Path]) -> Iterator[Path]:
    """What Python would import or run from a packages' folder, and no RECORD has."""
    known = set(recorded)
    for path in files_below(folder):
        if path.parent.name != CACHE and path.name.endswith(IMPORTED) and path not in known:
            yield path


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder, and links to folders, which are not followed."""
    for base, folders, files in os.walk(folder):
        folders.sort()
        links = (one for one in folders if (Path(base) / one).is_symlink())
        yield from (Path(base) / name for name in (*sorted(files), *links))


def _mapped(processes: Sequence[Process], result: Compared) -> int:
    """The libraries in the processes' memory are those that lie there; how many they are."""
    paths: set[str] = set()
    for process in processes:
        for one in files_of(process.mappings or ()):
            paths.add(one.path.removesuffix(DELETED))
            if one.path.endswith(DELETED) or not _still_there(one.path, one.inode):
                line = f"{process.role}: {one.path}: replaced or deleted since it started"
                result.problems.append(line)
    own = sorted(path for path in paths if f"/{PACKAGES}/" in path)
    recorded: dict[Path, set[Path]] = {}
    for path in own:
        root = Path(path.partition(f"/{PACKAGES}/")[0]) / PACKAGES
        if root not in recorded:
            recorded[root] = {file for one in distributions(root) for file in one.files}
        if Path(path) not in recorded[root]:
            result.problems.append(f"{path}: in no package's RECORD")
    result.evidence.append(f"{len(paths) - len(own)} files of the system and the interpreter")
    return len(own)


def _strange_entries(path: ImportPath) -> Iterator[str]:
    """What is on a process's path beside the interpreter's, the installed and ours."""
    for entry, why in path.others:
        yield f"{entry}: on the path of its imports, by {why}"
    if path.elsewhere:
        yield f"{path.elsewhere}: compiled copies are read from there"


def _compare_installed(folder: Path, started_s: float, result: Compared) -> None:
    """A packages' folder against its RECORDs, and its compiled copies against their sources."""
    found = distributions(folder)
    for one in found:
        result.files += len(one.files)
        result.evidence.append(f"{one.name}: {len(one.files)} files")
        result.problems += [f"{one.name}: {path}: not as recorded" for path in changed(one)]
    recorded = {path for one in found for path in one.files}
    result.problems += [f"{path}: in no package's RECORD" for path in strays(folder, recorded)]
    _compare_copies(compiled_in(folder), result)
    result.problems += _changed_since(started_s, files_below(folder))


def _compare_rest(path: ImportPath, started_s: float, result: Compared) -> None:
    """What has no RECORD: the standard library, the system's packages, ours in a checkout."""
    if path.ours not in path.packages:
        for name in OURS:
            _compare_copies(compiled_in(path.ours / name), result)
            result.problems += _changed_since(started_s, files_below(path.ours / name))
        result.evidence.append(f"{path.ours}: a checkout, without a RECORD; see its hash")
    for folder in (path.library, *path.system):
        count, wrong = _without_record(folder)
        result.copies += count
        result.problems += wrong
        result.evidence.append(f"{folder}: of the system, without a RECORD; see its hash")


def _compare_copies(copies: Iterable[Path], result: Compared) -> None:
    for one in copies:
        result.copies += 1
        if differs(one):
            result.problems.append(f"{one}: not what its source compiles to")


@functools.cache
def _without_record(folder: Path) -> tuple[int, tuple[str, ...]]:
    """How many compiled copies a folder of the system has, and what is wrong with them."""
    result = Compared()
    _compare_copies(compiled_in(folder, _NEVER_IMPORTED), result)
    return result.copies, tuple(result.problems)


def _changed_since(started_s: float, files: Iterable[Path]) -> Iterator[str]:
    """Sources and libraries that changed after the processes had started."""
    for path in files:
        if path.parent.name == CACHE or not path.name.endswith(IMPORTED):
            continue
        with suppress(OSError):
            if path.stat().st_ctime > started_s:
                yield f"{path}: changed since the processes started"


def _read(record: Path, folder: Path) -> Distribution:
    files: dict[Path, str] = {}
    listed = []
    with (
        suppress(csv.Error),  # what cannot be read records nothing
        record.open(newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        for row in csv.reader(file):
            if row and not row[0].endswith(".pyc"):
                listed.append(row[0])
            if len(row) >= 2 and row[1].startswith("sha256="):
                files[folder / row[0]] = _hexadecimal(row[1].removeprefix("sha256="))
    name = record.parent.name.removesuffix(".dist-info")
    return Distribution(name, folder, files, tuple(sorted(listed)))


def _hexadecimal(text: str) -> str:
    """A hash as a RECORD writes it, in hexadecimal; what is none stays, and equals no hash."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except (binascii.Error, ValueError):
        return text


def _still_there(path: str, inode: int) -> bool:
    with suppress(OSError):
        return Path(path).stat().st_ino == inode
    return False
