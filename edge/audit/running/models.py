"""The model that runs: its file's hash against the manifest, unchanged since the start."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged

A = Part.RUNNING
MANIFEST = "manifest.toml"


def models_folder(named: str | None) -> Path:
    """The folder that the command line names, else the installed one or the checkout's."""
    if named is not None:
        return Path(named)
    beside = Path(__file__).resolve().parents[3]
    installed = beside / "encounter_models"
    return installed if installed.is_dir() else beside / "models"


def model_file(name: str, folder: Path, started_s: float) -> Finding:
    """The named model's file is the manifest's, and older than the process that runs it.

    Args:
        name: the model's name in the manifest.
        folder: of the manifest.
        started_s: when vision started, seconds since the epoch.
    """
    how = Words(
        "SHA-256 of the model's file against the manifest that was delivered with it, and the "
        "time of its last change against the start of vision, which reads it once.",
        "将模型文件的 SHA-256 与随其交付的清单比较，并将其最后修改时间与 vision 的启动时间比较"
        "（vision 只读取一次）。",
    )
    problems: list[str] = []
    evidence: list[str] = []
    try:
        table = tomllib.loads((folder / MANIFEST).read_text("utf-8"))
        entry = next(one for one in table["model"] if one["name"] == name)
        path = folder / entry["file"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        evidence.append(f"{path}: sha256 {digest}")
        if digest != entry["sha256"]:
            problems.append(f"{path}: expected sha256 {entry['sha256']}, found {digest}")
        if path.stat().st_ctime > started_s:
            problems.append(f"{path}: changed since vision started")
    except (OSError, tomllib.TOMLDecodeError, KeyError, StopIteration) as error:
        problems.append(f"{folder / MANIFEST}: model {name!r}: {str(error) or 'not in it'}")
    holds = Words(f"{name} is the manifest's.", f"{name} 与清单一致。")
    return judged("model.file", A, how, problems, holds=holds, evidence=evidence)
