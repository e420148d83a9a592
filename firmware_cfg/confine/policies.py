"""The policies: what each process of the device may do once it is closed.

| policy | process | may |
|---|---|---|
| `VISION` | the jail, from a file | read what is open, write its outputs |
| `STREAM` | the jail, from the relay's pipe | that, but ask nothing about files |
| `CAMERA` | the jail, with a Video4Linux camera | that, and drive the camera: "reduced" |
| `LIBCAMERA` | the jail, with the Raspberry Pi's camera | that, and libcamera's needs: "reduced" |
| `EDGE` | edge | its files under Landlock, the broker, its page, threads |
| `edge_for` | edge, without a broker or a page | that, without what the missing one needs |
| `RELAY` | the relay, connected | its one connection in, its one pipe out |
| `opening_for` | the jail, while it opens its source | what it may later, and open files to read |
"""

from __future__ import annotations

from dataclasses import replace

from firmware_cfg.confine import calls, never
from firmware_cfg.confine.policy import Call, Conditions, Policy, any_of, equal, masked

_BASE = (
    *calls.MEMORY,
    *calls.THREADS_OF_OLD,
    *calls.SIGNALS,
    *calls.TIME,
    *calls.READING,
)
_LIBRARIES_ASK = (
    "/etc/localtime",
    "/etc/os-release",
    "/etc/ssl/openssl.cnf",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/bus/pci/devices",
    "/sys/class/drm",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/usr/share/locale",
    "/usr/share/zoneinfo",
)
_RESOLVER = (
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/run/systemd/resolve",
)
_CERTIFICATES = ("/etc/ssl/certs", "/usr/share/ca-certificates", "/etc/pki/tls/certs")

# linux/videodev2.h, 64 bits: QUERYCAP, G_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF, STREAMON, STREAMOFF
_CAPTURE = (
    *(0x80685600, 0xC0D05604, 0xC0145608, 0xC0585609),
    *(0xC058560F, 0xC0585611, 0x40045612, 0x40045613),
)
_VIDEO = (masked(1, 0xFF00, ord("V") << 8),)  # every command of Video4Linux
_MEDIA = (masked(1, 0xFF00, ord("|") << 8),)  # media controller
_DMA = tuple((masked(1, 0xFF00, ord(letter) << 8),) for letter in "Hb")  # dma-heap, dma-buf
_COMMANDS: tuple[Conditions, ...] = (_VIDEO, _MEDIA, *_DMA)

VISION = Policy(
    "vision",
    calls=(*_BASE, *calls.NEW_THREADS, *calls.ALARM),
    never=(*never.FOR_ALL, *never.NO_SOCKETS, *never.NO_MARKS),
    packages=("vision", "firmware_cfg"),
    data=("encounter_models", "models"),
    reads=_LIBRARIES_ASK,
)
STREAM = replace(
    VISION, calls=tuple(call for call in VISION.calls if call.name not in ("newfstatat", "lseek"))
)
CAMERA = Policy(
    "camera",
    calls=(
        *VISION.calls,
        *calls.WAITING,
        *calls.MEMORY_SHARED[:1],
        Call("ioctl", "the camera's buffers come and go", any_of(1, _CAPTURE)),
    ),
    never=VISION.never,
    packages=VISION.packages,
    data=VISION.data,
    reads=VISION.reads,
    reduced=("commands to the camera's device", "memory shared with the camera's driver"),
)
LIBCAMERA = Policy(
    "libcamera",
    calls=(
        *CAMERA.calls,
        *calls.EVENTS[:6],
        Call("ioctl", "camera, media controller, buffers", _COMMANDS),
        Call("timerfd_settime", "libcamera's timers"),
        Call("fcntl", "buffers are handed on", ((equal(1, 1030),),)),  # F_DUPFD_CLOEXEC
    ),
    never=VISION.never,
    packages=VISION.packages,
    data=VISION.data,
    reads=(*VISION.reads, "/usr/share/libcamera", "/etc/libcamera", "/run/udev", "/sys/dev"),
    reduced=(*CAMERA.reduced, "libcamera's events and buffers; not yet proved"),
)
EDGE = Policy(
    "edge",
    calls=(
        *_BASE,
        *calls.MEMORY_SHARED,
        *calls.NEW_THREADS,
        *calls.ALARM,
        *calls.WAITING,
        *calls.EVENTS,
        *calls.FILES,
        *calls.FILES_WRITTEN,
        *calls.WHO,
        *calls.CLOCK,
        *calls.CONVERSING,
        *calls.CONNECTING,
        *calls.ACCEPTING,
    ),
    never=(*never.FOR_ALL, *never.INTERNET_ONLY),
    packages=("edge", "firmware_cfg"),
    data=VISION.data,  # the ledger names the model in use by its hash
    reads=(*_LIBRARIES_ASK, *_RESOLVER, *_CERTIFICATES),
    writes_freely=True,
)
RELAY = Policy(
    "relay",
    calls=(*_BASE, *calls.WAITING, *calls.CONVERSING),
    never=(*never.FOR_ALL, *never.INTERNET_ONLY),
    packages=("edge", "firmware_cfg"),
    reads=(*_LIBRARIES_ASK, *_RESOLVER),
    message_bytes=2048,  # the camera's address is part of it
)
POLICIES = {policy.name: policy for policy in (VISION, CAMERA, LIBCAMERA, EDGE, RELAY)}

_TO_OPEN: dict[str, tuple[Call, ...]] = {
    VISION.name: (),
    CAMERA.name: (*calls.OPENING_DEVICES, Call("ioctl", "the camera is set up", (_VIDEO,))),
    LIBCAMERA.name: (
        *calls.OPENING_DEVICES,
        *calls.EVENTS,
        *calls.WHO,
        Call("mmap", "picamera2 and libcamera's modules are loaded"),
        Call("mprotect", "the same"),
        Call("fcntl", "libcamera locks its devices"),
        Call("timerfd_create", "libcamera's timers"),
        Call("sched_setscheduler", "libcamera's threads"),
    ),
}


def opening_for(policy: Policy) -> Policy:
    """What `policy`, one of vision's, is before it is closed by: while its source is opened."""
    return replace(
        policy,
        name=f"{policy.name}-opening",
        calls=(*policy.calls, *calls.OPENING, *_TO_OPEN[policy.name]),
        writes_freely=policy is LIBCAMERA,  # to what wakes its own loop
    )


def edge_for(*, broker: bool, page: bool) -> Policy:
    """`EDGE`, of a site that has a broker, a page, both or neither.

    Without a broker it makes no socket and connects to none; without a page it takes no
    visitor. A page's listening socket is there before it closes.
    """
    of_either = {*calls.CONNECTING, *calls.ACCEPTING}
    of_both = tuple(call for call in EDGE.calls if call not in of_either)
    broker_calls = calls.CONNECTING if broker else ()
    page_calls = calls.ACCEPTING if page else ()
    return replace(EDGE, calls=(*of_both, *broker_calls, *page_calls))
