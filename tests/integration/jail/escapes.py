"""Ways out of the jail: each an attempt that does the real thing, and undoes it.

Outside the jail an attempt succeeds, or fails with an error that is named here and is not the
jail's. Inside, all fail with the jail's error. So none can pass for the wrong reason.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_cfg.confine.native import process_control, system_call
from firmware_cfg.confine.policy import MESSAGE_BYTES
from firmware_cfg.confine.seccomp import number_of

DONE = "done"
_COUNT = iter(range(10**9))


@dataclass(frozen=True, slots=True)
class Scene:
    """What the attempts are made on.

    Attributes:
        folder: scratch folder of this user.
        file_fd: a file in it, open for reading and writing since before the start.
        other_pid: another process of the same user.
        page: address of a page of this process's memory.
    """

    folder: Path
    file_fd: int
    other_pid: int
    page: int

    @property
    def file(self) -> Path:
        """A file that exists."""
        return self.folder / "file"

    def new(self) -> Path:
        """A path where nothing is."""
        return self.folder / f"new-{next(_COUNT)}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way out.

    Attributes:
        act: tries it; raises OSError if it fails.
        outside: what may come of it outside the jail.
        root: only root can do it outside.
        refused: the jail's error.
    """

    act: Callable[[Scene], object]
    outside: tuple[str, ...] = (DONE,)
    root: bool = False
    refused: int = errno.EPERM


def outcome(attempt: Attempt, scene: Scene) -> str:
    """`done`, or the name of the error."""
    try:
        attempt.act(scene)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return DONE


def call(name: str, *arguments: int | bytes) -> int:
    """A system call by its name."""
    number = number_of(name)
    assert number is not None, name
    return system_call(number, *arguments)


def _socket(family: int, kind: int, protocol: int = 0) -> Callable[[Scene], object]:
    return lambda _: socket.socket(family, kind, protocol).close()


def _pair(_: Scene) -> None:
    for one in socket.socketpair():
        one.close()


def _opened(path: str | Path, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))


def _create(scene: Scene) -> None:
    path = scene.new()
    _opened(path, os.O_WRONLY | os.O_CREAT)
    path.unlink()


def _shared_memory(scene: Scene) -> None:
    path = Path("/dev/shm") / f"encounter-{os.getpid()}-{scene.new().name}"  # noqa: S108
    _opened(path, os.O_RDWR | os.O_CREAT)
    path.unlink()


def _rename(scene: Scene) -> None:
    path = scene.new()
    scene.file.rename(path)
    path.rename(scene.file)


def _made(make: Callable[[Path], object], remove: Callable[[Path], object]) -> Callable[..., None]:
    def act(scene: Scene) -> None:
        path = scene.new()
        make(path)
        remove(path)

    return act


def _unlink(scene: Scene) -> None:
    spare = scene.folder / "spare"
    spare.unlink()
    spare.touch()


def _system_v(_: Scene) -> None:
    segment = call("shmget", 0, 4096, 0o1600)
    call("shmctl", segment, 0, 0)


def _mapping(protection: int, flags: int, *, of_file: bool) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        descriptor = scene.file_fd if of_file else -1
        address = call("mmap", 0, 4096, protection, flags, descriptor, 0)
        call("munmap", address, 4096)

    return act


def _executable(scene: Scene) -> None:
    call("mprotect", scene.page, 4096, mmap.PROT_READ | mmap.PROT_EXEC)
    call("mprotect", scene.page, 4096, mmap.PROT_READ | mmap.PROT_WRITE)


def _fork(_: Scene) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _clone(_: Scene) -> None:
    child = call("clone", 17, 0, 0, 0, 0)  # SIGCHLD: what fork does
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _spawn(_: Scene) -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)  # by vfork's flags of clone


def _memory_of_other(name: str) -> Callable[[Scene], object]:
    def act(scene: Scene) -> int:
        local = (ctypes.c_uint64 * 2)(scene.page, 8)
        remote = (ctypes.c_uint64 * 2)(0, 8)
        there = ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0
        return call(name, scene.other_pid, *there)

    return act


