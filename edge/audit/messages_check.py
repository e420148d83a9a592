"""What the bytes that were published say, held to the rules of privacy: a reader of its own.

| check | what must hold of every message |
|---|---|
| `messages.schema` | it is the closed schema's, byte for byte: nothing is added or hidden |
| `messages.k` | each cell has k visits, k is the device's own or more, nothing of a small team |
| `messages.cells` | cells of one point do not overlap or change; a store's week is a sum of them |
| `messages.constant` | window messages and heartbeats have one size, and say nothing of the scene |
| `messages.retained` | nothing but the device's state and configuration stays with the broker |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import firmware_cfg
from edge.audit.canary.listener import Published
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.store_weeks import store_weeks
from firmware_cfg.codec import decode, encode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Cell, Health, Message, Reported, State, Window
from firmware_cfg.topics import Kind, parse_topic

_MODELS: dict[Kind, type[Message]] = {
    Kind.WINDOW: Window,
    Kind.HEALTH: Health,
    Kind.STATE: State,
    Kind.REPORTED: Reported,
}
_RETAINED = (Kind.STATE, Kind.REPORTED)
_SMALLEST_TEAM = 3
_LATE_S = 30  # a machine at its limit is late, too
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """What the device was told at its own keyboard.

    Attributes:
        device: its id.
        k: smallest number of visits in a cell.
        window_s: window's length.
        team_size: people at the counters; None: not declared.
        points: every point of the site.
        model: the person detector's name.
    """

    device: str
    k: int
    window_s: int
    team_size: int | None
    points: frozenset[str]
    model: str


@dataclass(frozen=True, slots=True)
class Read:
    """A message that was read.

    Attributes:
        published: as it came.
        kind: of its topic.
        message: what it says.
    """

    published: Published
    kind: Kind
    message: Message


def check_messages(
    messages: Sequence[Published], terms: Terms, part: Part = Part.CANARY
) -> tuple[Finding, ...]:
    """Every check of the table above."""
    read, problems = _read(messages, terms)
    found = [_finding("messages.schema", part, problems, len(messages))]
    for check, look in _CHECKS.items():
        count = len(list(_cells(read))) if check in _OF_CELLS else len(read)
        found.append(_finding(check, part, list(look(read, terms)), count))
    return tuple(found)


def _read(messages: Sequence[Published], terms: Terms) -> tuple[list[Read], list[str]]:
    read, problems = [], []
    for number, one in enumerate(messages, 1):
        where = f"message {number}, {one.topic[:60]}"
        try:
            device, kind = parse_topic(one.topic)
            model = _MODELS.get(kind)
            if model is None or device != terms.device:
                raise MessageError(f"expected an up topic of {terms.device}")  # noqa: TRY301
            message = decode(model, one.payload)
            if one.properties:
                problems.append(f"{where}: {len(one.properties)} bytes of MQTT properties")
            if encode(message, len(one.payload)) != one.payload:
                problems.append(f"{where}: not the one way to write it: bytes that say nothing")
            if getattr(message, "device", terms.device) != terms.device:
                problems.append(f"{where}: in the name of another device")
            read.append(Read(one, kind, message))
        except MessageError as error:
            problems.append(f"{where}: {error}")
    return read, problems


def _k(read: Sequence[Read], terms: Terms) -> Iterator[str]:
    for cell in _cells(read):
        where = f"cell of {cell.point}, {cell.start.isoformat()} {cell.level}"
        if cell.visits < terms.k or cell.k < terms.k:
            yield f"{where}: {cell.visits} visits by k = {cell.k}, expected at least {terms.k}"
        if cell.kind != "store" and cell.point not in terms.points:
            yield f"{where}: expected a point of the site file"
        team = terms.team_size or 0
        if team < _SMALLEST_TEAM and cell.staff is not None:
            yield f"{where}: figures about a team of {terms.team_size}"
        if (cell.end - cell.start).total_seconds() < terms.window_s:
            yield f"{where}: expected a period of at least {terms.window_s} s"
    for one in read:
        if isinstance(one.message, Reported) and one.message.k < terms.k:
            yield f"reported: k = {one.message.k}, expected at least {terms.k}"


def _disjoint(read: Sequence[Read], _terms: Terms) -> Iterator[str]:
    told: dict[tuple[str, int], str] = {}
    cells: dict[str, list[Cell]] = {}
    for one in read:
        if not isinstance(one.message, Window):
            continue
        key = (one.message.epoch, one.message.sequence)
        digest = hashlib.sha256(one.published.payload).hexdigest()
        if told.setdefault(key, digest) != digest:
            yield f"message {key[1]} of epoch {key[0]}: comes again with other bytes"
        for cell in one.message.cells:
            yield from _against(cell, cells.setdefault(f"{cell.kind} {cell.point}", []))
    yield from store_weeks(cells.values())


def _against(cell: Cell, others: list[Cell]) -> Iterator[str]:
    """Hold a cell to those of its point that came before; it is added to them."""
    if cell in others:
        return  # sent again, as it was
    for other in others:
        if cell.start < other.end and other.start < cell.end:
            same = (cell.start, cell.end) == (other.start, other.end)
            what = "comes again with other figures" if same else "overlaps one of other bounds"
            yield (
                f"cell of {cell.point}, {cell.start.isoformat()} – {cell.end.isoformat()}: {what},"
                f" {other.visits} and {cell.visits} visits: the difference is a cell of its own"
            )
    others.append(cell)


def _constant(read: Sequence[Read], terms: Terms) -> Iterator[str]:
    for kind in (Kind.WINDOW, Kind.HEALTH):
        sizes = {len(one.published.payload) for one in read if one.kind is kind}
        if len(sizes) > 1:
            yield f"{kind}: sizes of {sorted(sizes)} bytes, expected one"
    yield from _heartbeats(read, terms)
    for one in read:
        if isinstance(one.message, Window):
            length_s = (one.message.end - one.message.start).total_seconds()
            if length_s != terms.window_s or one.message.start.timestamp() % terms.window_s:
                yield f"window of {length_s:g} s from {one.message.start.isoformat()}: not a window"


def _heartbeats(read: Sequence[Read], terms: Terms) -> Iterator[str]:
    """What a heartbeat says that it could not say without looking at the scene."""
    said: dict[str, str] = {}
    begins: dict[str, float] = {}
    for one in read:
        if not isinstance(one.message, Health):
            continue
        fields = {
            "software": one.message.software,
            "model": one.message.model,
            "kernel_layers": ",".join(one.message.kernel_layers),
        }
        expected = {"software": firmware_cfg.__version__, "model": terms.model} | said
        for name, value in fields.items():
            if expected.get(name, value) != value:
                yield f"heartbeat: {name}: {value!r}, expected {expected[name]!r} always"
        said["kernel_layers"] = fields["kernel_layers"]
        came = datetime.fromtimestamp(one.published.at_s, UTC)
        began_s = one.published.at_s - one.message.uptime_s
        if abs(began_s - begins.setdefault(terms.device, began_s)) > _LATE_S:
            yield f"heartbeat: uptime_s: {one.message.uptime_s} does not go with the time"
        if abs((one.message.at - came).total_seconds()) > _LATE_S:
            yield f"heartbeat: at {one.message.at.isoformat()}, came {came.isoformat()}"


def _retained(read: Sequence[Read], _terms: Terms) -> Iterator[str]:
    for one in read:
        if one.published.retained and one.kind not in _RETAINED:
            yield f"{one.published.topic}: retained: it stays with the broker"


def _cells(read: Sequence[Read]) -> Iterator[Cell]:
    for one in read:
        if isinstance(one.message, Window):
            yield from one.message.cells


_CHECKS: dict[str, Callable[[Sequence[Read], Terms], Iterator[str]]] = {
    "messages.k": _k,
    "messages.cells": _disjoint,
    "messages.constant": _constant,
    "messages.retained": _retained,
}
_OF_CELLS = ("messages.k", "messages.cells")
_HOW = {
    "messages.schema": Words(
        "Every message that the device published was read by the published, closed schema and"
        " written again; the bytes must be the same.",
        "用公开的封闭格式读取设备发布的每条消息并重新写出，字节必须完全相同。",
    ),
    "messages.k": Words(
        "Every released cell was counted: at least k visits, by the device's own k, although a"
        " server asked for a smaller one during the run.",
        "逐一清点发布的每个单元：访问数不少于 k，且 k 以设备本身的设置为准"
        "（运行期间服务器曾要求更小的 k）。",
    ),
    "messages.cells": Words(
        "Every released cell was compared with every other one of its point: none may overlap"
        " or change; and each week of the whole store with its points' cells, of which it must be"
        " the sum: so that no difference of two is a hidden one.",
        "将每个单元与同一服务点的所有其他单元比较：不得重叠或更改；并将整店的每周数字与其各服务点的"
        "单元比较，必须等于其总和：因此任何两者之差都不会成为隐藏的单元。",
    ),
    "messages.constant": Words(
        "Sizes of messages, the bounds of windows, and of heartbeats the time, the running time,"
        " software, model and kernel layers were compared with what is known without any picture."
        " Free disk space, faults and the quality of the clock were read, but not measured anew.",
        "将消息长度、窗口边界，以及心跳中的时间、运行时长、软件、模型和内核层与无需画面即可知道的"
        "内容比较。可用磁盘空间、故障和时钟质量已读取，但未另行测量。",
    ),
    "messages.retained": Words(
        "Each message's retained flag was read: only state and configuration may stay.",
        "检查每条消息的保留标志：只有设备状态和配置可以留在代理服务器上。",
    ),
}


def _all(check: str, count: int) -> Words:
    if check in _OF_CELLS:
        return Words(f"It holds; released cells: {count}.", f"成立；发布的单元：{count}。")
    return Words(f"It holds for all {count} messages.", f"全部 {count} 条消息均符合。")


def _finding(check: str, part: Part, problems: Sequence[str], count: int) -> Finding:
    if not count:
        what = ("released cell", "单元") if check in _OF_CELLS else ("message", "消息")
        none = Words(
            f"The device published no {what[0]} that could be read.", f"没有可读取的{what[1]}。"
        )
        status = Status.FAILS if problems else Status.NOT_CHECKED
        return Finding(check, part, status, _HOW[check], none, tuple(problems[:_MOST_NAMED]))
    if not problems:
        good = _all(check, count)
        return Finding(check, part, Status.HOLDS, _HOW[check], good)
    bad = Words(f"Violations: {len(problems)}.", f"违反：{len(problems)} 处。")
    return Finding(check, part, Status.FAILS, _HOW[check], bad, tuple(problems[:_MOST_NAMED]))
