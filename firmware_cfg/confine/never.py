"""What no process of ours may call from its exec on, imports included.

A list of refusals, laid on before the program begins; the policy's list of permissions
follows once everything is open. It covers what Landlock does not see, and for `vision`
every socket, so that no library can make one while it is being loaded.
"""

from __future__ import annotations

import socket

from firmware_cfg.confine.calls import X86
from firmware_cfg.confine.policy import Call, any_of, masked

_CLONE_THREAD = 0x10000
_REASONS = {
    "it runs and changes other processes": (
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "pidfd_open",
        "pidfd_getfd",
        "pidfd_send_signal",
        "kcmp",
        "process_madvise",
    ),
    "it makes calls that no filter sees": (
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
    ),
    "it reaches into the kernel": (
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "add_key",
        "request_key",
        "keyctl",
        "init_module",
        "finit_module",
        "delete_module",
        "kexec_load",
        "fanotify_init",
        "quotactl",
        "syslog",
    ),
    "it changes what the world looks like": (
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "fsopen",
        "fsmount",
        "move_mount",
        "open_tree",
        "mount_setattr",
        "swapon",
        "sethostname",
        "setdomainname",
        "personality",
    ),
    "it keeps data outside files": (
        "memfd_create",
        "memfd_secret",
        "shmget",
        "shmat",
        "shmctl",
        "msgget",
        "msgsnd",
        "semget",
        "semop",
        "mq_open",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "removexattr",
        "lremovexattr",
        "fremovexattr",
        "setxattrat",
        "removexattrat",
    ),
    "Landlock does not see it": (
        "fchmodat",
        "fchmodat2",
        "fchownat",
        "file_setattr",
        "utimensat",
        "name_to_handle_at",
        "open_by_handle_at",
        "vmsplice",
        "tee",
    ),
}
_ON_X86 = {
    "it makes a process": ("fork", "vfork"),
    "Landlock does not see it": ("chmod", "chown", "lchown", "utime", "utimes", "futimesat"),
    "it reaches into the kernel": ("ioperm", "iopl", "modify_ldt", "uselib"),
}
FOR_ALL = (
    *(Call(name, reason) for reason, names in _REASONS.items() for name in names),
    *(Call(name, reason, only=X86) for reason, names in _ON_X86.items() for name in names),
    Call("clone", "it makes a process", ((masked(0, _CLONE_THREAD, 0),),)),
)
NO_SOCKETS = (
    Call("socket", "no library phones home"),
    Call("socketpair", "no library phones home"),
    Call("connect", "no library phones home"),
    Call("bind", "no library phones home"),
    Call("listen", "no library phones home"),
)
NO_MARKS = (
    Call("fchmod", "a mode is a place to keep data"),
    Call("fchown", "an owner is a place to keep data"),
)
_USUAL = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
INTERNET_ONLY = (
    Call(
        "socket",
        "neither raw packets nor the kernel's own families",
        any_of(0, tuple(family for family in range(64) if family not in _USUAL)),
    ),
)
