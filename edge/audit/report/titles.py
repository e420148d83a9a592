"""What each check is called in the report; one that is not listed goes by its own name."""

from __future__ import annotations

from edge.audit.finding import Finding, Part, Words

SUBJECTS = {
    "vision": Words("Camera process", "摄像头进程"),
    "edge": Words("Timing and publishing process", "计时与发布进程"),
    "relay": Words("Stream process", "视频流进程"),
}
MATTERS = {
    "user": Words("a user of its own", "独立用户"),
    "capabilities": Words("no special rights", "没有特殊权限"),
    "no_new_privileges": Words("cannot gain rights", "无法获得更多权限"),
    "seccomp": Words("its system calls are filtered", "系统调用经过过滤"),
    "closed_to_its_user": Words("closed to other programs of its user", "对同一用户的其他程序关闭"),
    "core_dump": Words("no memory dump after a crash", "崩溃后不写出内存"),
    "swap": Words("memory stays off the disk", "内存不写入磁盘"),
    "network_of_its_own": Words("no network at all", "完全没有网络"),
    "descriptors": Words("everything that it has open", "其打开的全部内容"),
    "sockets": Words("its network connections", "网络连接"),
    "memory": Words("nothing shared, no rewritable code", "无共享内存与可改写代码"),
    "libraries": Words("no library that sees pictures", "没有能看到图像的库"),
    "telemetry_switches": Words("libraries do not report home", "库不向厂商上报"),
    "calls_refused": Words("what the kernel refuses it, tried", "实测内核拒绝的请求"),
    "files_refused": Words("files and ports out of its reach, tried", "实测不可及的文件与端口"),
    "filter": Words("its filter, read out of the kernel", "从内核读出的过滤器"),
    "calls_watched": Words("what it did while it was watched", "观察期间的行为"),
}
WHOLE = {
    "device.running": Words("The device runs", "设备正在运行"),
    "device.over_time": Words("The device over time", "设备在一段时间内"),
    "device.files_changed": Words("Files changed since the start", "启动以来变化的文件"),
    "stream.pipe": Words("The pipe of the camera's stream", "视频流管道"),
    "camera.holders": Words("Nobody else has the camera open", "摄像头别无他者打开"),
    "records.pipe": Words("The one pipe between them", "两者之间唯一的管道"),
    "software.same_installation": Words(
        "This audit and the device are one installation", "审计与设备同属一个安装"
    ),
    "software.loaded": Words("Loaded software is what was installed", "加载的软件与安装时一致"),
    "model.file": Words("The model is the delivered one", "模型为所交付者"),
    "configuration.in_force": Words("The site file is the one in force", "站点文件为现行文件"),
    "configuration.ledger": Words("The ledger agrees", "账本一致"),
    "canary.run": Words("The canary film was shown", "金丝雀影片已播放"),
    "canary.search": Words("The film is in nothing that came out", "输出中没有影片内容"),
    "canary.turns": Words("Nothing that came out follows the film", "输出不随影片变化"),
    "canary.calls": Words("What the camera process asked for", "摄像头进程的系统调用"),
    "canary.tables": Words("What the camera process had open", "摄像头进程打开的内容"),
    "canary.closed": Words("Closed to other programs", "对其他程序关闭"),
    "canary.files": Words("Files that were changed", "被更改的文件"),
    "canary.wire": Words("What was on the network", "网络上的内容"),
    "canary.records": Words("The records between the processes", "进程之间的记录"),
    "canary.secrets": Words("No password in what was said", "输出中没有密码"),
    "canary.ledger": Words("Every message is in the ledger", "每条消息均在账本中"),
    "film.run": Words("The auditor's film was shown", "审计者的影片已播放"),
    "film.search": Words(
        "The auditor's film is in nothing that came out", "输出中没有审计者影片的内容"
    ),
    "messages.schema": Words("Messages have no further fields", "消息没有多余字段"),
    "messages.k": Words("No figure over fewer than k visits", "没有少于 k 次到访的数字"),
    "messages.cells": Words(
        "Released figures do not overlap or change", "已发布数字不重叠、不更改"
    ),
    "messages.constant": Words("Messages have fixed sizes and times", "消息长度与时间固定"),
    "messages.retained": Words("Nothing about presence stays at the broker", "代理不保留在场信息"),
    "units.exposure": Words("systemd's own judgement", "systemd 自身的评分"),
}


def title(finding: Finding) -> Words:
    """What a finding is called."""
    if finding.check in WHOLE:
        return WHOLE[finding.check]
    subject, _, matter = finding.check.partition(".")
    if subject in SUBJECTS and matter in MATTERS:
        name, what = SUBJECTS[subject], MATTERS[matter]
        return Words(f"{name.en}: {what.en}", f"{name.zh}：{what.zh}")
    if subject == "film" and f"canary.{matter}" in WHOLE:
        what = WHOLE[f"canary.{matter}"]
        return Words(f"With the auditor's film: {what.en}", f"用审计者的影片：{what.zh}")
    if finding.part is Part.LEAKS:
        leak = finding.check.partition(".")[2].replace("_", " ").replace("-", " ")
        return Words(f"Planted leak: {leak}", f"植入的泄漏：{leak}")
    plain = finding.check.replace(".", ": ").replace("_", " ")
    return Words(plain, plain)
