"""The device's ledger against what the broker received: nothing was sent that is not in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.audit.canary.listener import Published
from edge.audit.canary.words import HOW
from edge.audit.finding import Finding, Part, Status, Words
from edge.errors import EdgeError
from edge.ledger.head import Head
from edge.ledger.verification import verify

_MOST_NAMED = 8


def check_ledger(
    database: Path, messages: Sequence[Published], heads: Sequence[Head] = ()
) -> Finding:
    """Verify a ledger, and look up each payload that came.

    Args:
        database: edge's database.
        messages: what the broker received.
        heads: heads of this ledger that were seen elsewhere.
    """
    try:
        payloads = [one.payload for one in messages]
        verification = verify(database, heads, payloads=payloads)
    except EdgeError as error:
        return _told(Status.FAILS, Words(str(error), str(error)))
    problems = [f"{one.kind}: {one.sentence}" for one in verification.problems]
    if problems:
        found = Words(f"Violations: {len(problems)}.", f"违反：{len(problems)} 处。")
        return _told(Status.FAILS, found, problems)
    return _told(
        Status.HOLDS,
        Words(
            f"Its chain holds, and all {len(messages)} messages have their entry.",
            f"账本链完整，全部 {len(messages)} 条消息均有记录。",
        ),
    )


def _told(status: Status, found: Words, evidence: Sequence[str] = ()) -> Finding:
    check = "canary.ledger"
    return Finding(check, Part.CANARY, status, HOW[check], found, tuple(evidence[:_MOST_NAMED]))