def _closed(name: str, *arguments: int | bytes) -> Callable[[Scene], object]:
    """A call that returns a descriptor."""
    return lambda _: os.close(call(name, *arguments))


def _ring(_: Scene) -> None:
    parameters = (ctypes.c_uint64 * 32)()
    os.close(call("io_uring_setup", 1, ctypes.addressof(parameters)))


def _set_own_namespace(_: Scene) -> None:
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        call("setns", descriptor, 0x40000000)
    finally:
        os.close(descriptor)


def _limit(_: Scene) -> None:
    nothing = (ctypes.c_uint64 * 2)()
    call("prlimit64", 0, 4, ctypes.addressof(nothing), 0)  # RLIMIT_CORE


def _stat_beside_a_descriptor(scene: Scene) -> None:
    """With `AT_EMPTY_PATH`, which the filter asks for, a path that is not empty serves too."""
    call("newfstatat", -100, os.fsencode(scene.file) + b"\0", scene.page, 0x1000)
    size_bytes = ctypes.c_int64.from_address(scene.page + 48).value
    if size_bytes != 4096:
        raise OSError(errno.EPROTO, f"expected 4096 bytes, found {size_bytes}")


def _bare(name: str, *arguments: int | bytes) -> Callable[[Scene], object]:
    return lambda _: call(name, *arguments)


