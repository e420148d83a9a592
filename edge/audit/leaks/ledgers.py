"""Leaks that hide in the ledger itself: an altered entry, and a second history."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from edge.audit.canary.emitted import Emission
from edge.audit.canary.ledger_check import check_ledger
from edge.audit.finding import Finding
from edge.audit.leaks.catalogue import ALTERED, FORKED
from edge.ledger.verification import verify
from edge.upload import OUTBOX_FILE


def ledger_leaks(run: Callable[[str, Path | None], Emission], work: Path) -> Iterator[Finding]:
    """Run a device, alter its ledger; set it back and run it twice more.

    Args:
        run: runs edge under a name, on a copy of a state folder (None: a fresh one), in the
            folder of that name in `work`.
        work: folder of the runs.
    """
    first = run("ledger", None)
    state = work / "ledger" / "state"
    clean = check_ledger(state / OUTBOX_FILE, first.messages)
    altered = work / "altered.sqlite"
    shutil.copy(state / OUTBOX_FILE, altered)
    with closing(sqlite3.connect(altered)) as database, database:
        database.execute("UPDATE ledger SET size = size + 1 WHERE number = 2")
    planted = check_ledger(altered, first.messages)
    yield ALTERED.judged({clean.check: clean}, {planted.check: planted})
    yield _forked(run, work, state)


def _forked(run: Callable[[str, Path | None], Emission], work: Path, state: Path) -> Finding:
    """Two runs from one state: the second one's ledger against the head of the first."""
    run("history", state)
    head = verify(work / "history" / "state" / OUTBOX_FILE).head
    heads = () if head is None else (head,)
    onward = check_ledger(work / "history" / "state" / OUTBOX_FILE, (), heads)
    run("second-history", state)
    back = check_ledger(work / "second-history" / "state" / OUTBOX_FILE, (), heads)
    return FORKED.judged({onward.check: onward}, {back.check: back})
