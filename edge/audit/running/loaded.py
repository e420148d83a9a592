"""The files that a process runs, against what was installed: each distribution's RECORD.

A wheel's RECORD has the SHA-256 of each file that the installer put in place (PEP 376, PEP 427).
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.memory import files_of
from edge.audit.running.values import Process

A = Part.RUNNING
PACKAGES = "site-packages"
DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution.

    Attributes:
        name: with its version, as its folder says.
        root: the folder that its files are named from.
        files: SHA-256 of each, hexadecimal, by its path.
    """

    name: str
    root: Path
    files: dict[Path, str]


def distributions(folder: Path) -> tuple[Distribution, ...]:
    """The distributions of a `site-packages` folder."""
    return tuple(_read(record, folder) for record in sorted(folder.glob("*.dist-info/RECORD")))


def loaded_files(processes: Iterable[Process]) -> Finding:
    """Every library that is loaded is the one that was installed, and still lies there."""
    check = "software.loaded"
    how = Words(
        "Every library loaded by the processes (/proc/PID/maps): is it still the file that lies "
        "there, and if it belongs to an installed package, does its SHA-256 equal the one in the "
        "package's RECORD? All other recorded files of those packages are compared, too. "
        "Libraries of the system itself have no record here; compare them with the system's "
        "package manager (debsums).",
        "检查进程加载的每个库（/proc/PID/maps）：是否仍为磁盘上的该文件；若属于已安装的软件包，"
        "其 SHA-256 "
        "是否与该包 RECORD 中的一致？同时比较这些包中其他有记录的文件。系统自带的库在此没有记录，"
        "请用系统的包管理器比较（debsums）。",
    )
    paths: set[str] = set()
    problems = []
    for process in processes:
        if process.mappings is None:
            return unseen(check, A, how, reasons.NO_RIGHT)
        for one in files_of(process.mappings):
            paths.add(one.path.removesuffix(DELETED))
            if one.path.endswith(DELETED) or not _still_there(one.path, one.inode):
                problems.append(f"{process.role}: {one.path}: replaced or deleted since it started")
    own = sorted(path for path in paths if f"/{PACKAGES}/" in path)
    used, strange = _of_packages(own)
    problems += [f"{path}: in no package's RECORD" for path in strange]
    compared = 0
    for package in used:
        compared += len(package.files)
        problems += [f"{package.name}: {path}: not as recorded" for path in changed(package)]
    evidence = [f"{package.name}: {len(package.files)} files" for package in used]
    evidence.append(f"{len(paths) - len(own)} files of the system and the interpreter")
    holds = Words(
        f"{len(own)} loaded libraries and {compared} recorded files are as installed.",
        f"{len(own)} 个已加载的库与 {compared} 个有记录的文件均与安装时一致。",
    )
    return judged(check, A, how, sorted(set(problems)), holds=holds, evidence=evidence)


def changed(one: Distribution) -> list[Path]:
    """Files of a distribution that are not as they were installed, or are missing."""
    found = []
    for path, wanted in one.files.items():
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            digest = ""
        if digest != wanted:
            found.append(path)
    return found


def _of_packages(paths: Iterable[str]) -> tuple[list[Distribution], list[str]]:
    """The distributions that these files belong to, and the files that belong to none."""
    roots: dict[Path, tuple[Distribution, ...]] = {}
    used: dict[str, Distribution] = {}
    strange = []
    for path in paths:
        head, _, _ = path.partition(f"/{PACKAGES}/")
        root = Path(head) / PACKAGES
        if root not in roots:
            roots[root] = distributions(root)
        owner = next((one for one in roots[root] if Path(path) in one.files), None)
        if owner is None:
            strange.append(path)
        else:
            used[owner.name] = owner
    return list(used.values()), strange


def _read(record: Path, folder: Path) -> Distribution:
    files = {}
    with record.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if len(row) >= 2 and row[1].startswith("sha256="):
                text = row[1].removeprefix("sha256=")
                padded = text + "=" * (-len(text) % 4)
                files[folder / row[0]] = base64.urlsafe_b64decode(padded).hex()
    return Distribution(record.parent.name.removesuffix(".dist-info"), folder, files)


def _still_there(path: str, inode: int) -> bool:
    with suppress(OSError):
        return Path(path).stat().st_ino == inode
    return False
