"""What a process asked of the kernel, from strace's logs: a file for each thread (`strace -ff`).

Every system call is looked at, and one that is not known to be harmless counts. A call that the
kernel refused (EPERM, EACCES) is counted apart; one that failed for another reason counts as if
it had succeeded: it was let through.

| kind | what counts |
|---|---|
| socket | anything that makes, uses or asks about a socket |
| opened | a file opened for writing, or to be created |
| other | names, times, attributes; memory with a name or shared; processes; the unknown |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\)\s+= (\?|-?\d+|0x[0-9a-f]+)(?: (E[A-Z0-9]+))?")
_QUIET = re.compile(r"\d+\.\d+ (?:---|\+\+\+) .* (?:---|\+\+\+)")  # signals, and the end
_DUMP = re.compile(r" \| [0-9a-f]{5,}  | \* \d+ bytes in buffer \d+$")  # of `-e write=all`
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_FOR_WRITING = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
_REFUSALS = frozenset({"EPERM", "EACCES"})
_OPENS = frozenset({"open", "openat", "openat2"})
_WRITES = frozenset({"write", "writev"})
_MAKES_THREADS = frozenset({"clone", "clone3"})
_MAKES_CHILDREN = frozenset({"clone", "clone3", "fork", "vfork"})
_ASKS = re.compile(r"TCGETS|TIOCGWINSZ|FIOCLEX|FIONCLEX|FIONBIO|RNDGETENTCNT")
_FLAGS = re.compile(r"F_(?:GETFD|SETFD|GETFL|SETFL|DUPFD|DUPFD_CLOEXEC)\b")
_SOCKETS = frozenset({"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"})
_SOCKETS_USED = re.compile(r"(?:send|recv)m?msg|sendto|recvfrom|shutdown|[gs]etsockopt|get.*name")
_MEMORY = """brk mmap mprotect mremap munmap madvise mbind mlockall mlock get_mempolicy"""
_THREADS = """futex sched_yield sched_getaffinity getcpu gettid getpid getppid set_tid_address
    set_robust_list rseq exit exit_group rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
    restart_syscall tgkill arch_prctl prctl prlimit64 getrlimit setpgid"""
_TIME = """clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time alarm setitimer"""
_READING = """read readv pread64 lseek close close_range stat fstat lstat newfstatat statx statfs
    fstatfs access faccessat faccessat2 readlink readlinkat getcwd getdents64 dup dup2 dup3 poll
    ppoll select pselect6 epoll_create1 getrandom uname sysinfo getuid geteuid getgid getegid"""
_LOCKS_ITSELF_IN = """seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"""
_HARMLESS = frozenset(f"{_MEMORY} {_THREADS} {_TIME} {_READING} {_LOCKS_ITSELF_IN}".split())


class Kind(StrEnum):
    """What a call may be a way to."""

    HARMLESS = "harmless"
    SOCKET = "socket"
    OPENED = "opened"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subject:
    """The process that is looked at.

    Attributes:
        pid: its number.
        records_fd: descriptor that it may write records to; None: it has none.
        starts: programs that it becomes by exec, one after another.
    """

    pid: int
    records_fd: int | None
    starts: int


@dataclass(frozen=True, slots=True)
class Call:
    """One system call.

    Attributes:
        at_s: when, seconds since the epoch.
        name: of the call.
        arguments: as strace writes them, quoted strings left out.
        result: what the kernel answered; -1 for an error.
        error: its name; empty if there was none.
    """

    at_s: float
    name: str
    arguments: str
    result: int
    error: str


@dataclass(slots=True)
class Traced:
    """What was found in the logs.

    Attributes:
        counted: calls that count, by kind and name.
        refused_before, refused_after: calls that the kernel refused, by name, before and after
            the first record.
        calls: how many were looked at.
        threads: how many threads (and children) there were.
        records: records written.
    """

    counted: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    refused_before: Counter[str] = field(default_factory=Counter)
    refused_after: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    threads: int = 0
    records: int = 0

    def of(self, kind: Kind) -> int:
        """How many calls of a kind count."""
        return sum(count for (one, _), count in self.counted.items() if one is kind)


def traced(logs: Path, subject: Subject, record_bytes: int) -> Traced:
    """What the process did, with its threads and children; `logs` without strace's `.PID`."""
    calls = sorted(_family(logs, subject.pid), key=lambda call: call.at_s)
    found = Traced(calls=len(calls), threads=len(_numbers(logs, subject.pid)))
    records_to = str(subject.records_fd)
    starts = 0
    for call in calls:
        if call.name == "write" and call.arguments.split(",")[0] == records_to:
            found.records += call.result == record_bytes
        if call.error in _REFUSALS:
            refused = found.refused_after if found.records else found.refused_before
            refused[call.name] += 1
            continue
        if call.name == "execve" and not call.error:
            starts += 1
        kind = kind_of(call, subject, starts)
        if kind is not Kind.HARMLESS:
            found.counted[kind, call.name] += 1
    return found


