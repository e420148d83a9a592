"""Each process's sockets, by the kernel's tables: none, or exactly those it is for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.audit.finding import Finding, Part, Status, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.names import plain
from edge.audit.running.socket_tables import LISTENS, Socket
from edge.audit.running.values import Process, Role

A = Part.RUNNING
STANDARD = (1, 2)
NAME_SERVICE_PORT = 53
JOURNAL = ("/run/systemd/journal/", "/run/systemd/notify", "/dev/log")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a process may reach.

    Attributes:
        broker: host and port, as the site file has them; None: nothing is published.
        page_port: the local page's; 0: the one that it listens on, None: no page.
        camera: address and port of a network camera; for the relay.
        addresses: what their names stand for now, with an address for itself.
        name_servers: whom the process asks for names.
        launcher: inodes of the sockets that its launcher, or systemd, has open.
    """

    broker: tuple[str, int] | None = None
    page_port: int | None = None
    camera: tuple[str, int] | None = None
    addresses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    name_servers: frozenset[str] = frozenset()
    launcher: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of a socket: it may be there, or why not, or why that is not known."""

    status: Status = Status.HOLDS
    why: str = ""


_FINE = Said()


def sockets(process: Process, table: Mapping[int, Socket], reach: Reach) -> Finding:
    """Every socket of the process is one that it is for."""
    check = f"{process.role}.sockets"
    how = Words(
        "Every socket among the descriptors, found by its inode in the kernel's tables of its "
        "network (/proc/PID/net), and the other end of each local one, asked of the kernel "
        f"(NETLINK_SOCK_DIAG). {process.role} may have: {_MAY[process.role].en}.",
        "按 inode 在其网络的内核表（/proc/PID/net）中查找描述符里的每个套接字，"
        "并向内核（NETLINK_SOCK_DIAG）询问每个本地套接字的另一端。"
        f"{process.role} 只可有：{_MAY[process.role].zh}。",
    )
    if process.descriptors is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    reach = _with_page(process, table, reach)
    problems: list[str] = []
    doubts: list[str] = []
    evidence: list[str] = []
    brokers: set[int] = set()  # by inode: one connection may have two descriptors
    for one in process.descriptors:
        if one.socket is None:
            continue
        found = table.get(one.socket)
        line = f"{one.number}: {found.line() if found else one.target + ' of an unknown family'}"
        said = _judge(process, one.number, found, table, reach)
        if said.status is not Status.FAILS and found is not None and _at_port(found, reach.broker):
            brokers.add(one.socket)
        lines = {Status.FAILS: problems, Status.NOT_CHECKED: doubts}.get(said.status, evidence)
        lines.append(f"{line}: {said.why}" if said.why else line)
    if len(brokers) > 1:
        problems.append(f"expected one connection to the broker, found {len(brokers)}")
    if doubts and not problems:
        return unseen(check, A, how, _doubtful(doubts), (*doubts, *evidence))
    count = len(evidence)
    holds = Words("It has no socket.", "它没有任何套接字。")
    if count:
        holds = Words(
            f"{count} socket{'s' if count != 1 else ''}, each of them one that it may have.",
            f"共 {count} 个套接字，每个都属于它可有的。",
        )
    return judged(check, A, how, problems, holds=holds, evidence=(*doubts, *evidence))


def _doubtful(lines: Sequence[str]) -> Words:
    shown = "; ".join(lines)
    return Words(
        f"Whether these may be there could not be found out: {shown}.",
        f"无法确定以下套接字是否属于它可有的：{shown}。",
    )


def _with_page(process: Process, table: Mapping[int, Socket], reach: Reach) -> Reach:
    """`reach` with the port that the page took, where the site file leaves it open."""
    if reach.page_port != 0:
        return reach
    found = (table.get(one.socket) for one in process.descriptors or () if one.socket is not None)
    ports = {one.local[1] for one in found if one is not None and one.state == LISTENS}
    return replace(reach, page_port=min(ports)) if ports else reach


def _judge(
    process: Process, number: int, found: Socket | None, table: Mapping[int, Socket], reach: Reach
) -> Said:
    if found is None:
        return Said(Status.FAILS, "in none of the kernel's tables")
    if found.table == "unix" and (process.role is Role.EDGE or number in STANDARD):
        return _local_socket(process, found, table, reach)
    match process.role:
        case Role.VISION:
            return Said(Status.FAILS, "vision has no socket")
        case Role.EDGE:
            return _edge(found, reach)
        case Role.RELAY:
            return _remote(found, reach.camera, reach, "not the camera's connection")


def _local_socket(
    process: Process, found: Socket, table: Mapping[int, Socket], reach: Reach
) -> Said:
    """By its other end: edge's own, the launcher's or the journal's."""
    if found.path and not _of_system(found.path):
        return Said(Status.FAILS, "a local socket with a name")
    if found.peer is None:
        return Said(Status.NOT_CHECKED, "the kernel does not tell who is at its other end")
    own = {one.socket for one in process.descriptors or ()} if process.role is Role.EDGE else set()
    if found.peer in own or found.peer in reach.launcher:
        return _FINE
    end = table.get(found.peer) if found.peer else None
    if end is not None and _of_system(end.path):
        return _FINE
    where = "nobody yet, and so whomever it likes" if found.peer == 0 else "another process"
    shown = f" ({end.path})" if end is not None and end.path else ""
    return Said(Status.FAILS, f"leads to {where}{shown}")


