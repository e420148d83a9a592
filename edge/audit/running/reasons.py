"""Why something could not be looked at: sentences that several checks share."""

from __future__ import annotations

from edge.audit.finding import Words

NO_RIGHT = Words(
    "The kernel does not show this to the user who ran the audit; run it as root.",
    "内核不向运行审计的用户显示此项；请以 root 运行。",
)
CLOSED_TO_ROOT = Words(
    "They are closed even to root here, as in a container.",
    "此处它们连 root 也无法查看，例如在容器中。",
)
BY_LAUNCHER = Words(
    "Missing in this kind of start, and so not judged: the processes were started by hand "
    "(encounter-edge run, for development and demonstration). The systemd units of a device "
    "give each process a user of its own, and the camera process no network at all.",
    "此种启动方式缺少该项，故不作判断：各进程由人工启动（encounter-edge run，用于开发与演示）。"
    "设备上的 systemd 单元会为每个进程分配独立用户，并让摄像头进程完全没有网络。",
)
