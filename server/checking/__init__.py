"""Whether a server's state holds what it promises; it only reads.

    database ─► whole? of this version? ─► invariants of messages and cells ─► roll-ups, a sample
    state folder ─► key, last backup, disk          broker ─► certificates

Each check says in one line what holds, what does not, or why it was not looked at.
"""

from server.checking.findings import Finding, Verdict
from server.checking.whole import Asked, check

__all__ = ["Asked", "Finding", "Verdict", "check"]
