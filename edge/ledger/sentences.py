"""What an entry said, in one sentence of plain language, English and Chinese."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo

from edge.ledger.checkpoint import Checkpoint
from edge.ledger.entry import EntryKind
from edge.ledger.traffic import traffic_of
from edge.words import Words, listed
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Cell, Health, Reported, State, Window

NAMES = {
    EntryKind.WINDOW: Words("window message", "窗口消息"),
    EntryKind.HEALTH: Words("heartbeat", "心跳"),
    EntryKind.STATE: Words("state", "状态"),
    EntryKind.WILL: Words("last will", "遗嘱"),
    EntryKind.REPORTED: Words("configuration told", "上报配置"),
    EntryKind.BEGUN: Words("ledger begun", "账本开始"),
    EntryKind.CONFIGURATION: Words("configuration", "配置"),
    EntryKind.MODEL: Words("model", "模型"),
    EntryKind.PRIVACY: Words("privacy level", "隐私级别"),
    EntryKind.COMMISSIONING: Words("commissioning", "安装调试"),
    EntryKind.WISH: Words("server's wish", "服务器请求"),
    EntryKind.TRAFFIC: Words("connection", "连接"),
    EntryKind.CHECKPOINT: Words("checkpoint", "检查点"),
}
_KEYS = {
    "applied": "已执行",
    "asked": "请求",
    "broker": "代理",
    "device": "设备",
    "expectations_sha256": "期望值哈希",
    "geometry_sha256": "几何哈希",
    "k": "阈值 k",
    "live_state": "实时状态",
    "name": "名称",
    "other_protocols": "其他协议",
    "pattern_agreement": "模式统计协议",
    "refused": "已拒绝",
    "server_key": "服务器公钥",
    "sha256": "文件哈希",
    "site_sha256": "站点文件哈希",
    "software": "软件版本",
    "team_size": "团队人数",
    "timezone": "时区",
    "window_s": "窗口秒数",
    "without": "豁免的内核层",
}
_FAULTS = {"camera": "摄像头", "outbox": "发件箱", "clock": "时钟", "disk": "磁盘"}
_WHY = {
    "first_start": Words("first start", "首次启动"),
    "database_corrupt": Words(
        "the database before it was corrupt, and was kept aside", "此前的数据库已损坏，另行保留"
    ),
    "no_ledger_before": Words("messages from before it are entered now", "补记此前的消息"),
}


def name_of(kind: str) -> Words:
    """A kind of entry, in words."""
    return NAMES[EntryKind(kind)] if kind in set(EntryKind) else Words(kind, kind)


def said(kind: str, text: bytes | None, zone: tzinfo) -> Words:
    """What a text said.

    Args:
        kind: of its entry.
        text: None if it is not kept any more.
        zone: of the store, for times.
    """
    if text is None:
        return Words(
            "the message is no longer kept here; its size and hash are",
            "消息本身已不在此保存，仅存大小与哈希",
        )
    try:
        return _said(EntryKind(kind), text, zone)
    except (MessageError, ValueError, KeyError, TypeError):
        return Words("cannot be read by this version", "此版本无法读取")


def _said(kind: EntryKind, text: bytes, zone: tzinfo) -> Words:
    if kind is EntryKind.WINDOW:
        return _window(decode(Window, text), zone)
    reader = _READERS.get(kind)
    return _stated(json.loads(text)) if reader is None else reader(text)


def _window(window: Window, zone: tzinfo) -> Words:
    span = _span(window.start, window.end, zone)
    if not window.cells:
        return Words(f"{span}: nothing to report", f"{span}：无可报告内容")
    cells = listed([_cell(cell, zone) for cell in window.cells])
    return Words(f"{span}: ", f"{span}：") + cells


def _cell(cell: Cell, zone: tzinfo) -> Words:
    span = _span(cell.start, cell.end, zone)
    return Words(
        f"{cell.visits} visits at point {cell.point} over {span}",
        f"{cell.point} 处 {span} 共 {cell.visits} 次到访",
    )


def _health(text: bytes) -> Words:
    beat = decode(Health, text)
    if not beat.faults:
        return Words("alive, no fault", "运行正常，无故障")
    faults = "、".join(_FAULTS[fault] for fault in beat.faults)
    return Words(f"alive, faults: {', '.join(beat.faults)}", f"运行中，故障：{faults}")


def _will(text: bytes) -> Words:
    decode(State, text)
    return Words(
        "offline, to be said by the broker if this device is cut off",
        "离线（设备断线时由代理代为发布）",
    )


def _state(text: bytes) -> Words:
    state = decode(State, text)
    if state.online:
        return Words(f"online, software {state.software}", f"在线，软件 {state.software}")
    return Words("offline", "离线")


def _reported(text: bytes) -> Words:
    told = decode(Reported, text)
    points = ", ".join((*told.service_points, *(queue.id for queue in told.queues)))
    return Words(
        f"points {points}; k = {told.k}; windows of {told.window_s // 60} min",
        f"点位 {points}；k = {told.k}；窗口 {told.window_s // 60} 分钟",
    )


def _traffic(text: bytes) -> Words:
    one = traffic_of(text)
    en = f"{one.messages} messages, {one.payload_bytes:,} bytes of payload in {one.mqtt_bytes:,}"
    en += " of MQTT"
    zh = f"{one.messages} 条消息，载荷 {one.payload_bytes:,} 字节，MQTT 共 {one.mqtt_bytes:,} 字节"
    if one.kernel is None:
        return Words(f"{en}; the kernel does not count", f"{zh}；内核不提供计数")
    sent, received = one.kernel.sent_bytes, one.kernel.received_bytes
    return Words(
        f"{en}; the kernel sent {sent:,} bytes and received {received:,}",
        f"{zh}；内核发送 {sent:,} 字节，接收 {received:,} 字节",
    )


def _begun(text: bytes) -> Words:
    return _WHY[json.loads(text)["why"]]


def _checkpoint(text: bytes) -> Words:
    one = Checkpoint.of_text(text)
    count, newest = one.dropped.size, f"{datetime.fromtimestamp(one.newest, UTC):%Y-%m-%d}"
    en, zh = ("room was short", "空间不足") if one.for_room else ("they were old", "已到期")
    return Words(
        f"entries up to {count}, the newest of {newest}, were dropped: {en};"
        " the tree over them is kept",
        f"条目 {count} 及以前（最新为 {newest}）因{zh}已清除，其哈希树保留",
    )


_READERS = {
    EntryKind.HEALTH: _health,
    EntryKind.STATE: _state,
    EntryKind.WILL: _will,
    EntryKind.REPORTED: _reported,
    EntryKind.TRAFFIC: _traffic,
    EntryKind.BEGUN: _begun,
    EntryKind.CHECKPOINT: _checkpoint,
}


def _stated(stated: object) -> Words:
    """Of what happened on the device: the names and values, as they were recorded."""
    if not isinstance(stated, dict):
        raise TypeError("expected an object")
    parts = [
        Words(f"{key} ", f"{_KEYS.get(key, key)} ") + _value_words(value)
        for key, value in sorted(stated.items())
    ]
    return listed(parts)


def _value_words(value: object) -> Words:
    if isinstance(value, bool):
        return Words("yes", "是") if value else Words("no", "否")
    return Words(_value(value), _value(value))


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_value(one)}" for key, one in sorted(value.items())) or "-"
    if isinstance(value, str) and len(value) == 64:
        return f"{value[:16]}…"
    return "-" if value is None else str(value)


def _span(start: datetime, end: datetime, zone: tzinfo) -> str:
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.date() == last.date():
        return f"{first:%H:%M}-{last:%H:%M}"
    return f"{first:%Y-%m-%d %H:%M} - {last:%Y-%m-%d %H:%M}"