def _of_system(path: str) -> bool:
    return path in JOURNAL or path.startswith(JOURNAL[0])


def _edge(found: Socket, reach: Reach) -> Said:
    if found.table.startswith("udp"):
        asks = found.remote[1] == NAME_SERVICE_PORT and found.remote[0] in reach.name_servers
        return _FINE if asks else Said(Status.FAILS, "not the name service")
    if not found.table.startswith("tcp"):
        return Said(Status.FAILS, "of a family that it has no use for")
    if found.state == LISTENS:
        return _page(found, reach)
    if _visitor(found, reach):
        return _FINE
    wrong = "neither the broker nor a visitor of the page on this machine"
    return _remote(found, reach.broker, reach, wrong)


def _visitor(found: Socket, reach: Reach) -> bool:
    """Whether it is a connection of the page's, within this machine."""
    to_page = found.local[1] == reach.page_port
    return to_page and _local(found.local[0]) and _local(found.remote[0])


def _page(found: Socket, reach: Reach) -> Said:
    if reach.page_port is None:
        return Said(Status.FAILS, "listens, though the site file has no page")
    if reach.page_port != found.local[1]:
        return Said(Status.FAILS, f"listens on another port than the page's, {reach.page_port}")
    return _FINE if _local(found.local[0]) else Said(Status.FAILS, "listens beyond this machine")


def _remote(found: Socket, wanted: tuple[str, int] | None, reach: Reach, wrong: str) -> Said:
    """Whether a socket goes to a host and port, by what the host's name stands for now."""
    if wanted is None or not _at_port(found, wanted):
        return Said(Status.FAILS, wrong)
    if found.remote[0] in (wanted[0], *reach.addresses.get(wanted[0], ())):
        return _FINE
    try:
        named = plain(wanted[0])
    except ValueError:
        now = ", ".join(sorted(reach.addresses.get(wanted[0], ()))) or "no address"
        why = f"{wanted[0]} stands for {now} now, and not for {found.remote[0]}"
        return Said(Status.NOT_CHECKED, why)
    return _FINE if named == found.remote[0] else Said(Status.FAILS, wrong)


def _at_port(found: Socket, wanted: tuple[str, int] | None) -> bool:
    """Whether a socket goes to somebody's port, whoever it is."""
    goes = found.table.startswith("tcp") and found.state != LISTENS
    return goes and wanted is not None and found.remote[1] == wanted[1]


def _local(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


_MAY = {
    Role.VISION: Words(
        "none (its standard error may be the journal's local socket)",
        "没有任何套接字（其标准错误可以是系统日志的本地套接字）",
    ),
    Role.EDGE: Words(
        "one connection to the broker of the site file, its page on this machine alone, name "
        "look-ups, and local ones whose other end is its own, its launcher's or the journal's",
        "一条通往站点文件所列消息代理的连接、仅限本机的页面、名称查询，"
        "以及另一端属于自身、其启动器或系统日志的本地套接字",
    ),
    Role.RELAY: Words("one connection to the camera", "一条通往摄像头的连接"),
}
