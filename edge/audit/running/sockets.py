"""Each process's sockets, by the kernel's tables: none, or exactly those it is for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
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
        page_port: the local page's; 0: any, None: no page.
        camera: address and port of a network camera; for the relay.
    """

    broker: tuple[str, int] | None = None
    page_port: int | None = None
    camera: tuple[str, int] | None = None


def sockets(process: Process, table: Mapping[int, Socket], reach: Reach) -> Finding:
    """Every socket of the process is one that it is for."""
    check = f"{process.role}.sockets"
    how = Words(
        "Every socket among the descriptors, found by its inode in the kernel's tables of its "
        f"network (/proc/PID/net). {process.role} may have: {_MAY[process.role].en}.",
        "按 inode 在其网络的内核表（/proc/PID/net）中查找描述符里的每个套接字。"
        f"{process.role} 只可有：{_MAY[process.role].zh}。",
    )
    if process.descriptors is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    problems, evidence = [], []
    brokers: set[int] = set()  # by inode: one connection may have two descriptors
    for one in process.descriptors:
        if one.socket is None:
            continue
        found = table.get(one.socket)
        line = f"{one.number}: {found.line() if found else one.target + ' of an unknown family'}"
        said = _judge(process.role, one.number, found, reach)
        if said == "" and found is not None and _to_broker(found, reach):
            brokers.add(one.socket)
        if said:
            problems.append(f"{line}: {said}")
        else:
            evidence.append(line)
    if len(brokers) > 1:
        problems.append(f"expected one connection to the broker, found {len(brokers)}")
    count = len(evidence)
    holds = Words("It has no socket.", "它没有任何套接字。")
    if count:
        holds = Words(
            f"{count} socket{'s' if count != 1 else ''}, each of them one that it may have.",
            f"共 {count} 个套接字，每个都属于它可有的。",
        )
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def _judge(role: Role, number: int, found: Socket | None, reach: Reach) -> str:
    """What is wrong with a socket; empty: nothing."""
    if found is None:
        return "in none of the kernel's tables"
    if number in STANDARD and found.table == "unix":
        return ""  # the journal takes messages
    match role:
        case Role.VISION:
            return "vision has no socket"
        case Role.EDGE:
            return _edge(found, reach)
        case Role.RELAY:
            fine = found.table.startswith("tcp") and _is_remote(found, reach.camera)
            return "" if fine else "not the camera's connection"


def _edge(found: Socket, reach: Reach) -> str:
    if found.table == "unix":
        named = found.path and not found.path.startswith(JOURNAL)
        return "a local socket with a name" if named else ""
    if found.table.startswith("udp"):
        return "" if found.remote[1] == NAME_SERVICE_PORT else "not the name service"
    if not found.table.startswith("tcp"):
        return "of a family that it has no use for"
    if found.state == LISTENS:
        return _page(found, reach)
    fine = _to_broker(found, reach) or _visitor(found, reach)
    return "" if fine else "neither the broker nor a visitor of the page on this machine"


def _visitor(found: Socket, reach: Reach) -> bool:
    """Whether it is a connection of the page's, within this machine."""
    to_page = reach.page_port is not None and reach.page_port in (0, found.local[1])
    return to_page and _local(found.local[0]) and _local(found.remote[0])


def _page(found: Socket, reach: Reach) -> str:
    if reach.page_port is None:
        return "listens, though the site file has no page"
    if reach.page_port not in (0, found.local[1]):
        return f"listens on another port than the page's, {reach.page_port}"
    return "" if _local(found.local[0]) else "listens beyond this machine"


def _to_broker(found: Socket, reach: Reach) -> bool:
    return found.table.startswith("tcp") and _is_remote(found, reach.broker)


def _is_remote(found: Socket, wanted: tuple[str, int] | None) -> bool:
    """Whether a socket goes to a host and port; a name is held against its port alone."""
    if wanted is None or found.state == LISTENS or found.remote[1] != wanted[1]:
        return False
    try:
        return str(ipaddress.ip_address(wanted[0])) == found.remote[0]
    except ValueError:
        return True


def _local(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


_MAY = {
    Role.VISION: Words(
        "none (its standard error may be the journal's local socket)",
        "没有任何套接字（其标准错误可以是系统日志的本地套接字）",
    ),
    Role.EDGE: Words(
        "one connection to the broker of the site file, its page on this machine alone, name "
        "look-ups, and pairs that lead back to itself",
        "一条通往站点文件所列消息代理的连接、仅限本机的页面、名称查询，以及通回自身的套接字对",
    ),
    Role.RELAY: Words("one connection to the camera", "一条通往摄像头的连接"),
}