_NO_FAMILY = (DONE, "EAFNOSUPPORT")
_NO_XATTR = (DONE, "EOPNOTSUPP")
SOCKETS = {
    "socket unix": Attempt(_socket(socket.AF_UNIX, socket.SOCK_STREAM)),
    "socket pair": Attempt(_pair),
    "socket tcp": Attempt(_socket(socket.AF_INET, socket.SOCK_STREAM)),
    "socket udp": Attempt(_socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "socket tcp 6": Attempt(_socket(socket.AF_INET6, socket.SOCK_STREAM), _NO_FAMILY),
    "socket mptcp": Attempt(
        _socket(socket.AF_INET, socket.SOCK_STREAM, 262),
        (DONE, "EPROTONOSUPPORT", "ENOPROTOOPT"),
    ),
    "socket icmp": Attempt(_socket(socket.AF_INET, socket.SOCK_RAW, 1), root=True),
    "socket netlink": Attempt(_socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "socket packet": Attempt(_socket(socket.AF_PACKET, socket.SOCK_RAW), _NO_FAMILY, root=True),
    "socket alg": Attempt(_socket(socket.AF_ALG, socket.SOCK_SEQPACKET), _NO_FAMILY),
    "socket vsock": Attempt(_socket(socket.AF_VSOCK, socket.SOCK_STREAM), _NO_FAMILY),
    "socket bluetooth": Attempt(_socket(31, socket.SOCK_RAW, 1), (*_NO_FAMILY, "EPROTONOSUPPORT")),
}
_NO_NEWER_CALL = ("EFAULT", "EINVAL", "EBADF", "ENOSYS")
FILES = {
    "open to read": Attempt(lambda _: _opened("/etc/passwd", os.O_RDONLY)),
    "open to write": Attempt(lambda s: _opened(s.file, os.O_WRONLY)),
    "open a folder": Attempt(lambda _: _opened("/", os.O_RDONLY)),
    "open by openat2": Attempt(_bare("openat2", -100, 0, 0, 0), ("EINVAL",)),
    "open by handle": Attempt(_bare("open_by_handle_at", -1, 0, 0), ("EFAULT", "EBADF"), root=True),
    "stat": Attempt(lambda _: Path("/etc/passwd").stat()),
    "read a link": Attempt(lambda _: Path("/proc/self/exe").readlink()),
    "create": Attempt(_create),
    "truncate": Attempt(lambda s: os.truncate(s.file, 4096)),
    "rename": Attempt(_rename),
    "unlink": Attempt(_unlink),
    "make a folder": Attempt(_made(Path.mkdir, Path.rmdir)),
    "link": Attempt(lambda s: _made(lambda path: path.hardlink_to(s.file), Path.unlink)(s)),
    "symlink": Attempt(_made(lambda path: path.symlink_to("file"), Path.unlink)),
    "make a fifo": Attempt(_made(lambda path: os.mknod(path, stat.S_IFIFO | 0o600), Path.unlink)),
    "setxattr": Attempt(lambda s: os.setxattr(s.file, "user.a", b"pixels"), _NO_XATTR),
    "setxattrat": Attempt(_bare("setxattrat", -1, 0, 0, 0, 0, 0), _NO_NEWER_CALL),
    "fchmodat2": Attempt(_bare("fchmodat2", -1, 0, 0, 0), _NO_NEWER_CALL),
    "chmod": Attempt(lambda s: s.file.chmod(0o600)),
    "chown": Attempt(lambda s: os.chown(s.file, -1, -1)),
    "utime": Attempt(lambda s: os.utime(s.file)),
    "change folder": Attempt(lambda _: os.chdir("/")),
}
OPEN_FILES = {
    "write": Attempt(lambda s: os.write(s.file_fd, b"pixels")),
    "writev": Attempt(lambda s: os.writev(s.file_fd, [b"pixels"])),
    "pwrite": Attempt(lambda s: os.pwrite(s.file_fd, b"pixels", 0)),
    "pwritev": Attempt(lambda s: os.pwritev(s.file_fd, [b"pixels"], 0)),
    "ftruncate": Attempt(lambda s: os.ftruncate(s.file_fd, 4096)),
    "fallocate": Attempt(lambda s: os.posix_fallocate(s.file_fd, 0, 4096)),
    "fchmod": Attempt(lambda s: os.fchmod(s.file_fd, 0o600)),
    "move in standard input": Attempt(lambda _: os.lseek(0, 0, os.SEEK_CUR), (DONE, "ESPIPE")),
    "fsetxattr": Attempt(lambda s: os.setxattr(s.file_fd, "user.b", b"pixels"), _NO_XATTR),
    "sendfile": Attempt(lambda s: os.sendfile(s.file_fd, s.file_fd, 0, 1), (DONE, "EINVAL")),
    "copy_file_range": Attempt(
        lambda s: os.copy_file_range(s.file_fd, s.file_fd, 1, 0, 2048), (DONE, "EINVAL")
    ),
    "splice": Attempt(_bare("splice", -1, 0, -1, 0, 1, 0), ("EBADF",)),
    "tee": Attempt(_bare("tee", -1, -1, 1, 0), ("EBADF",)),
    "vmsplice": Attempt(_bare("vmsplice", -1, 0, 0, 0), ("EBADF",)),
    "dup": Attempt(lambda s: os.close(os.dup(s.file_fd))),
    "ioctl": Attempt(lambda s: call("ioctl", s.file_fd, 0x541B, s.page)),  # FIONREAD
    "a long message": Attempt(lambda _: os.write(2, b" " * (MESSAGE_BYTES + 1))),
    "map shared and writable": Attempt(
        _mapping(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, of_file=True)
    ),
    "map shared": Attempt(_mapping(mmap.PROT_READ, mmap.MAP_SHARED, of_file=True)),
    "map executable": Attempt(
        _mapping(mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, of_file=True),
        (DONE, "EPERM"),  # the folder may be mounted noexec
    ),
}
MEMORY = {
    "memfd_create": Attempt(_closed("memfd_create", b"x\0", 0)),
    "shmget": Attempt(_system_v),
    "shm_open": Attempt(_shared_memory),
    "mq_open": Attempt(_bare("mq_open", 0, 0, 0, 0), ("EFAULT",)),
    "map new code": Attempt(
        _mapping(mmap.PROT_EXEC, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, of_file=False)
    ),
    "turn memory into code": Attempt(_executable),
    "userfaultfd": Attempt(_closed("userfaultfd", 1), (DONE, "ENOSYS")),
}
PROCESSES = {
    "execve": Attempt(_bare("execve", b"/nowhere\0", 0, 0), ("ENOENT",)),
    "execveat": Attempt(_bare("execveat", -1, b"x\0", 0, 0, 0), ("EBADF",)),
    "fork": Attempt(_fork),
    "vfork": Attempt(_spawn),
    "clone a process": Attempt(_clone),
    "clone3": Attempt(_bare("clone3", 0, 0), ("EINVAL",), refused=errno.ENOSYS),
    "kill": Attempt(lambda s: os.kill(s.other_pid, 0)),
    "tgkill": Attempt(lambda s: call("tgkill", s.other_pid, s.other_pid, 0)),
    "ptrace": Attempt(lambda s: call("ptrace", 2, s.other_pid, 0, 0), ("ESRCH",)),  # PEEKDATA
    "process_vm_readv": Attempt(_memory_of_other("process_vm_readv"), ("EFAULT",), root=True),
    "process_vm_writev": Attempt(_memory_of_other("process_vm_writev"), ("EFAULT",), root=True),
    "pidfd_open": Attempt(lambda s: os.close(call("pidfd_open", s.other_pid, 0))),
    "pidfd_getfd": Attempt(_bare("pidfd_getfd", -1, 0, 0), ("EBADF",)),
    "pidfd_send_signal": Attempt(_bare("pidfd_send_signal", -1, 0, 0, 0), ("EBADF",)),
    "setuid": Attempt(lambda _: os.setuid(os.getuid())),
    "be dumpable again": Attempt(lambda _: process_control(4, 1)),
    "set a limit": Attempt(_limit),
}
KERNEL = {
    "unshare": Attempt(_bare("unshare", 0x10000000), ("EINVAL",)),  # new user: not with threads
    "setns": Attempt(_set_own_namespace, root=True),
    "io_uring_setup": Attempt(_ring, (DONE, "ENOSYS"), root=True),
    "bpf": Attempt(_bare("bpf", 0, 0, 0), ("EFAULT", "EINVAL"), root=True),
    "perf_event_open": Attempt(_bare("perf_event_open", 0, 0, -1, -1, 0), ("EFAULT", "ENOSYS")),
    "add_key": Attempt(_bare("add_key", b"user\0", b"x\0", b"y", 1, -2)),
    "keyctl": Attempt(_bare("keyctl", 0, -3, 0), (DONE, "ENOKEY")),
    "mount": Attempt(
        lambda s: call("mount", b"x\0", os.fsencode(s.folder) + b"\0", b"nosuch\0", 0, 0),
        ("ENODEV",),
        root=True,
    ),
    "chroot": Attempt(lambda _: os.chroot("/"), root=True),
    "inotify": Attempt(_closed("inotify_init1", 0)),
    "prctl with a long number": Attempt(_bare("prctl", (1 << 32) | 4, 1, 0, 0, 0)),
    "personality": Attempt(_bare("personality", 0xFFFFFFFF)),
}
SIGNS = {  # what another process of the machine could read or feel
    "name a thread": Attempt(_bare("prctl", 15, b"pixels\0", 0, 0, 0)),
    "wake by a shared lock": Attempt(lambda s: call("futex", s.page, 1, 1)),
    "wake by a shared lock's bits": Attempt(lambda s: call("futex", s.page, 10, 1, 0, 0, 1)),
    "requeue by a shared lock": Attempt(lambda s: call("futex", s.page, 3, 1, 1, s.page + 64, 0)),
}
DISCLOSED = {  # not refused, and said so in docs/limitations.md
    "size and times of a file by its path": Attempt(_stat_beside_a_descriptor),
}
ATTEMPTS = {**SOCKETS, **FILES, **OPEN_FILES, **MEMORY, **PROCESSES, **KERNEL, **SIGNS}
EVERYTHING = {**ATTEMPTS, **DISCLOSED}
