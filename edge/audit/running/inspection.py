"""Part A in its order: find the device's processes, read them, judge them."""

from __future__ import annotations

import grp
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.appliance import policy_for
from edge.audit.finding import Finding, Part, Status, Words, unseen
from edge.audit.kernel.probing import calls_refused, files_refused, filter_read, policy_of
from edge.audit.running import rights
from edge.audit.running.changed import PLACES, changed_files
from edge.audit.running.configuration import site_unchanged
from edge.audit.running.descriptors import Expected, descriptors
from edge.audit.running.environment import environment_now, switches
from edge.audit.running.exposure import UNITS, exposure
from edge.audit.running.find import find_processes, held_by_others
from edge.audit.running.holders import RECORDS, STREAM, camera_holders, pipe_ends
from edge.audit.running.lasting import ROUND_S, Look, again, worst_of
from edge.audit.running.ledger import ledger
from edge.audit.running.loaded import loaded_files
from edge.audit.running.memory import libraries, shared_and_code
from edge.audit.running.models import model_file
from edge.audit.running.names import addresses_of, name_servers
from edge.audit.running.reading import PROC, read_descriptors
from edge.audit.running.socket_tables import read_sockets
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.values import Process, Role
from edge.audit.running.watching import watch
from edge.ledger.manifest import models_folder
from edge.relay.address import parse_address
from edge.relay.errors import RelayInputError
from firmware_cfg.site import Site

A = Part.RUNNING
_OUTPUTS = (
    *("--out", "--people-out", "--summary-out", "--tracks-out", "--detections-out"),
    "--times-out",
)
_CAMERA_POLICIES = ("camera", "libcamera")
_HOW = Words(
    "Looked for the device's processes by their command lines in /proc: vision (the camera "
    "process), edge, and for a network camera relay, started with the audited site file.",
    "在 /proc 中按命令行查找设备的进程：vision（摄像头进程）、edge，以及网络摄像头的 relay，"
    "且以被审计的站点文件启动。",
)


