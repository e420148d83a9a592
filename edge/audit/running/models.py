"""The model that runs: its file's hash against the manifest, unchanged since the start."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged
from edge.ledger.errors import LedgerError
from edge.ledger.manifest import model_in

A = Part.RUNNING


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
        model = model_in(folder, name)
        digest = hashlib.sha256(model.path.read_bytes()).hexdigest()
        evidence.append(f"{model.path}: sha256 {digest}")
        if digest != model.sha256:
            problems.append(f"{model.path}: expected sha256 {model.sha256}, found {digest}")
        if model.path.stat().st_ctime > started_s:
            problems.append(f"{model.path}: changed since vision started")
    except LedgerError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{error.filename}: {error.strerror}")
    holds = Words(f"{name} is the manifest's.", f"{name} 与清单一致。")
    return judged("model.file", A, how, problems, holds=holds, evidence=evidence)
