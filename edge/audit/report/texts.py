"""The report's standing texts, in both languages."""

from __future__ import annotations

from edge.audit.finding import Part, Status, Words

TITLE = Words("Audit of an Encounter device", "Encounter 设备审计报告")
CLAIM = Words(
    "The device times visits at service counters from a camera. Its maker claims: no picture "
    "leaves the device's memory; the process that sees pictures has no network and can write "
    "nothing but numbers about boxes to one pipe; what leaves the device is figures over at "
    "least k visits. This report checks that claim on one device at one time, from what the "
    "Linux kernel and the emitted bytes show, not from what the product says of itself.",
    "该设备利用摄像头对服务柜台的到访计时。制造方声称：图像不会离开设备内存；"
    "看到图像的进程没有网络，"
    "只能向一条管道写入关于方框的数字；离开设备的只是至少 k 次到访的汇总数字。本报告在某一时刻、"
    "对一台设备核查这一声明，所依据的是 Linux 内核与所发出字节所显示的内容，而非产品的自述。",
)
STATUS = {
    Status.HOLDS: Words("holds", "成立"),
    Status.FAILS: Words("fails", "不成立"),
    Status.NOT_CHECKED: Words("not checked", "未检查"),
}
PARTS = {
    Part.RUNNING: Words("A. The running device", "A. 运行中的设备"),
    Part.CANARY: Words("B. A canary film, and all that came out", "B. 金丝雀影片及其全部输出"),
    Part.LEAKS: Words("C. Planted leaks, each to be caught", "C. 植入的泄漏，须逐一查出"),
}
PART_WORDS = {
    Part.RUNNING: Words(
        "Evidence from the kernel about the processes as they run now. “vision” is the process "
        "that sees pictures, “edge” times and publishes, “relay” (network cameras only) brings "
        "the camera's stream. Evidence is shown as the kernel and the tools gave it.",
        "内核对当前运行进程的证据。“vision”是看到图像的进程，“edge”负责计时与发布，"
        "“relay”（仅网络摄像头）传送摄像头的视频流。证据按内核与工具给出的原文（英文）列出。",
    ),
    Part.CANARY: Words(
        "A copy of the device, with the same software, is run on a film that nobody has seen "
        "before, and every byte that comes out is searched for it. Where the auditor gave a film "
        "of their own, the device is run on that one, too.",
        "让软件相同的一台设备副本处理一段前所未有的影片，并在其发出的每个字节中搜索该影片。"
        "审计者若自备影片，也用它运行设备。",
    ),
    Part.LEAKS: Words(
        "A check that never fails proves nothing. Here leaks are planted on purpose, and the "
        "same checks must find each of them. “Holds” means: this leak was caught.",
        "从不失败的检查证明不了什么。此处故意植入泄漏，须由同样的检查逐一发现。"
        "“成立”表示该泄漏已被查出。",
    ),
}
NOT_RUN = Words(
    "Parts of the audit that were not asked for, and so were not run:", "未要求、因而未运行的部分："
)
BETWEEN, STOP = Words("; ", "；"), Words(".", "。")
FAILING = Words("What fails", "不成立的项目")
NOT_CHECKED = Words("What was not checked", "未检查的项目")
NOT_CHECKED_WORDS = Words(
    "What could not be looked at, or is missing in this kind of start, and why. This report "
    "vouches for none of it.",
    "未能检查、或此种启动方式所缺的项目及原因。本报告对其不作任何保证。",
)
AT_A_GLANCE = Words("What was checked", "检查了什么")
APPENDIX = Words("Appendix: every check and its evidence", "附录：每项检查及其证据")
APPENDIX_WORDS = Words(
    "Each check in the order in which it was made: what was found, how it was looked for, and "
    "lines as the kernel or the bytes gave them. Long evidence is cut here, and whole in "
    "audit.json, which lies beside this page.",
    "按检查顺序列出：结果、方法，以及内核或字节所给出的原文。较长的证据此处截短，"
    "完整内容见同一文件夹中的 audit.json。",
)
OUTSIDE = Words("What this report does not cover", "本报告不涵盖的内容")
LIMITS = (
    Words(
        "Whoever has root (the administrator's rights) on the device can read its memory, "
        "replace its software and deceive this report, too: it was made on the device itself.",
        "拥有设备 root（管理员）权限者可以读取内存、替换软件，也可以欺骗本报告，"
        "因为报告就在设备上生成。",
    ),
    Words(
        "The camera itself, and its cable or network: a network camera may record or send on by "
        "itself, and its stream can be tapped before it reaches the device.",
        "摄像头本身及其线缆或网络：网络摄像头可能自行录制或转发，"
        "其视频流也可能在到达设备前被截取。",
    ),
    Words(
        "A stolen memory card: it holds what the device keeps (figures over at least k visits, "
        "keys, settings), no pictures.",
        "被盗的存储卡：其中有设备保存的内容（至少 k 次到访的汇总、密钥、设置），没有图像。",
    ),
    Words(
        "Whoever operates the message brokers and servers, and what they do with the figures.",
        "消息代理与服务器的运营者，以及他们如何使用这些数字。",
    ),
    Words(
        "Flaws of the Linux kernel and of the processor; signals by time, heat or power use to "
        "someone on the same machine.",
        "Linux 内核与处理器自身的缺陷；以及向同机他人通过时间、发热或耗电传递的信号。",
    ),
    Words(
        "Other times than that of this report, other devices, and whether the use of the device "
        "is lawful: purpose, notice to visitors and staff, agreements with staff.",
        "本报告时刻以外的情况、其他设备，以及设备的使用是否合法：目的、对访客与员工的告知、"
        "与员工的约定。",
    ),
    Words(
        "The figures are thresholded aggregates, over at least k visits. They are not claimed "
        "to be free of any relation to people.",
        "这些数字是设有阈值的汇总，至少涵盖 k 次到访；并不声称它们与人毫无关系。",
    ),
    Words(
        "Part B plays one window of 900 s without a team's size: cells that join several windows, "
        "and a store's weeks, do not occur in it.",
        "B 部分只播放一个 900 秒的窗口且未声明团队人数：不含由多个窗口合并的单元与门店周数据。",
    ),
)
BOUND = Words("What was audited, by its hashes", "被审计对象及其哈希")
BOUND_WORDS = Words(
    "The report is about exactly these bytes. SHA-256; docs/audit.md says how to work them out "
    "with the system's own tools.",
    "本报告仅针对以下字节。哈希算法为 SHA-256；docs/audit.md 说明如何用系统自带工具自行计算。",
)
LABELS = {
    "made": Words("Made", "生成时间"),
    "machine": Words("Machine", "机器"),
    "rights": Words("Run as", "运行身份"),
    "how": Words("How", "方法"),
    "found": Words("Found", "结果"),
    "evidence": Words("Evidence", "证据"),
    "checks": Words("Checks", "检查项"),
    "software": Words("Software", "软件"),
    "packages": Words("Packages, by the files that lie there", "软件包（按实际文件）"),
    "models": Words("Models' folder", "模型文件夹"),
    "configuration": Words("Configuration", "配置"),
}
ALL_HOLD = Words(
    "Everything that was checked holds; see what was not checked.",
    "凡已检查的项目均成立；请一并查看未检查的项目。",
)
SOME_FAIL = Words("Some checks fail.", "有检查项不成立。")
NOTHING = Words("Nothing could be checked.", "未能检查任何项目。")
NOT_ROOT = Words(
    "an ordinary user: much of Part A cannot be seen", "普通用户：A 部分的许多内容无法查看"
)
