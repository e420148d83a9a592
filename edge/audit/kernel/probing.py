"""What the attempts and the filters show of a process: findings."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from errno import EACCES, ENOSYS, EPERM
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.kernel.asking import (
    Answer,
    Place,
    ask_calls,
    ask_places,
    ask_port,
    control,
    filters_of,
)
from edge.audit.kernel.attempts import ATTEMPTS, Attempt, attempts_of
from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.filters import permitted
from edge.audit.running.descriptors import STANDARD_ERROR
from edge.audit.running.values import Process, Role
from firmware_cfg.confine.policies import POLICIES, STREAM
from firmware_cfg.confine.policy import Policy
from firmware_cfg.confine.seccomp import ARCHITECTURES, number_of

A = Part.RUNNING
REFUSED = frozenset({EPERM, EACCES, ENOSYS})
_NO_CONTROL = Words(
    "An ordinary process is refused all of it too on this machine (a container, perhaps), so "
    "nothing shows that the refusals are the jail's.",
    "在本机上，普通进程的这些请求也全部被拒绝（可能是容器），因此无法证明拒绝来自隔离。",
)
_NUMBERS = range(1024)
_OF_32_BITS = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # linux/audit.h
_X32 = 0x40000000
_ADDED = frozenset({"tgkill", "write"})
_FREELY = frozenset({"writev"})
PLACES = (
    Place(Path("/")),
    Place(Path("/etc/passwd")),
    Place(Path("/dev/shm")),  # noqa: S108 - to be refused
    Place(Path("/dev/full"), os.O_WRONLY),
    Place(Path("/proc/1/status")),
)


def calls_refused(process: Process) -> Finding:
    """Each thread is refused each attempt, and an ordinary process of its user is not."""
    tried = (*attempts_of(process.role), *_writes(process))
    how = Words(
        f"Each thread of the running process was stopped for an instant and made to ask the "
        f"kernel itself for {len(tried)} things that it must not have: sockets of every family, "
        "files, attributes, memory files, programs, other processes' memory, io_uring, bpf and "
        "so on, with arguments that do nothing if permitted. An ordinary process of the same "
        "user, without the jail, was made to ask the same, to show that the refusal is the "
        "jail's.",
        f"将运行中进程的每个线程暂停一瞬，让它自己向内核请求 {len(tried)} 项不应获得的东西："
        "各族套接字、"
        "文件、属性、内存文件、程序、其他进程的内存、io_uring、bpf 等，"
        "所用参数即使被允许也不产生作用。"
        "同一用户的普通进程（无隔离）也作同样请求，以证明拒绝来自隔离。",
    )
    check = f"{process.role}.calls_refused"
    threads = [one.number for one in process.threads]
    try:
        answers = ask_calls(process.pid, threads, tried)
        with control(process.user, _group(process)) as other:
            plain = ask_calls(other, [other], tried)
    except TracingError as error:
        return unseen(check, A, how, _not_traced(error))
    problems = _let_through(answers)
    problems += _unasked(threads, answers)
    silent = sorted({one.attempt for one in plain if one.error in REFUSED})
    evidence = [_counted(process.role, answers), _counted("ordinary process", plain)]
    if silent:
        evidence.append(f"refused to the ordinary process too, so no evidence: {', '.join(silent)}")
    evidence.append("asked for: " + ", ".join(one.name() for one in tried))
    telling = len(tried) - len(silent)
    holds = Words(
        f"Refused in each of {len(threads)} threads; {telling} of the {len(tried)} attempts are "
        "not refused to an ordinary process.",
        f"{len(threads)} 个线程均被拒绝；{len(tried)} 项尝试中有 {telling} 项对普通进程并不拒绝。",
    )
    if not problems and not telling:
        return unseen(check, A, how, _NO_CONTROL, evidence)
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def files_refused(process: Process, more: Sequence[Path] = ()) -> Finding:
    """Landlock: paths outside its rules cannot be opened, TCP beyond its ports not connected.

    Args:
        process: which.
        more: paths beside the usual, such as the video that vision reads.
    """
    places = [one for one in (*PLACES, *(Place(path) for path in more)) if one.path.exists()]
    how = Words(
        "Each thread was made to open paths that it has no business with, and to connect to port "
        "9 of this machine. Its filter (EPERM) or Landlock (EACCES) must refuse; /proc does not "
        "show Landlock's rules, so only this shows that they hold. What would open is closed at "
        "once; nothing is sent.",
        "让每个线程去打开与其无关的路径，并连接本机 9 号端口。须由其过滤器（EPERM）或 Landlock（"
        "EACCES）拒绝；/proc 不显示 Landlock 规则，"
        "只有这样才能看出其有效。若能打开则立即关闭；不发送任何内容。",
    )
    check = f"{process.role}.files_refused"
    threads = [one.number for one in process.threads]
    try:
        answers = ask_places(process.pid, threads, places) + ask_port(process.pid, threads)
        with control(process.user, _group(process)) as other:
            plain = ask_places(other, [other], places) + ask_port(other, [other])
    except TracingError as error:
        return unseen(check, A, how, _not_traced(error))
    problems = _let_through(answers) + _unasked(threads, answers)
    evidence = [
        f"{name}: {', '.join(sorted({one.word() for one in answers if one.attempt == name}))}; "
        f"ordinary process: {', '.join(one.word() for one in plain if one.attempt == name) or '–'}"
        for name in dict.fromkeys(one.attempt for one in answers)
    ]
    holds = Words(f"Refused in each of {len(threads)} threads.", f"{len(threads)} 个线程均被拒绝。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def filter_read(process: Process, policy: Policy) -> Finding:
    """The kernel's own copies of the filters permit no more than the published table."""
    how = Words(
        "The filters themselves, read out of the kernel thread by thread, and every call number "
        "followed through them with any arguments: what they can permit must be in the "
        f"published table of the policy “{policy.name}”, all threads must have the same filters, "
        "and calls of a foreign architecture must not pass.",
        "从内核逐线程读出过滤器本身，对每个调用号在任意参数下推演：其可能允许的调用须全部在已公布的"
        f"策略表“{policy.name}”中；所有线程的过滤器须相同；外来架构的调用不得通过。",
    )
    check = f"{process.role}.filter"
    try:
        found = filters_of(process)
    except TracingError as error:
        return unseen(check, A, how, _not_traced(error))
    except OSError as error:
        why = Words(
            f"The kernel does not give them out ({error.strerror}): it needs the right of a "
            "system administrator and CONFIG_CHECKPOINT_RESTORE.",
            f"内核不予提供（{error.strerror}）：需要系统管理员权限与 CONFIG_CHECKPOINT_RESTORE。",
        )
        return unseen(check, A, how, why)
    problems = [
        f"thread {one.number}: no filter" for one in process.threads if one.number not in found
    ]
    stacks = set(found.values())
    if len(stacks) > 1:
        problems.append("filters differ between threads")
    evidence: list[str] = []
    count = 0
    for stack in stacks:
        try:
            count = _judge_stack(stack, policy, problems, evidence)
        except TracingError as error:
            why = Words(f"A filter is not understood: {error}", f"无法解读过滤器：{error}")
            return unseen(check, A, how, why)
    holds = Words(
        f"{count} calls can be permitted, each of them in the table; all else is refused.",
        f"可能允许 {count} 个调用，均在表中；其余一律拒绝。",
    )
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def _writes(process: Process) -> tuple[Attempt, ...]:
    """Writing no bytes to each descriptor of vision, but standard error, which takes messages.

    A socket might send that as an empty datagram; sockets are judged on their own.
    """
    if process.role is not Role.VISION:
        return ()
    numbers = [
        one.number
        for one in process.descriptors or ()
        if one.number != STANDARD_ERROR and one.socket is None
    ]
    return tuple(
        Attempt("write", (number, 0, 0), note=f"to descriptor {number}") for number in numbers
    )


