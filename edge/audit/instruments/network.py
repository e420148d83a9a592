"""A network and shared folders of one's own, where every packet and every file counts.

The network has one interface, `lo`, which every address in the world leads to: whatever a
library sends, to whomever, is delivered there, and a capture sees it. The folders that every
program may write to stand under an overlay: all that is written lands in a layer of its own.
Needs root; lasts until this process and its children end.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from firmware_cfg.confine.native import LIBC

SHARED_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - watched
_NEW_NETWORK, _NEW_MOUNTS = 0x40000000, 0x00020000
_EVERY_PROTOCOL = 0x0003  # ETH_P_ALL
_LOOK_S = 0.2
_PACKET_BYTES = 65536
_ROUTES = (
    "link set lo up",
    "addr add 192.0.2.1/32 dev lo",
    "route add local default dev lo",
    "-6 route add local default dev lo",
)


def lacks() -> str:
    """What is missing for `Alone`; empty if nothing is."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in ("ip", "mount") if shutil.which(name) is None]
    return f"needs {', '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Layer:
    """What was written to a shared folder since the overlay stands over it.

    Attributes:
        folder: the shared folder.
        descriptor: of the folder that holds the overlay's upper layer.
    """

    folder: Path
    descriptor: int

    def changed(self, ours: Path) -> set[str]:
        """What is new, changed or gone, without what lies in the folder `ours`."""
        upper = Path(f"/proc/self/fd/{self.descriptor}/upper")
        paths = (self.folder / one.relative_to(upper) for one in upper.rglob("*"))
        return {
            str(path)
            for path in paths
            if not path.is_relative_to(ours) and not ours.is_relative_to(path)
        }


def go_alone(work: Path) -> tuple[Layer, ...]:
    """Move this process into a network and shared folders of its own.

    Args:
        work: a folder to mount layers in.

    Raises:
        OSError, subprocess.CalledProcessError: the kernel refuses.
    """
    if LIBC.unshare(_NEW_NETWORK | _NEW_MOUNTS):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    for line in _ROUTES:
        # a kernel without IPv6 has nothing to lead there
        _system("ip", *line.split(), must="-6" not in line)
    _system("mount", "--make-rprivate", "/")
    return tuple(_cover(folder, work) for folder in SHARED_FOLDERS if folder.is_dir())


def _cover(folder: Path, work: Path) -> Layer:
    """Put an overlay over `folder`; its upper layer is in memory, and open to this process."""
    place = work / folder.name
    place.mkdir(exist_ok=True)
    _system("mount", "-t", "tmpfs", "tmpfs", str(place))
    for name in ("upper", "work"):
        (place / name).mkdir()
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    layers = f"lowerdir={folder},upperdir={place}/upper,workdir={place}/work"
    _system("mount", "-t", "overlay", "overlay", "-o", layers, str(folder))
    return Layer(folder, descriptor)


def _system(program: str, *arguments: str, must: bool = True) -> None:
    """Run one of the system's own programs; with `must`, it must succeed."""
    path = shutil.which(program) or program
    errors = None if must else subprocess.DEVNULL
    subprocess.run([path, *arguments], check=must, stderr=errors)  # noqa: S603 - fixed words


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as it came by.

    Attributes:
        at_s: when, seconds since the epoch.
        data: all of it, with its headers.
    """

    at_s: float
    data: bytes


class Capture:
    """Every packet on every interface, in and out, from the beginning on.

    Attributes:
        packets: in the order of their coming; on `lo` each comes twice, out and in.
    """

    def __init__(self) -> None:
        """Begin; needs root, and a network of its own to mean anything."""
        protocol = socket.htons(_EVERY_PROTOCOL)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, protocol)
        self._socket.settimeout(_LOOK_S)
        self.packets: list[Packet] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def inode(self) -> str:
        """As the socket tables name this capture's own socket."""
        return f"packet {os.fstat(self._socket.fileno()).st_ino}"

    def end(self) -> int:
        """Stop; the number of packets that there were."""
        self._ended.set()
        self._thread.join()
        self._socket.close()
        return len(self.packets)

    def _run(self) -> None:
        while True:
            try:
                data = self._socket.recv(_PACKET_BYTES)
            except TimeoutError:
                if self._ended.is_set():
                    return
            else:
                self.packets.append(Packet(time.time(), data))
