"""System calls in groups, each with the reason why a process needs it.

Numbers in conditions are the kernel's own (`include/uapi`), alike on x86-64 and aarch64
unless said otherwise.
"""

from __future__ import annotations

import mmap
import socket

from firmware_cfg.confine.policy import Call, Conditions, above, any_of, equal, masked, null

X86, ARM = "x86_64", "aarch64"
_EXEC = mmap.PROT_EXEC
_MAP_TYPE, _MAP_PRIVATE, _MAP_SHARED = 0x0F, mmap.MAP_PRIVATE, mmap.MAP_SHARED
_AT_EMPTY_PATH = 0x1000
_THREAD = 0x10000 | 0x800 | 0x100  # CLONE_THREAD, CLONE_SIGHAND, CLONE_VM
_NEW_NAMESPACES = 0x7E020080  # user, pid, net, ipc, uts, cgroup, mount, time

_OWN_LOCK = (masked(1, 128, 128),)  # FUTEX_PRIVATE_FLAG
_A_THREADS_END = any_of(1, (0, 9, 9 | 256))  # WAIT, WAIT_BITSET, by the wall clock
_NOT_EXECUTABLE = (masked(2, _EXEC, 0),)
_A_STREAM = masked(1, 0x0F, socket.SOCK_STREAM)
_PRIVATE = (masked(2, _EXEC, 0), masked(3, _MAP_TYPE, _MAP_PRIVATE))
_SHARED = (masked(2, _EXEC, 0), masked(3, _MAP_TYPE, _MAP_SHARED))