def kind_of(call: Call, subject: Subject, starts: int = 1) -> Kind:
    """What a call that was not refused may be a way to; `starts`: programs begun so far."""
    name, arguments = call.name, call.arguments
    if name in _SOCKETS or _SOCKETS_USED.fullmatch(name):
        return Kind.SOCKET
    if name == "creat" or (name in _OPENS and _FOR_WRITING.search(arguments)):
        return Kind.OPENED
    if name in _WRITES:
        known = arguments.split(",")[0] in {"2", str(subject.records_fd)}
    elif name == "mmap":
        known = "MAP_SHARED" not in arguments or "PROT_WRITE" not in arguments
    elif name in _MAKES_THREADS:
        # the jail answers `clone3` so, whose flags no filter sees; the C library then asks `clone`
        known = "CLONE_THREAD" in arguments or (name, call.error) == ("clone3", "ENOSYS")
    elif name == "ioctl":
        known = _ASKS.search(arguments) is not None
    elif name == "fcntl":
        known = _FLAGS.search(arguments) is not None
    elif name == "execve":
        known = starts <= subject.starts
    else:
        known = name in _HARMLESS or name in _OPENS
    return Kind.HARMLESS if known else Kind.OTHER


def read(line: str) -> Call | None:
    """A line of a log; None for one that is not a call.

    An unreadable line becomes a call of a name that nothing knows, and so counts.

    >>> read('1.5 openat(AT_FDCWD, "/O_RDWR", O_RDONLY) = -1 EACCES (Permission denied)')
    Call(at_s=1.5, name='openat', arguments='AT_FDCWD, "", O_RDONLY', result=-1, error='EACCES')
    """
    if not line or _QUIET.fullmatch(line) or _DUMP.match(line):
        return None
    fields = _LINE.match(line)
    if fields is None:
        return Call(0.0, "unreadable", line, 0, "")
    at_s, name, arguments, result, error = fields.groups()
    is_octal = re.fullmatch(r"0[0-7]+", result) is not None  # `umask` alone
    value = 0 if result == "?" else int(result, 8 if is_octal else 0)
    return Call(float(at_s), name, _QUOTED.sub('""', arguments), value, error or "")


def _family(logs: Path, pid: int) -> Iterator[Call]:
    for number in _numbers(logs, pid):
        yield from _calls(logs, number)


def _numbers(logs: Path, pid: int) -> list[int]:
    """A process, its threads and its children, as the kernel numbers them."""
    numbers = [pid]
    for number in numbers:
        numbers += [
            call.result
            for call in _calls(logs, number)
            if call.name in _MAKES_CHILDREN and call.result > 0
        ]
    return numbers


def parents(logs: Path) -> dict[int, int]:
    """Which thread made each thread or child, by their numbers."""
    return {
        call.result: int(log.suffix[1:])
        for log in logs.parent.glob(f"{logs.name}.*")
        for call in _calls(logs, int(log.suffix[1:]))
        if call.name in _MAKES_CHILDREN and call.result > 0
    }


def _calls(logs: Path, number: int) -> Iterator[Call]:
    path = logs.with_name(f"{logs.name}.{number}")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = read(line.rstrip("\n"))
            if call is not None:
                yield call
