"""The site file: is what lies there what the processes read, and what the ledger recorded?"""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged

A = Part.RUNNING


def site_unchanged(site: Path, started_s: float) -> Finding:
    """The site file was last changed before the processes started, which read it once.

    Args:
        site: the file.
        started_s: when the first of them started, seconds since the epoch.
    """
    how = Words(
        "Time of the site file's last change against the start of the processes, which read it "
        "once, when they start: only then is the file that this report names the one in force.",
        "将站点文件的最后修改时间与各进程的启动时间比较（进程仅在启动时读取一次）："
        "只有如此，本报告所列文件才是现行文件。",
    )
    try:
        changed_s = site.stat().st_ctime
        digest = hashlib.sha256(site.read_bytes()).hexdigest()
    except OSError as error:
        return judged(
            "configuration.in_force", A, how, [f"{site}: {error.strerror}"], holds=Words("", "")
        )
    late = [f"{site}: changed after the processes had started"] if changed_s > started_s else []
    holds = Words("The file is the one in force.", "该文件即现行文件。")
    evidence = [f"{site}: sha256 {digest}"]
    return judged("configuration.in_force", A, how, late, holds=holds, evidence=evidence)
