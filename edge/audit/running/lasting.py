"""The running device looked at again and again: for each check, the worst that was seen.

What comes and goes between two looks is not seen; what the kernel would let a process do at all
is shown by the attempts and the filters, which hold for as long as the process lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from edge.audit.finding import Finding, Part, Status, Words

ROUND_S = 60.0  # from the beginning of one look to that of the next
_BADNESS = (Status.HOLDS, Status.NOT_CHECKED, Status.FAILS)
_HOW = Words(
    "Descriptors, sockets, memory and calls were looked at again and again; the checks of these"
    " show the worst look. Each look begins by finding the device's processes.",
    "反复查看描述符、套接字、内存与系统调用；这些检查所示为最差的一次。每次查看都先找到设备的进程。",
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look.

    Attributes:
        findings: of the checks that are repeated; none: the device did not run whole.
        processes: its processes, by name and number.
    """

    findings: tuple[Finding, ...]
    processes: str


def again(
    look: Callable[[], Look],
    for_s: float,
    *,
    round_s: float = ROUND_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Look]:
    """Look, at least once, until `for_s` seconds are over."""
    began_s = clock()
    while True:
        at_s = clock()
        yield look()
        if at_s + round_s - began_s > for_s:
            return
        sleep(max(0.0, at_s + round_s - clock()))


def worst_of(first: Sequence[Finding], looks: Iterable[Look], hours: float) -> tuple[Finding, ...]:
    """The first findings; of those that were repeated the worst, and what the looks saw."""
    worst = {one.check: one for one in first}
    counted: dict[str, int] = {}
    seen: dict[str, int] = {}
    total = absent = 0
    for look in looks:
        total += 1
        absent += not look.findings
        seen[look.processes] = seen.get(look.processes, 0) + 1
        for one in look.findings:
            counted[one.check] = counted.get(one.check, 1) + 1
            before = worst.setdefault(one.check, one)
            if _BADNESS.index(one.status) > _BADNESS.index(before.status):
                worst[one.check] = one
    repeated = tuple(_told(one, counted.get(one.check, 1)) for one in worst.values())
    return (*repeated, _lasted(hours, (total, absent), seen))


def _told(one: Finding, looks: int) -> Finding:
    """A finding that says of how many looks it is the worst."""
    if looks == 1:
        return one
    said = Words(f" The worst of {looks} looks.", f"（{looks} 次查看中最差的一次。）")
    return replace(one, found=one.found + said)


def _lasted(hours: float, counts: tuple[int, int], seen: dict[str, int]) -> Finding:
    total, absent = counts
    found = Words(
        f"{total} looks more in {hours:g} hours; in {absent} of them the device did not run whole.",
        f"在 {hours:g} 小时内又查看 {total} 次；其中 {absent} 次设备未完整运行。",
    )
    status = Status.HOLDS if absent < total else Status.NOT_CHECKED
    lines = tuple(f"{count} looks: {processes}" for processes, count in seen.items())
    return Finding("device.over_time", Part.RUNNING, status, _HOW, found, lines)
