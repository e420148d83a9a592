"""What leaves this device, in a sentence for the page, in both languages."""

from __future__ import annotations

from edge.page.snapshot import Words

SILENT = Words("no broker: nothing is published", "未设置服务器：不发布任何数据")


def link_words(*, connected: bool, detail: str, pending: int) -> Words:
    """The publisher's state; `detail` says where, and what is wrong."""
    if connected:
        return Words(f"{detail}, {pending} messages waiting", f"已连接，{pending} 条消息待确认")
    return Words(
        f"not connected: {detail}, {pending} messages waiting",
        f"未连接（{detail}），{pending} 条消息待发送",
    )


def released_words(k: int) -> Words:
    """The threshold in force."""
    return Words(
        f"Nothing is published of fewer than {k} parties; figures leave with their window.",
        f"少于 {k} 组的数据不会发布；达到后随时间窗消息一并发出。",
    )


def rate_words(frames_per_s: float) -> Words:
    """How often the device looks."""
    return Words(f"{frames_per_s:.0f} frames a second", f"每秒 {frames_per_s:.0f} 帧")
