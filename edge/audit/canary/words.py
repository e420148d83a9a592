"""How each check of the canary run is made, in both languages of the report."""

from __future__ import annotations

from edge.audit.finding import Words

HOW = {
    "canary.search": Words(
        "The camera process was shown a film full of random marks. Everything that any process"
        " wrote, sent or left behind was searched for them: raw, scaled, cropped, in grey and in"
        " colour planes, compressed, as text, scrambled with a key, and packed bit by bit.",
        "给摄像进程播放一段布满随机标记的影片，并在所有进程写出、发送或留下的一切内容中搜索这些"
        "标记：原样、缩放、裁剪、灰度与各色彩平面、压缩、文本编码、密钥扰乱以及逐位打包。",
    ),
    "canary.turns": Words(
        "One strip of the film changes at random with each frame. Every bit of the records, their"
        " timing and the bytes on the wire were correlated with it.",
        "影片中有一条标记随每帧随机变化；将记录的每一位、记录的时间间隔以及网络上的字节数与之做相关检验。",
    ),
    "canary.calls": Words(
        "Every system call of the camera process that could give something off was recorded by"
        " the kernel's tracing.",
        "通过内核跟踪记录摄像进程所有可能向外传递信息的系统调用。",
    ),
    "canary.tables": Words(
        "The camera process's open descriptors and memory were sampled in the kernel's tables.",
        "在内核表中抽查摄像进程打开的描述符和内存。",
    ),
    "canary.closed": Words(
        "Whether other processes of the same user could read the camera process's memory: the"
        " owner of its files in /proc says so. As root it does not show.",
        "同一用户的其他进程能否读取摄像进程的内存：由其在 /proc 中文件的所有者看出；"
        "以 root 运行时无法看出。",
    ),
    "canary.files": Words(
        "Shared folders stood under a layer that keeps every change, and each path that was opened"
        " for writing was recorded.",
        "共享文件夹被覆盖一层以留存全部更改，并记录每个以写方式打开的路径。",
    ),
    "canary.wire": Words(
        "The device ran in a network of its own, where every packet to anywhere is captured.",
        "设备在独立的网络中运行，发往任何地址的每个数据包都会被捕获。",
    ),
    "canary.records": Words(
        "Each record from the camera process was read strictly: one way to write it, in order, at"
        " the permitted rate, and with the whole jail stated.",
        "严格读取摄像进程的每条记录：唯一的写法、顺序、许可的速率，并声明限制完整。",
    ),
    "canary.secrets": Words(
        "Keys and passwords that the device was given were looked for in everything it gave off.",
        "在设备产生的一切内容中查找其持有的密钥和口令。",
    ),
    "canary.run": Words(
        "The device was run on the canary film from its beginning to its end, with visitors drawn"
        " into it, so that there was something to detect, to count and to release.",
        "设备从头到尾播放金丝雀影片；影片中画有来客，因此有可检测、可计数和可发布的内容。",
    ),
    "film.run": Words(
        "The device was also run on the film that the auditor gave it, from the film's first frame"
        " to the last that is used. Its SHA-256 is of the bytes that were shown.",
        "另用审计者提供的影片运行设备，从第一帧到所用的最后一帧。SHA-256 为所播放的字节的哈希。",
    ),
    "film.search": Words(
        "Everything that any process wrote, sent or left behind was searched for rows of this"
        " film's own pictures (raw, in each colour, brighter or darker, in negative, cropped,"
        " compressed, as text), for pictures of any size that show a part of it, for both under"
        " short keys, and for pieces of picture files. What the device gave off on the seeded film"
        " was searched for them as well: there, nothing may be found.",
        "在所有进程写出、发送或留下的一切内容中搜索该影片自身画面的各行（原样、各颜色、变亮或变暗、"
        "反相、裁剪、压缩、文本编码）、任意尺寸的显示其局部的画面、经短密钥扰乱的上述内容，"
        "以及图片文件的残片。设备在种子影片上产生的内容也作同样搜索：其中不应有任何发现。",
    ),
    "canary.ledger": Words(
        "The device's own ledger was verified, and each payload that the broker received was"
        " looked up in it.",
        "核验设备自身的账本，并在其中查找代理服务器收到的每条消息。",
    ),
}
