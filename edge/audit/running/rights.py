"""Who a process is, and what the kernel's status lines say of its rights; values in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.values import Process, Role, Thread

A = Part.RUNNING
UNIT_PREFIX = "encounter-"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
FEWEST_FILTERS = 2  # one from exec on, one or more once everything is open
KEPT_OUT = ("video", "render")


def by_units(process: Process) -> bool:
    """Whether it was started by one of our systemd units."""
    return process.unit.startswith(UNIT_PREFIX)


def users(process: Process, others: Iterable[Process], groups: Mapping[int, str]) -> Finding:
    """A user of its own in all four ways, and edge and relay outside the camera's groups.

    Args:
        process: which.
        others: the device's other processes.
        groups: names of groups by number.
    """
    check = f"{process.role}.user"
    how = Words(
        "Each thread's real, effective, saved and file-system user and its groups, from "
        "/proc/PID/task/TID/status: one user, not root, no other process of the device has it; "
        "edge and relay are in no group that may open cameras or graphics processors.",
        "依据 /proc/PID/task/TID/status 查看每个线程的真实、有效、保存和文件系统用户及其组："
        "只有一个用户、不是 root、且设备的其他进程不使用它；edge 与 relay "
        "不属于可打开摄像头或图形处理器的组。",
    )
    problems, evidence = [], []
    for thread in process.threads:
        numbers = thread.status.get("Uid", "").split()
        evidence.append(f"thread {thread.number}: users {' '.join(numbers)}")
        if len(set(numbers)) != 1:
            problems.append(f"thread {thread.number}: expected one user, found {numbers}")
        names = {groups.get(int(one), one) for one in thread.status.get("Groups", "").split()}
        names.add(groups.get(int(thread.status.get("Gid", "0").split()[0]), ""))
        if process.role is not Role.VISION:
            problems += [f"thread {thread.number}: in group {one}" for one in names & set(KEPT_OUT)]
    shared = [one.role.value for one in others if one.user == process.user]
    alone = process.user != 0 and not shared
    if not alone and by_units(process):
        problems.append(f"user {process.user}: root, or also of {', '.join(shared) or 'nobody'}")
    if not problems and not alone:
        return unseen(check, A, how, reasons.BY_LAUNCHER, evidence)
    holds = Words("One user, its own.", "只有一个用户，且为其独有。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def capabilities(process: Process) -> Finding:
    """No capability in any thread."""
    check = f"{process.role}.capabilities"
    how = Words(
        "Each thread's inheritable, permitted, effective and ambient capabilities (special "
        "rights of the kernel, root's powers one by one): all must be empty.",
        "每个线程的可继承、许可、有效与环境能力（内核的特殊权限，即 root 权力的逐项拆分）："
        "须全部为空。",
    )
    evidence: list[str] = []
    held: list[str] = []
    for thread in process.threads:
        found = {name: int(thread.status.get(name, "0"), 16) for name in CAPABILITIES}
        line = " ".join(f"{name} {value:x}" for name, value in found.items())
        (held if any(found.values()) else evidence).append(f"thread {thread.number}: {line}")
    if held and process.user == 0 and not by_units(process):
        return unseen(check, A, how, reasons.BY_LAUNCHER, [*held, *evidence])
    holds = Words("Empty in every thread.", "每个线程均为空。")
    return judged(check, A, how, held, holds=holds, evidence=evidence)


def new_privileges(process: Process) -> Finding:
    """`no_new_privs` in every thread."""
    how = Words(
        "Each thread's NoNewPrivs: 1 means that no program it could start would gain rights.",
        "每个线程的 NoNewPrivs：为 1 表示它启动的任何程序都不能获得更多权限。",
    )
    holds = Words("Set in every thread.", "每个线程均已设置。")
    wanted = {"NoNewPrivs": "1"}
    return _status(f"{process.role}.no_new_privileges", how, holds, process.threads, wanted)


def seccomp(process: Process) -> Finding:
    """A filter in every thread, and as many in each."""
    how = Words(
        "Each thread's Seccomp mode: 2 means that the kernel passes each of its system calls "
        "through a filter. The number of filters must be alike in all threads, and at least "
        f"{FEWEST_FILTERS}: one from its start, one for good.",
        "每个线程的 Seccomp 模式：为 2 表示内核让其每个系统调用都经过过滤器。"
        "各线程的过滤器数量须一致，"
        f"且至少为 {FEWEST_FILTERS}：一个自启动时生效，一个永久生效。",
    )
    check = f"{process.role}.seccomp"
    holds = Words(
        "Every thread is behind filters, the same number in each.",
        "每个线程均有过滤器，且数量一致。",
    )
    wanted = {"Seccomp": "2"}
    counts = {thread.status.get("Seccomp_filters") for thread in process.threads}
    more = (
        [] if len(counts) == 1 else [f"filters differ between threads: {sorted(map(str, counts))}"]
    )
    fewest = min((int(one) for one in counts if one), default=0)
    modes = {thread.status.get("Seccomp") for thread in process.threads}
    if counts == {None} and modes == {"2"}:
        why = Words(
            "Every thread has a filter, but this kernel (before 5.9) does not tell how many.",
            "每个线程均有过滤器，但该内核（早于 5.9）不显示其数量。",
        )
        return unseen(check, A, how, why)
    if fewest < FEWEST_FILTERS:
        more.append(f"expected at least {FEWEST_FILTERS} filters, found {fewest}")
    return _status(check, how, holds, process.threads, wanted, more=more)


def dumpable(process: Process) -> Finding:
    """Closed to other processes of its own user."""
    check = f"{process.role}.closed_to_its_user"
    how = Words(
        "Owner of /proc/PID/environ: the kernel gives this file, and those of memory and "
        "descriptors beside it, to root where a process has closed them to other processes of "
        "its own user.",
        "/proc/PID/environ 的所有者：当进程对同一用户的其他进程关闭了内存与描述符时，"
        "内核会把该文件及其旁的内存、描述符文件归 root 所有。",
    )
    evidence = [f"user {process.user}, owner of its environ {process.owner}"]
    if process.user == 0:
        why = Words(
            "It runs as root, so the owner is root in any case and shows nothing.",
            "该进程以 root 运行，所有者本来就是 root，无法据此判断。",
        )
        return unseen(check, A, how, why, evidence)
    problems = [] if process.owner == 0 else [f"expected owner 0, found {process.owner}"]
    holds = Words("Closed: root owns it.", "已关闭：所有者为 root。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def core(process: Process, pattern: str) -> Finding:
    """No core dump: no picture of its memory is written when it crashes."""
    check = f"{process.role}.core_dump"
    how = Words(
        "The limit of a core dump (a copy of memory on disk after a crash) in /proc/PID/limits: "
        "0 and 0. Where the machine hands core dumps to a program, that limit is not asked, and "
        "the process must be closed to its own user as well.",
        "/proc/PID/limits 中的核心转储（崩溃后写入磁盘的内存副本）上限：须为 0 与 0。"
        "若机器把核心转储交给某个程序，则不看该上限，进程还须对自身用户关闭。",
    )
    evidence = [f"limits {' '.join(process.core_limit)}", f"core_pattern {pattern}"]
    bad = process.core_limit != ("0", "0")
    problems = [f"expected 0 0, found {' '.join(process.core_limit)}"] if bad else []
    if not problems and pattern.startswith("|"):
        if process.user == 0:
            why = Words(
                "The limit is 0, but this machine hands core dumps to a program, and as root "
                "the process cannot be seen to be closed.",
                "上限为 0，但此机器把核心转储交给程序处理，而以 root 运行时无法看出进程已关闭。",
            )
            return unseen(check, A, how, why, evidence)
        if process.owner != 0:
            problems.append("core dumps go to a program, and the process is not closed")
    holds = Words("No core dump is written.", "不会写出核心转储。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def swap(process: Process, swaps: Sequence[str]) -> Finding:
    """Nothing of it is in swap, and nothing can get there.

    Args:
        process: which.
        swaps: the machine's swap devices.
    """
    how = Words(
        "VmSwap (memory now on a swap device) must be 0, and one of these must hold: the machine "
        "has no swap, its control group permits none, or all of its memory is locked.",
        "VmSwap（当前位于交换设备上的内存）须为 0，且须满足以下之一：机器没有交换空间、"
        "控制组不允许交换、或其全部内存已锁定。",
    )
    size, locked, swapped = (_kb(process, one) for one in ("VmSize", "VmLck", "VmSwap"))
    kept = not swaps or process.swap_limit == "0" or (locked > 0 and locked >= size - 256)
    problems = [] if swapped == 0 else [f"expected VmSwap 0 kB, found {swapped} kB"]
    if not kept:
        problems.append(f"swap is on ({', '.join(swaps)}), {locked} of {size} kB locked")
    evidence = [
        f"VmSwap {swapped} kB, VmLck {locked} kB of VmSize {size} kB",
        f"memory.swap.max {process.swap_limit or 'not set'}",
        f"/proc/swaps: {', '.join(swaps) or 'no device'}",
    ]
    holds = Words("Nothing in swap, and nothing can get there.", "交换空间中无内容，也不可能写入。")
    return judged(f"{process.role}.swap", A, how, problems, holds=holds, evidence=evidence)


def network(process: Process, ours: str) -> Finding:
    """The camera process in a network of its own.

    Args:
        process: vision.
        ours: the network namespace of the machine, as `net:[N]`.
    """
    check = f"{process.role}.network_of_its_own"
    how = Words(
        "The network namespace in /proc/PID/ns/net differs from the machine's: whatever the "
        "process did, no interface of this machine would be there.",
        "/proc/PID/ns/net 所示网络命名空间与机器的不同：无论进程做什么，"
        "都看不到本机的任何网络接口。",
    )
    if process.namespaces is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    own = process.namespaces["net"]
    evidence = [f"process {own}, machine {ours}"]
    if own == ours and not by_units(process):
        return unseen(check, A, how, reasons.BY_LAUNCHER, evidence)
    problems = [f"expected a namespace of its own, found the machine's: {own}"]
    holds = Words("A network of its own.", "具有独立的网络命名空间。")
    return judged(check, A, how, problems if own == ours else [], holds=holds, evidence=evidence)


def _kb(process: Process, name: str) -> int:
    return int(process.status.get(name, "0").split()[0])


def _status(
    check: str,
    how: Words,
    holds: Words,
    threads: Sequence[Thread],
    wanted: Mapping[str, str],
    *,
    more: Sequence[str] = (),
) -> Finding:
    """Every thread's status lines are as wanted."""
    problems = [
        f"thread {thread.number}: expected {name} {value}, found {thread.status.get(name)}"
        for thread in threads
        for name, value in wanted.items()
        if thread.status.get(name) != value
    ]
    shown = (*wanted, "Seccomp_filters") if "Seccomp" in wanted else tuple(wanted)
    evidence = [
        f"thread {one.number}: " + ", ".join(f"{name} {one.status.get(name)}" for name in shown)
        for one in threads
    ]
    return judged(check, A, how, [*problems, *more], holds=holds, evidence=evidence)
