"""The ordinary checks of a run: the same for the device and for every planted leak."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.audit.canary.emitted import Emission
from edge.audit.canary.packets import other_packets
from edge.audit.canary.words import HOW
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.search.search import Search, Searched
from edge.audit.search.turns import LEAST_FRAMES, told
from firmware_cfg.errors import RecordError
from firmware_cfg.record import Jail, unpack
from firmware_cfg.record_stream import Succession

MOST_NAMED = 24

_NO_INSTRUMENT = Words(
    "The instrument for it is not there: it needs root and strace.",
    "缺少所需的仪器：需要 root 权限和 strace。",
)
_AS_ROOT = Words(
    "Here the camera process ran as root, whose files are root's in any case, so that it could"
    " not be seen. On a device it runs as a user of its own; see Part A there.",
    "此处摄像进程以 root 运行，其文件本来就归 root 所有，因此无法看出。"
    "在设备上它以独立用户运行；请见该设备的 A 部分。",
)
_TOO_SHORT = Words("The film is too short for it.", "影片太短，无法检验。")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run was meant to be.

    Attributes:
        seed: of its canary.
        size_px: of its pictures.
    """

    seed: str
    size_px: tuple[int, int]


Look = Callable[[Emission, Expected], "Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check saw.

    Attributes:
        problems: what must not be; empty: it holds.
        looked: what was looked at, in words; None: it could not be looked at.
        why: why not.
    """

    problems: tuple[str, ...]
    looked: Words | None
    why: Words = _NO_INSTRUMENT


def check_run(run: Emission, expected: Expected, search: Search) -> tuple[Finding, ...]:
    """Every check of `CHECKS`, and the search, on what a run gave off."""
    found = [_searched(search.search(run.streams))]
    for check, look in CHECKS.items():
        found.append(told_by(check, look(run, expected)))
    return tuple(found)


def _odds(chance: float) -> int:
    """How many times as much as a chance fits into one, a power of ten.

    >>> _odds(3e-9)
    100000000
    """
    return int(10 ** math.floor(-math.log10(min(1.0, max(chance, 1e-30)))))


def _searched(result: Searched) -> Finding:
    size, odds = f"{result.looked_bytes:,}", f"{_odds(result.chance):,}"
    looked = Words(
        f"{size} bytes were searched, and no mark was found. That chance alone would show one"
        f" where there is none happens less than once in {odds} audits.",
        f"共搜索 {size} 字节，未发现任何标记。纯属偶然而误报的情况，每 {odds} 次审计不到一次。",
    )
    return told_by("canary.search", Outcome(tuple(hit.line() for hit in result.hits), looked))


def _turns(run: Emission, expected: Expected) -> Outcome:
    if len(run.records) < LEAST_FRAMES:
        return Outcome((), None, _TOO_SHORT if run.records else _NO_INSTRUMENT)
    result = told(expected.seed, run.records, run.packets or ())
    problems = (f"{one.series}: z = {one.z:.1f}" for one in result.telling)
    most = max(one.z for one in result.strongest)
    looked = Words(
        f"{result.tests:,} series of {len(run.records)} frames; the strongest correlation is"
        f" {most:.1f}, from {result.least_z:.1f} on it would count (false alarms: 1 in a million"
        " runs at most).",
        f"共检验 {result.tests:,} 个序列、{len(run.records)} 帧；最强相关为 {most:.1f}，"
        f"达到 {result.least_z:.1f} 才算数（误报率至多百万分之一）。",
    )
    return Outcome(tuple(problems), looked)


def _calls(run: Emission, _expected: Expected) -> Outcome:
    if run.calls is None:
        return Outcome((), None)
    problems = [
        f"{kind}: {name}, {count} times" for (kind, name), count in run.calls.counted.most_common()
    ]
    refused = [f"refused after closing: {name}" for name in run.calls.refused_after]
    count = run.calls.calls
    looked = Words(
        f"{count} calls of {run.calls.threads} threads, {run.calls.records} records; not one made"
        " a socket, opened a file for writing, or asked for memory that others can see.",
        f"{run.calls.threads} 个线程的 {count} 次系统调用、{run.calls.records} 条记录；"
        "无一创建套接字、打开可写文件或申请他人可见的内存。",
    )
    return Outcome((*problems, *refused), looked)


def _tables(run: Emission, _expected: Expected) -> Outcome:
    tables = run.tables
    if tables.refused or not tables.samples:
        return Outcome((), None)
    problems = [
        *(f"descriptor: {one}" for one in sorted(tables.sockets)),
        *(f"can be written to: {one}" for one in sorted(tables.writable)),
        *(f"shared memory: {one}" for one in sorted(tables.shared)),
    ]
    looked = Words(
        f"{tables.samples} samples of descriptors and memory.",
        f"抽查描述符和内存 {tables.samples} 次。",
    )
    return Outcome(tuple(problems), looked)


def _closed(run: Emission, _expected: Expected) -> Outcome:
    return closed_outcome(run.tables.closed)


def closed_outcome(closed: bool | None) -> Outcome:
    """What it means that a process is closed to its user, or not, or that it does not show."""
    looked = Words(
        "Its files in /proc belong to root, not to its user.",
        "其在 /proc 中的文件属于 root，而非其运行用户。",
    )
    if closed is None:
        return Outcome((), None, _AS_ROOT)
    return Outcome(() if closed else ("open to other processes of its user",), looked)


def _files(run: Emission, _expected: Expected) -> Outcome:
    if run.calls is None:
        return Outcome(run.files, None)
    everywhere = Words(
        "No file beside the device's own folder is new, changed or gone.",
        "除设备自己的文件夹外，没有新增、更改或消失的文件。",
    )
    as_traced = Words(
        "No process opened a file outside the device's own folder to write to it; shared folders"
        " were not watched, which takes root.",
        "没有进程以写方式打开设备文件夹之外的文件；共享文件夹未监视（需要 root）。",
    )
    problems = (*run.files, *run.opened)
    return Outcome(problems, as_traced if run.packets is None else everywhere)


def _wire(run: Emission, _expected: Expected) -> Outcome:
    if run.packets is None:
        return Outcome((), None)
    problems = tuple(other_packets(run.packets, run.port))
    looked = Words(
        f"{len(run.packets)} packets, all of them between the device and its broker.",
        f"共 {len(run.packets)} 个数据包，全部在设备与其代理服务器之间。",
    )
    return Outcome(problems, looked)


def _records(run: Emission, expected: Expected) -> Outcome:
    if not run.records:
        return Outcome((), None)
    problems, order = [], Succession(size_px=expected.size_px)
    people = 0
    for one in run.records:
        try:
            record = unpack(one.data)
            order.follow(record, one.at_s)
            people += len(record.scores)
            if record.jail is not Jail.WHOLE:
                problems.append(f"frame {record.frame}: the jail is reduced")
        except RecordError as error:
            problems.append(str(error))
    looked = Words(
        f"{len(run.records)} records, {people} people found in them.",
        f"共 {len(run.records)} 条记录，其中检出 {people} 人次。",
    )
    return Outcome(tuple(problems), looked)


CHECKS: dict[str, Look] = {
    "canary.turns": _turns,
    "canary.calls": _calls,
    "canary.tables": _tables,
    "canary.closed": _closed,
    "canary.files": _files,
    "canary.wire": _wire,
    "canary.records": _records,
}


def told_by(check: str, outcome: Outcome) -> Finding:
    """The finding of a check."""
    problems = outcome.problems
    if problems:
        found = Words(f"Violations: {len(problems)}.", f"违反：{len(problems)} 处。")
        evidence = tuple(problems[:MOST_NAMED])
        return Finding(check, Part.CANARY, Status.FAILS, HOW[check], found, evidence)
    if outcome.looked is None:
        status, found = Status.NOT_CHECKED, outcome.why
    else:
        status, found = Status.HOLDS, outcome.looked
    return Finding(check, Part.CANARY, status, HOW[check], found)


def named(findings: Sequence[Finding]) -> dict[str, Finding]:
    """Findings by their check."""
    return {one.check: one for one in findings}


def failing(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those that fail."""
    return (one for one in findings if one.status is Status.FAILS)
