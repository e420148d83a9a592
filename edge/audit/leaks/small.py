"""Leaks that need no run of a device: a swapped model, a process that opens again, the jail."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from edge.audit.canary.checks import closed_outcome, told_by
from edge.audit.canary.site_file import MODEL as MODEL_NAME
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.instruments.tables import closed_to_its_user
from edge.audit.leaks import jailed
from edge.audit.leaks.addresses import clear_away
from edge.audit.leaks.catalogue import DUMPABLE, MODEL, PICTURES
from edge.audit.leaks.hiding import EXEC, STAY, hiding
from edge.audit.running.models import model_file
from edge.ledger.manifest import models_folder

_WAYS = {one.id: one.words for one in PICTURES} | {
    "dumpable-again": Words(
        "A camera process opens itself to others of its user again.",
        "摄像进程重新向同一用户的其他进程开放自身。",
    )
}
_IN_THE_JAIL = Words(
    " Tried inside the jail, which must refuse it, and outside, where it succeeds.",
    "在进程限制内实际尝试（必须被拒绝），并在限制之外尝试（可以成功）。",
)


def swapped_model(work: Path) -> Finding:
    """Exchange the model in a copy of the models' folder; the check of Part A judges both."""
    copy = work / "models"
    shutil.copytree(models_folder(), copy, ignore=shutil.ignore_patterns("*.py", "calibration"))
    began_s = time.time()
    clean = model_file(MODEL_NAME, copy, began_s)
    with (copy / f"{MODEL_NAME}.onnx").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    planted = model_file(MODEL_NAME, copy, began_s)
    return MODEL.judged({MODEL.check: clean}, {MODEL.check: planted})


def dumpable_after_exec() -> Finding:
    """A process that stays closed, and one that opens by exec, judged as the camera's is."""
    found = {}
    for what in (STAY, EXEC):
        with hiding(what) as pid:
            one = told_by(DUMPABLE.check, closed_outcome(closed_to_its_user(pid)))
            found[what] = {one.check: one}
    return DUMPABLE.judged(found.get(STAY, {}), found.get(EXEC, {}))


def from_the_jail(work: Path) -> Iterator[Finding]:
    """Each way out of the jail: refused inside, open outside."""
    inside, outside = (jailed.ask(where, work) for where in (jailed.INSIDE, jailed.OUTSIDE))
    clear_away()
    for name in jailed.attempts(-1):
        here, there = inside.get(name, "no answer"), outside.get(name, "no answer")
        found = Words(f"Inside: {here}; outside: {there}.", f"限制内：{here}；限制外：{there}。")
        if there != jailed.DONE:
            status = Status.NOT_CHECKED  # this machine has no such way at all
        else:
            status = Status.HOLDS if here in jailed.REFUSED else Status.FAILS
        how, evidence = _WAYS[name] + _IN_THE_JAIL, (f"{name}: {here}",)
        yield Finding(f"leak.jail.{name}", Part.LEAKS, status, how, found, evidence)
