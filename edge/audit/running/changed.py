"""Files that the device's users changed since the processes started."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.rights import by_units
from edge.audit.running.values import Process

A = Part.RUNNING
PLACES = ("/var", "/tmp", "/dev/shm", "/run", "/home", "/srv", "/opt", "/mnt")  # noqa: S108
_AT_MOST_S = 20.0


def changed_files(
    processes: Sequence[Process], allowed: Sequence[Path], places: Iterable[Path]
) -> Finding:
    """Since the start, the device's users changed files where they may, and nowhere else.

    Args:
        processes: the device's.
        allowed: folders that edge keeps files in.
        places: folders to look through.
    """
    check = "device.files_changed"
    started_s = min(one.started_s for one in processes)
    users = {one.user for one in processes}
    roots = [*places, *_private(processes)]
    how = Words(
        "Every file of the device's users under "
        f"{', '.join(map(str, roots))} whose content or place changed since the processes "
        f"started: they must all lie in {', '.join(map(str, allowed)) or 'no folder at all'}.",
        f"查找 {'、'.join(map(str, roots))} 下属于设备各用户、"
        "且自进程启动后内容或位置有变化的每个文件："
        f"须全部位于 {'、'.join(map(str, allowed)) or '（无任何文件夹）'}。",
    )
    if 0 in users or not all(by_units(one) for one in processes):
        why = Words(
            "The processes share their user with others, so its files do not show who wrote them. ",
            "这些进程与其他程序共用同一用户，无法从文件看出写入者。",
        )
        return unseen(check, A, how, why + reasons.BY_LAUNCHER)
    problems: list[str] = []
    evidence: list[str] = []
    until_s = time.monotonic() + _AT_MOST_S
    for path in _walk(roots, users, started_s, until_s):
        fine = any(path.is_relative_to(folder) for folder in allowed)
        (evidence if fine else problems).append(str(path))
    if time.monotonic() > until_s and not problems:
        why = Words(
            f"Not finished within {_AT_MOST_S:g} s: too many files.",
            f"未能在 {_AT_MOST_S:g} 秒内完成：文件过多。",
        )
        return unseen(check, A, how, why, evidence)
    holds = Words(
        f"{len(evidence)} files changed, all where they may be.",
        f"共 {len(evidence)} 个文件有变化，均位于允许的位置。",
    )
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def _private(processes: Sequence[Process]) -> list[Path]:
    """Folders that a unit sees in place of the machine's own: /tmp, /var/tmp, /dev/shm."""
    ours = str(Path("/proc/self/ns/mnt").readlink())
    own = []
    for one in processes:
        if (one.namespaces or {}).get("mnt", ours) == ours:
            continue  # it sees the machine's
        root = Path(f"/proc/{one.pid}/root")
        own += [root / "tmp", root / "var/tmp", root / "dev/shm"]
    return own


def _walk(roots: Iterable[Path], users: set[int], since_s: float, until_s: float) -> Iterator[Path]:
    waiting = list(roots)
    while waiting and time.monotonic() < until_s:
        folder = waiting.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                seen = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif seen.st_uid in users and max(seen.st_mtime, seen.st_ctime) >= since_s:
                    yield Path(entry.path)