_STARTED = Words(
    "No device ran, so the audit started one on the canary film, with the same software and "
    "ordinary settings. Part A is about that one; it says nothing of a device in a shop. A site "
    "file whose hash stands in this report was not in force in it.",
    "没有运行中的设备，因此审计以金丝雀影片启动了一台，软件相同，设置为通常设置。"
    "A 部分只关乎这一台，不说明门店中的任何设备。"
    "报告中若列有站点文件的哈希，该文件并未在其中生效。",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A running device, and what its site file lets it do.

    Attributes:
        path, site: the site file, and what it says.
        processes: vision, edge and relay, as far as they run.
    """

    path: Path
    site: Site
    processes: tuple[Process, ...]

    def of(self, role: Role) -> tuple[Process, ...]:
        """Its processes of a role."""
        return tuple(one for one in self.processes if one.role is role)


@dataclass(frozen=True, slots=True)
class Watching:
    """How long Part A looks.

    Attributes:
        watch_s: at vision's calls, with strace; 0: not at all.
        hours: again and again at what is open, shared and connected, and at the calls; 0: once.
        round_s: from one look to the next.
    """

    watch_s: float
    hours: float = 0.0
    round_s: float = ROUND_S


def inspect(
    path: Path, site: Site, watching: Watching, units: Path = UNITS, *, started: bool = False
) -> tuple[Finding, ...]:
    """Everything of Part A.

    Args:
        path: the site file.
        site: what it says.
        watching: how long to look.
        units: folder of the installed systemd units.
        started: no device ran, and the audit started this one.
    """
    device = Device(path, site, find_processes(path))
    if not device.of(Role.VISION) or not device.of(Role.EDGE):
        there = ", ".join(f"{one.role}: process {one.pid}" for one in device.processes)
        return (not_started(f"{path}: {there or 'no process'}"), exposure(units))
    found = tuple(_findings(device, watching.watch_s, units, started=started))
    if watching.hours <= 0:
        return found

    def look() -> Look:
        return _look(Device(path, site, find_processes(path)), watching.watch_s)

    looks = again(look, watching.hours * 3600, round_s=watching.round_s)
    return worst_of(found, looks, watching.hours)


def _look(device: Device, watch_s: float) -> Look:
    """What comes and goes, once more."""
    there = ", ".join(f"{one.role} {one.pid}" for one in device.processes)
    if not device.of(Role.VISION) or not device.of(Role.EDGE):
        return Look((), there or "none")
    found = [one for process in device.processes for one in _holdings(device, process)]
    found += _watched(device, watch_s)
    others = held_by_others({one.pid for one in device.processes})
    found.append(pipe_ends(RECORDS, device.processes, others, device.of(Role.VISION)[0].parent))
    return Look(tuple(found), there)


def _watched(device: Device, watch_s: float) -> Iterator[Finding]:
    vision = device.of(Role.VISION)[0]
    if watch_s > 0:
        yield watch(vision, watch_s, camera=_drives_camera(vision))


def not_started(evidence: str) -> Finding:
    """Part A, where no device runs and none could be started."""
    why = Words(
        "No device runs on this machine, and none could be started on the canary film, so "
        "nothing of Part A could be looked at.",
        "本机没有运行中的设备，也无法以金丝雀影片启动一台，因此 A 部分无从检查。",
    )
    return unseen("device.running", A, _HOW, why, (evidence,))


def _findings(device: Device, watch_s: float, units: Path, *, started: bool) -> Iterator[Finding]:
    processes = device.processes
    evidence = tuple(
        f"{one.role}: process {one.pid}, {len(one.threads)} threads, "
        f"{one.unit or 'started by hand'}: {' '.join(one.arguments)}"
        for one in processes
    )
    by_hand = not all(rights.by_units(one) for one in processes)
    found = Words(
        f"{len(processes)} processes, started {'by hand' if by_hand else 'by systemd units'}.",
        f"共 {len(processes)} 个进程，{'由人工启动' if by_hand else '由 systemd 单元启动'}。",
    )
    if started:
        yield unseen("device.running", A, _HOW, _STARTED, evidence)
    else:
        yield Finding("device.running", A, Status.HOLDS, _HOW, found, evidence)
    yield _same_installation(processes)
    for process in processes:
        yield from _rights(process, processes)
        yield from _holdings(device, process)
        yield from _probes(device, process)
    vision = device.of(Role.VISION)[0]
    others = held_by_others({one.pid for one in processes})
    yield pipe_ends(RECORDS, processes, others, vision.parent)
    if device.of(Role.RELAY):
        yield pipe_ends(STREAM, processes, others, vision.parent)
    if _drives_camera(vision):
        yield camera_holders(processes, others)
    yield from _watched(device, watch_s)
    yield loaded_files(processes)
    name = vision.option("--model") or device.site.device.model
    named = vision.option("--models-dir")
    folder = models_folder() if named is None else Path(named)
    yield model_file(name, folder, vision.started_s)
    yield site_unchanged(device.path, min(one.started_s for one in processes))
    yield ledger(device.site)
    yield changed_files(processes, _folders(device), [Path(one) for one in PLACES])
    yield exposure(units)


def _rights(process: Process, processes: Sequence[Process]) -> Iterator[Finding]:
    others = [one for one in processes if one.pid != process.pid]
    groups = {one.gr_gid: one.gr_name for one in grp.getgrall()}
    yield rights.users(process, others, groups)
    yield rights.capabilities(process)
    yield rights.new_privileges(process)
    yield rights.seccomp(process)
    yield rights.dumpable(process)
    yield rights.core(process, (PROC / "sys/kernel/core_pattern").read_text("utf-8").strip())
    swaps = (PROC / "swaps").read_text("utf-8").splitlines()[1:]
    yield rights.swap(process, [line.split()[0] for line in swaps])
    if process.role is Role.VISION:
        yield rights.network(process, str((PROC / "self/ns/net").readlink()))


def _holdings(device: Device, process: Process) -> Iterator[Finding]:
    folders = _folders(device)
    yield descriptors(process, Expected(_video(process), _drives_camera(process), folders))
    yield sockets(process, read_sockets(process.pid), _reach(device, process))
    yield shared_and_code(process, folders, camera=_drives_camera(process))
    if process.role is not Role.VISION:
        yield libraries(process)
    yield switches(process, environment_now(process))


def _probes(device: Device, process: Process) -> Iterator[Finding]:
    yield _twice(lambda: calls_refused(process))
    places: tuple[Path, ...] = ()
    if process.role is not Role.VISION:
        video = _video(device.of(Role.VISION)[0])
        kept = video is None or any(video.is_relative_to(one) for one in _folders(device))
        places = () if video is None or kept else (video,)
    yield _twice(lambda: files_refused(process, places))
    policy = policy_for(device.site) if process.role is Role.EDGE else policy_of(process)
    yield _twice(lambda: filter_read(process, policy))


def _twice(look: Callable[[], Finding]) -> Finding:
    """Look once more where it could not be looked at: a thread that just ends cannot be asked."""
    found = look()
    return look() if found.status is Status.NOT_CHECKED else found


def _same_installation(processes: Sequence[Process]) -> Finding:
    """The device runs by the interpreter whose packages this report hashes."""
    how = Words(
        "The interpreter on each process's command line against the one that runs this audit: "
        "the hashes in this report are those of its packages.",
        "将各进程命令行中的解释器与运行本审计的解释器比较：报告中的哈希属于后者的软件包。",
    )
    ours = Path(sys.executable)
    evidence = [f"audit: {ours}", *(f"{one.role}: {one.arguments[0]}" for one in processes)]
    if any(Path(one.arguments[0]) != ours for one in processes):
        why = Words(
            "Another installation than the device's runs the audit; its hashes say nothing of "
            "the device. Start the audit from the device's own installation.",
            "运行审计的安装与设备的不同，其哈希不能说明设备；请用设备自身的安装运行审计。",
        )
        return unseen("software.same_installation", A, how, why, evidence)
    found = Words("The same interpreter runs both.", "两者由同一解释器运行。")
    return Finding("software.same_installation", A, Status.HOLDS, how, found, tuple(evidence))


def _drives_camera(process: Process) -> bool:
    return process.role is Role.VISION and policy_of(process).name in _CAMERA_POLICIES


def _video(process: Process) -> Path | None:
    """The video file that vision reads; None: a camera, or the relay's pipe."""
    source = process.option("--source")
    if process.role is not Role.VISION or source in (None, "stream") or _drives_camera(process):
        return None
    return (Path(process.folder or "/") / str(source)).resolve()


def _folders(device: Device) -> tuple[Path, ...]:
    """Where edge may keep files: its state, and the folders of row-level outputs."""
    found = [Path(device.site.device.state_dir)] if device.site.broker is not None else []
    for edge in device.of(Role.EDGE):
        found += [Path(one) for one in [edge.option("--key-dir")] if one is not None]
        named = [edge.option(option) for option in _OUTPUTS]  # a device such as /dev/null is none
        paths = [Path(edge.folder or "/") / one for one in named if one is not None and one != "-"]
        found += [one.resolve().parent for one in paths if one.is_file() or not one.exists()]
    return tuple(dict.fromkeys(found))


def _reach(device: Device, process: Process) -> Reach:
    broker, page = device.site.broker, device.site.page
    url = process.option("--url")
    camera = None
    if url is not None:
        try:
            address = parse_address(url)
            camera = (address.host, address.port)
        except RelayInputError:
            camera = None
    named = {Role.EDGE: broker and broker.host, Role.RELAY: camera and camera[0]}
    host = named.get(process.role)
    above = read_descriptors(process.parent) or ()
    return Reach(
        None if broker is None else (broker.host, broker.port),
        None if page is None else page.port,
        camera,
        {host: addresses_of(host)} if host else {},
        name_servers(process.pid),
        frozenset(one.socket for one in above if one.socket is not None),
    )
