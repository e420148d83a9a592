"""Every planted leak: what it is, which ordinary check must catch it, and by what trace."""

from __future__ import annotations

from edge.audit.finding import Words
from edge.audit.leaks.leak import Leak

PICTURES = (
    Leak(
        "frame-to-disk",
        Words(
            "A camera process writes a compressed picture to a file.",
            "摄像进程将压缩的画面写入文件。",
        ),
        "canary.search",
        "inflated",
    ),
    Leak(
        "frame-in-attribute",
        Words(
            "A camera process hides rows of a picture in an extended attribute of an empty file.",
            "摄像进程将画面的若干行藏入一个空文件的扩展属性。",
        ),
        "canary.search",
        "attribute user.icon",
    ),
    Leak(
        "socket",
        Words(
            "A camera process sends a packet to an address on the internet.",
            "摄像进程向互联网地址发送一个数据包。",
        ),
        "canary.wire",
        "198.51.100.7",
    ),
    Leak(
        "unix-socket",
        Words(
            "A camera process opens sockets of this machine (AF_UNIX) and writes to one.",
            "摄像进程打开本机套接字（AF_UNIX）并写入。",
        ),
        "canary.tables",
        "socket:[",
    ),
    Leak(
        "inherited-descriptor",
        Words(
            "A camera process writes a picture as hexadecimal text to the inherited descriptor of"
            " its messages.",
            "摄像进程把画面以十六进制文本写入继承的消息描述符。",
        ),
        "canary.search",
        "hexadecimal",
    ),
    Leak(
        "memfd",
        Words(
            "A camera process puts a picture into memory without a name that can be handed on.",
            "摄像进程将画面放入可转交他人的匿名内存（memfd）。",
        ),
        "canary.tables",
        "memfd:picture",
    ),
    Leak(
        "io-uring",
        Words(
            "A camera process sets up a ring (io_uring), by which files and sockets are used"
            " without system calls.",
            "摄像进程建立 io_uring，从而无需系统调用即可使用文件和套接字。",
        ),
        "canary.calls",
        "io_uring_setup",
    ),
    Leak(
        "record-low-bits",
        Words(
            "A camera process hides one bit of each picture in the last bit of a detection's"
            " score.",
            "摄像进程将每帧画面的一位藏入检测得分的最低位。",
        ),
        "canary.turns",
        "bit of the records",
    ),
)
THREADS = (
    Leak(
        "old-thread-file",
        Words(
            "A thread from before Landlock writes a picture to a file.",
            "在 Landlock 生效前启动的线程将画面写入文件。",
        ),
        "canary.files",
        "planted-by-old-thread",
    ),
    Leak(
        "old-thread-socket",
        Words(
            "A thread that a filter without TSYNC did not reach makes a socket.",
            "未设 TSYNC 的过滤器未覆盖的线程创建套接字。",
        ),
        "canary.calls",
        "socket: socket",
    ),
)
TELEMETRY = (
    Leak(
        "telemetry",
        Words(
            "The inference library's telemetry is left on.",
            "推理库的遥测功能未关闭。",
        ),
        "canary.files",
        "/home/.cache",
    ),
)
LATE = (
    Leak(
        "only-after-an-hour",
        Words(
            "A camera process behaves for an hour of capture time, and then writes a picture.",
            "摄像进程在采集时间的第一个小时内表现正常，之后写出画面。",
        ),
        "canary.search",
        "inflated",
    ),
)
MESSAGES = (
    Leak(
        "widened-schema",
        Words("A heartbeat has one field more.", "心跳消息多出一个字段。"),
        "messages.schema",
        "people",
    ),
    Leak(
        "rate-in-heartbeat",
        Words(
            "The frame rate stands in a heartbeat, in a field that is there for something else.",
            "帧率被写入心跳消息中另有用途的字段。",
        ),
        "messages.constant",
        "fps",
    ),
    Leak(
        "retained-live-state",
        Words(
            "A message about now is left with the broker (retained).",
            "关于当前状态的消息被留在代理服务器上（保留消息）。",
        ),
        "messages.retained",
        "retained",
    ),
    Leak(
        "frame-in-message",
        Words(
            "A strip of the picture stands in the padding of a window message.",
            "画面的一条被写入窗口消息的填充部分。",
        ),
        "canary.search",
        "window",
    ),
    Leak(
        "ungated-cell",
        Words("A cell of five visits is released.", "发布了仅含五次访问的单元。"),
        "messages.k",
        "cell of quiet",
    ),
    Leak(
        "revised-cell",
        Words(
            "A released cell is sent again with one visit more.",
            "已发布的单元以多一次访问再次发送。",
        ),
        "messages.cells",
        "other figures",
    ),
    Leak(
        "hidden-cell",
        Words(
            "A half-hour is released beside one of its quarter-hours: the difference is a cell of"
            " three visits.",
            "在发布某一刻钟的同时又发布其所在的半小时：两者之差即为仅三次访问的单元。",
        ),
        "messages.cells",
        "overlaps",
    ),
    Leak(
        "hidden-in-week",
        Words(
            "A week of the whole store is released with three visits more than its points' cells:"
            " the difference is a cell of three visits.",
            "发布的整店一周数字比其各服务点的单元之和多三次访问：两者之差即为仅三次访问的单元。",
        ),
        "messages.cells",
        "whole cells",
    ),
)
ALONE = (
    Leak(
        "unledgered-send",
        Words(
            "A heartbeat in good order is sent that is not in the ledger.",
            "发送了一条格式正确但未记入账本的心跳消息。",
        ),
        "canary.ledger",
        "unledgered",
    ),
    Leak(
        "lowered-k",
        Words(
            "A server lowers k from afar, and the device obeys.",
            "服务器远程降低 k，设备照办。",
        ),
        "messages.k",
        "k = 5",
    ),
)
LOGIN = (
    Leak(
        "password-in-log",
        Words(
            "A relay writes the camera's password into its log.", "中继进程将摄像机口令写入日志。"
        ),
        "canary.secrets",
        "standard output and error",
    ),
)
MODEL = Leak(
    "swapped-model",
    Words(
        "The person detector's file is exchanged for another one of the same name.",
        "人员检测模型文件被替换为同名的另一文件。",
    ),
    "vision.model",
    "",
)
DUMPABLE = Leak(
    "dumpable-after-exec",
    Words(
        "A process closes itself to others of its user and then runs another program, which opens"
        " it again.",
        "进程先对同一用户的其他进程关闭自身，随后执行另一程序而重新开放。",
    ),
    "canary.closed",
    "open",
)
ALTERED = Leak(
    "altered-ledger",
    Words(
        "An entry of the ledger is altered afterwards.",
        "账本中的一条记录事后被更改。",
    ),
    "canary.ledger",
    "altered",
)
FORKED = Leak(
    "forked-ledger",
    Words(
        "A card is set back to an older state, and the ledger goes on from there: two histories.",
        "存储卡被恢复到较早状态，账本由此继续，形成两段历史。",
    ),
    "canary.ledger",
    "forked",
)