def policy_of(process: Process) -> Policy:
    """The published table that goes with a process."""
    if process.role is not Role.VISION:
        return POLICIES[process.role.value]
    source = process.option("--source") or ""
    if source == "stream":
        return STREAM
    if source == "picamera2":
        return POLICIES["libcamera"]
    driven = source.isdecimal() or source.startswith("/dev/")
    return POLICIES["camera" if driven else "vision"]


def _judge_stack(
    stack: Sequence[bytes], policy: Policy, problems: list[str], evidence: list[str]
) -> int:
    """Hold one thread's filters against the table; how many calls they can permit."""
    here = ARCHITECTURES[os.uname().machine]
    known = {call.name for one in POLICIES.values() for call in (*one.calls, *one.never)}
    known |= {one.call for one in ATTEMPTS} | _ADDED | _FREELY
    names = {number: name for name in known if (number := number_of(name)) is not None}
    table = {call.name for call in policy.calls} | _ADDED
    table |= _FREELY if policy.writes_freely else frozenset()
    can = [names.get(number, f"number {number}") for number in permitted(stack, _NUMBERS, here)]
    problems += [f"permits {name}, which is not in the table" for name in can if name not in table]
    foreign = permitted(stack, _NUMBERS, _OF_32_BITS[os.uname().machine])
    if here == ARCHITECTURES["x86_64"]:
        foreign += permitted(stack, range(_X32, _X32 + len(_NUMBERS)), here)
    problems += [f"lets a foreign architecture's call {one:#x} through" for one in foreign[:3]]
    evidence += [
        f"filter of {len(one) // 8} instructions, sha256 {hashlib.sha256(one).hexdigest()}"
        for one in stack
    ]
    evidence.append("can be permitted: " + ", ".join(can))
    return len(can)


def _let_through(answers: Iterable[Answer]) -> list[str]:
    return [
        f"thread {one.thread}: {one.attempt}: {one.word()}"
        for one in answers
        if one.error not in REFUSED
    ]


def _unasked(threads: Sequence[int], answers: Iterable[Answer]) -> list[str]:
    """Threads that are still there and gave no answer."""
    asked = {one.thread for one in answers}
    return [
        f"thread {one}: gave no answer"
        for one in threads
        if one not in asked and Path(f"/proc/{one}").exists()
    ]


def _counted(who: str, answers: Iterable[Answer]) -> str:
    counts = Counter(one.word() for one in answers)
    return f"{who}: " + ", ".join(f"{word} {count}" for word, count in counts.most_common())


def _group(process: Process) -> int:
    return int(process.status.get("Gid", "0").split()[0])


def _not_traced(error: TracingError) -> Words:
    return Words(
        f"The process could not be stopped and asked: {error}. This needs root.",
        f"无法暂停进程并提问：{error}。此项需要 root。",
    )