MEMORY = (
    Call("brk", "the heap"),
    Call("mmap", "memory of its own; what is shared could be made writable later", (_PRIVATE,)),
    Call("mprotect", "the heap's limits; nothing becomes code", (_NOT_EXECUTABLE,)),
    Call("mremap", "the heap"),
    Call("munmap", "the heap"),
    Call("madvise", "memory given back"),
    Call("mbind", "onnxruntime places its buffers"),
)
MEMORY_SHARED = (
    Call("mmap", "shared with a device, or between SQLite's users", (_SHARED,)),
    Call("msync", "SQLite's index"),
)
THREADS_OF_OLD = (
    # a lock that is shared lies in a page that two processes may have mapped: a wake-up there is
    # a sign to the other. Of those the C library needs the waiting for a thread's end, no more.
    Call("futex", "locks of its own; the end of a thread", (_OWN_LOCK, *_A_THREADS_END)),
    Call("sched_yield", "locks"),
    Call("sched_getaffinity", "onnxruntime, numpy ask how many cores there are"),
    Call("getcpu", "memory allocators ask which core this is"),
    Call("gettid", "who am I"),
    Call("getpid", "who am I"),
    Call("set_robust_list", "a thread's own list of locks"),
    Call("rseq", "a thread's own restart area"),
    Call("exit", "a thread ends"),
    Call("exit_group", "the process ends"),
)
NEW_THREADS = (
    # FFmpeg starts those of its scaler at the first picture, and without them gives a wrong one.
    # A new thread has the filters and the ruleset of the one that starts it.
    # Names of threads are others' to read: those that are given are given before.
    Call("clone", "threads, not processes", ((masked(0, _THREAD | _NEW_NAMESPACES, _THREAD),),)),
)
SIGNALS = (
    Call("rt_sigaction", "Python's handlers at its end; the probes"),
    Call("rt_sigprocmask", "the C library around abort and threads"),
    Call("rt_sigreturn", "back from a handler"),
    Call("sigaltstack", "Python's fault handler"),
    Call("restart_syscall", "an interrupted sleep goes on"),
)
TIME = (
    Call("clock_gettime", "capture times, where the vDSO has none"),
    Call("clock_getres", "Python's clocks"),
    Call("clock_nanosleep", "pacing"),
    Call("nanosleep", "pacing"),
    Call("gettimeofday", "FFmpeg's clock"),
    Call("time", "the C library", only=X86),
)
ALARM = (
    Call("alarm", "a hang ends the process", only=X86),
    Call("setitimer", "a hang ends the process", ((equal(0, 0),),)),  # ITIMER_REAL
)
READING = (
    Call("read", "what is open"),
    Call("readv", "what is open"),
    Call("pread64", "what is open"),
    # not of 0 to 2: another process may hold the same file open, and read the place off it
    Call("lseek", "what is open", above(0, 2)),
    Call("fstat", "what is open"),
    Call("newfstatat", "fstat of newer C libraries", ((equal(3, _AT_EMPTY_PATH),),)),
    Call("close", "what is open"),
    Call("getrandom", "hash seeds, allocators"),
    Call("prlimit64", "limits are asked for, never set", ((equal(0, 0), null(2)),)),
    Call("uname", "libraries ask for the kernel's version"),
    Call("sysinfo", "libraries ask for the memory's size"),
)
WAITING = (
    Call("poll", "waits for input", only=X86),
    Call("ppoll", "waits for input"),
    Call("select", "waits for input", only=X86),
    Call("pselect6", "waits for input"),
)
EVENTS = (
    Call("epoll_create1", "an event loop"),
    Call("epoll_ctl", "an event loop"),
    Call("epoll_wait", "an event loop", only=X86),
    Call("epoll_pwait", "an event loop"),
    Call("epoll_pwait2", "an event loop"),
    Call("eventfd2", "wakes an event loop"),
    Call("pipe2", "wakes an event loop"),
    # a pair of datagrams could be sent on to any socket that has a path
    Call("socketpair", "wakes an event loop", ((equal(0, socket.AF_UNIX), _A_STREAM),)),
)
_FCNTL = (1, 2, 3, 4, 1030)  # GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC
_LOCKS = (5, 6, 7, 36, 37, 38)  # GETLK, SETLK, SETLKW and the same for open files
_ABOUT_FILES = (
    Call("newfstatat", "its files"),
    Call("stat", "its files", only=X86),
    Call("lstat", "its files", only=X86),
    Call("statx", "its files"),
    Call("access", "its files", only=X86),
    Call("faccessat", "its files"),
    Call("faccessat2", "its files"),
    Call("readlink", "its files", only=X86),
    Call("readlinkat", "its files"),
    Call("getcwd", "relative paths"),
    Call("getdents64", "lazy imports look into their folders"),
    Call("ioctl", "Python opens a file", any_of(1, (0x5401, 0x5421, 0x5450, 0x5451, 0x541B))),
)
FILES = (
    *_ABOUT_FILES,
    Call("openat", "what Landlock lets it open"),
    Call("open", "what Landlock lets it open", only=X86),
    Call("fstatfs", "SQLite asks what kind of disk it is on"),
    Call("fcntl", "flags of descriptors; SQLite's locks", any_of(1, _FCNTL + _LOCKS)),
    Call("umask", "the mode of new files"),
)
_MADE = 0x40 | 0x200 | 0x400000  # O_CREAT, O_TRUNC, __O_TMPFILE
_TO_READ, _TO_USE = 0x3 | _MADE, _MADE
OPENING = (
    *_ABOUT_FILES,
    Call("openat", "the source and what tells of threads, to read", ((masked(2, _TO_READ, 0),),)),
    Call("open", "the source, to read", ((masked(1, _TO_READ, 0),),), only=X86),
    Call("fcntl", "flags of descriptors", any_of(1, _FCNTL)),
    Call("dup", "FFmpeg reads its own copy of a pipe"),
    Call("prctl", "a decoder's thread gets a name; the next filter asks", any_of(0, (15, 38))),
    Call("seccomp", "the next filter: it can only take away"),
)
OPENING_DEVICES = (
    Call("openat", "the camera; nothing new", ((masked(2, _TO_USE, 0),),)),
    Call("open", "the camera; nothing new", ((masked(1, _TO_USE, 0),),), only=X86),
)
FILES_WRITTEN = (
    Call("pwrite64", "SQLite's pages"),
    Call("fsync", "SQLite's durability"),
    Call("fdatasync", "SQLite's durability"),
    Call("ftruncate", "SQLite's journal"),
    Call("fallocate", "SQLite's index"),
    Call("fchmod", "a new file's mode"),
    Call("fchown", "SQLite run by root"),
    Call("unlink", "SQLite's journal", only=X86),
    Call("unlinkat", "SQLite's journal"),
    Call("rename", "results replace older ones at once", only=X86),
    Call("renameat", "results replace older ones at once"),
    Call("renameat2", "results replace older ones at once"),
    Call("mkdir", "a folder for results", only=X86),
    Call("mkdirat", "a folder for results"),
)
CLOCK = (
    Call("clock_adjtime", "is the clock synchronised? (to set it takes a privilege)"),
    Call("adjtimex", "the same in older C libraries"),
)
WHO = tuple(
    Call(name, "SQLite and TLS ask who runs them")
    for name in ("getuid", "geteuid", "getgid", "getegid", "getppid")
)
_FASTOPEN = 0x20000000  # MSG_FASTOPEN connects past Landlock's rule for ports
_TYPE = 0x0F
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_OPTIONS = {
    socket.SOL_SOCKET: (
        socket.SO_REUSEADDR,
        socket.SO_ERROR,
        socket.SO_SNDBUF,
        socket.SO_RCVBUF,
        socket.SO_KEEPALIVE,
        socket.SO_LINGER,
    ),
    socket.IPPROTO_TCP: (1, 4, 5, 6, 18),  # NODELAY, KEEPIDLE, KEEPINTVL, KEEPCNT, USER_TIMEOUT
    socket.IPPROTO_IP: (11,),  # RECVERR, asked for by the resolver
    socket.IPPROTO_IPV6: (25, 26),  # RECVERR, V6ONLY
}


