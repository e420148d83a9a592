"""systemd's own judgement of the installed units."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen

A = Part.RUNNING
UNITS = Path("/etc/systemd/system")
MOST = {"encounter-vision": 1.0, "encounter-edge": 1.5, "encounter-relay": 1.5}
_PATIENCE_S = 20.0


def exposure(folder: Path = UNITS) -> Finding:
    """Each unit in `folder` is at most as exposed as it was delivered."""
    check = "units.exposure"
    limits = ", ".join(f"{name} {most}" for name, most in MOST.items())
    how = Words(
        "systemd-analyze security --offline=true on each installed unit: 0 is the least "
        f"exposed, 10 the most; at most: {limits}.",
        "对每个已安装的单元运行 systemd-analyze security --offline=true：0 暴露最少，10 最多；"
        f"上限：{limits}。",
    )
    command = shutil.which("systemd-analyze")
    if command is None:
        why = Words("systemd-analyze is not installed.", "未安装 systemd-analyze。")
        return unseen(check, A, how, why)
    units = {name: folder / f"{name}.service" for name in MOST}
    there = {name: path for name, path in units.items() if path.is_file()}
    if not there:
        why = Words(f"No unit of ours is in {folder}.", f"{folder} 中没有本产品的单元。")
        return unseen(check, A, how, why)
    problems: list[str] = []
    evidence: list[str] = []
    for name, path in there.items():
        score = _score(command, path)
        line = f"{path}: {score if score is not None else 'no score'}, at most {MOST[name]}"
        fine = score is not None and score <= MOST[name]
        (evidence if fine else problems).append(line)
    holds = Words("Each within its limit.", "均在上限之内。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def _score(command: str, unit: Path) -> float | None:
    try:
        done = subprocess.run(  # noqa: S603 - systemd's own command
            [command, "security", "--offline=true", "--no-pager", str(unit)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Overall exposure level for .*?: ([0-9.]+)", done.stdout)
    return float(found[1]) if found else None