def _sockets() -> tuple[Conditions, ...]:
    """TCP by its own protocol alone (no MPTCP), UDP for the resolver."""
    return tuple(
        (equal(0, family), masked(1, _TYPE, kind), equal(2, protocol))
        for family in _INTERNET
        for kind, protocols in ((socket.SOCK_STREAM, (0, 6)), (socket.SOCK_DGRAM, (0, 17)))
        for protocol in protocols
    )


CONVERSING = (
    Call("recvfrom", "an open connection"),
    Call("recvmsg", "an open connection"),
    Call("sendto", "an open connection", ((masked(3, _FASTOPEN, 0), null(4)),)),
    Call("shutdown", "an open connection"),
    Call("getsockopt", "an open connection"),
    Call("getsockname", "an open connection"),
    Call("getpeername", "an open connection"),
)
CONNECTING = (
    Call("socket", "the broker by TCP, its name by UDP", _sockets()),
    Call("connect", "the broker, on the port that Landlock permits"),
    Call("sendto", "the resolver", ((masked(3, _FASTOPEN, 0),),)),
    Call("sendmsg", "the resolver, TLS", ((masked(2, _FASTOPEN, 0),),)),
    Call("sendmmsg", "the resolver", ((masked(3, _FASTOPEN, 0),),)),
    Call(
        "setsockopt",
        "known options of TCP; none opens a connection",
        tuple(
            (equal(1, level), equal(2, option))
            for level, options in _OPTIONS.items()
            for option in options
        ),
    ),
)
ACCEPTING = (
    Call("accept4", "the page's visitors"),
    Call("accept", "the page's visitors"),
    Call("sendmsg", "an answer in several parts", ((masked(2, _FASTOPEN, 0),),)),
    Call("setsockopt", "answers go at once", ((equal(1, socket.IPPROTO_TCP), equal(2, 1)),)),
)
