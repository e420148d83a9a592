"""Does a ledger hold? Everything that is wrong, named by its entry; nothing is written.

What is checked, against the device's public key:

* every entry since the last checkpoint is there, in its place, and as it was signed; so is the
  text beside it, and each message that is still in the outbox;
* the signed head is of exactly these entries, and so is every head that a heartbeat carried;
* what a checkpoint dropped was 90 days old, or in the way where room was short;
* heads that were kept elsewhere (by the server, on paper) are of a beginning of these entries:
  otherwise there are two histories, or one was set back;
* every message in the outbox has its entry, and so has every payload that is handed in;
* what the kernel counted on the broker's connections goes with the entries' sizes; what it has
  no count of is noted (`edge.ledger.uncounted`).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.ledger.checkpoints_check import check_checkpoints
from edge.ledger.entries_check import Signatures, Walked, walk
from edge.ledger.entry import SENT_AS, EntryKind
from edge.ledger.errors import LedgerInputError
from edge.ledger.head import Head
from edge.ledger.heads_check import check_beats, check_head, check_heads, head_of
from edge.ledger.mqtt_bytes import LONGEST_DEVICE
from edge.ledger.problems import Problem, ProblemKind, numbers
from edge.ledger.reading import opened
from edge.ledger.reconciling import Recorded, shortcomings
from edge.ledger.tables import PUBLIC_KEY
from edge.ledger.traffic import traffic_of
from edge.ledger.uncounted import uncounted
from edge.outbox_file import meta
from edge.words import Words


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes:
        ledger: ledger id.
        public_key: what was checked against, 32 bytes.
        first, last: the entries that are kept; none if last is before first.
        head: the signed head, if there is one that can be read.
        problems: what is wrong, by entry; empty: the ledger holds.
        notes: what could not be said.
    """

    ledger: str
    public_key: bytes
    first: int
    last: int
    head: Head | None
    problems: tuple[Problem, ...]
    notes: tuple[Words, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(
    database: Path,
    heads: Sequence[Head] = (),
    *,
    public_key: bytes | None = None,
    payloads: Sequence[bytes] = (),
) -> Verification:
    """Check a ledger, offline, without writing anything.

    Args:
        database: of the device, or a copy.
        heads: kept elsewhere.
        public_key: of the device, 32 bytes; None: the one that the database names, which shows
            that the ledger is of one piece, but not whose it is.
        payloads: what was seen to arrive from this device: each must have an entry.

    Raises:
        LedgerInputError: no such file, or none of a device.
    """
    with opened(database) as connection:
        try:
            return _verify(connection, heads, public_key, payloads)
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error) or "not a database" in str(error):
                told = f"{database}: expected a device's database ({error})"
                raise LedgerInputError(told) from None
            damage = Words(f"the database is damaged: {error}", f"数据库已损坏：{error}")
            problem = Problem(ProblemKind.ALTERED, 0, damage)
            return Verification("", public_key or b"", 1, 0, None, (problem,))


def _verify(
    database: sqlite3.Connection,
    heads: Sequence[Head],
    public_key: bytes | None,
    payloads: Sequence[bytes],
) -> Verification:
    ledger = meta(database, "epoch").decode("ascii", "replace")
    key = public_key or meta(database, PUBLIC_KEY)
    head = head_of(database)
    if len(key) != 32:
        return _nothing(database, ledger, key, heads, payloads)
    signatures = Signatures(ledger, Ed25519PublicKey.from_public_bytes(key))
    (last,) = database.execute("SELECT max(number) FROM ledger").fetchone()
    trusted = head is not None and head.is_signed_by(key)
    walked = walk(database, signatures, head.size if head is not None and trusted else last or 0)
    problems: list[Problem] = []
    if not walked.good and walked.last:
        nothing = Words("no entry is signed with this key", "没有任何条目由此密钥签名")
        problems.append(Problem(ProblemKind.UNSIGNED, walked.first, nothing))
        return Verification(ledger, key, walked.first, walked.last, head, tuple(problems))
    problems += walked.problems
    problems += check_head(database, walked, head, key)
    problems += check_beats(walked, key)
    told, notes = check_heads(walked, heads, ledger, key)
    why, remarks = check_checkpoints(walked, heads, key)
    problems += [*told, *why]
    problems += _check_integrity(database)
    problems += _check_messages(database, walked)
    problems += _check_payloads(walked, payloads)
    problems += _check_traffic(walked)
    problems.sort(key=lambda problem: problem.entry)
    return Verification(
        ledger,
        key,
        walked.first,
        walked.last,
        head,
        tuple(problems),
        (*notes, *remarks, *uncounted(walked)),
    )


def _nothing(
    database: sqlite3.Connection,
    ledger: str,
    key: bytes,
    heads: Sequence[Head],
    payloads: Sequence[bytes],
) -> Verification:
    """A database without a key: it has never recorded anything, or was robbed of it."""
    (entries,) = database.execute("SELECT count(*) FROM ledger").fetchone()
    (messages,) = database.execute("SELECT count(*) FROM message").fetchone()
    problems = []
    if entries:
        words = Words("the device's public key is missing or malformed", "设备公钥缺失或格式不符")
        problems.append(Problem(ProblemKind.ALTERED, 1, words))
    elif heads:
        words = Words("all entries are missing", "所有条目缺失")
        problems.append(Problem(ProblemKind.MISSING, 1, words))
    if messages or payloads:
        words = Words(
            f"{messages + len(payloads)} messages have no entry",
            f"{messages + len(payloads)} 条消息没有条目",
        )
        problems.append(Problem(ProblemKind.UNLEDGERED, 0, words))
    return Verification(ledger, key, 1, 0, None, tuple(problems))


def _check_integrity(database: sqlite3.Connection) -> list[Problem]:
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict == "ok":
        return []
    words = Words(f"the database is damaged: {verdict}", f"数据库已损坏：{verdict}")
    return [Problem(ProblemKind.ALTERED, 0, words)]


def _check_messages(database: sqlite3.Connection, walked: Walked) -> list[Problem]:
    """Messages in the outbox that no entry is about."""
    known = {entry.sequence for entry in walked.signed if entry.kind == EntryKind.WINDOW}
    found = database.execute("SELECT seq FROM message ORDER BY seq").fetchall()
    return [
        Problem(
            ProblemKind.UNLEDGERED,
            0,
            Words(f"message {seq} in the outbox has no entry", f"发件箱中第 {seq} 号消息没有条目"),
        )
        for (seq,) in found
        if seq not in known
    ]


def _check_payloads(walked: Walked, payloads: Sequence[bytes]) -> list[Problem]:
    known = {entry.sha256 for entry in walked.signed if entry.kind in SENT_AS}
    problems = []
    for payload in payloads:
        sha256 = hashlib.sha256(payload).digest()
        if sha256 not in known:
            words = Words(
                f"a payload of {len(payload)} bytes arrived that has no entry"
                f" (sha256 {sha256.hex()})",
                f"收到一条 {len(payload)} 字节的载荷，账本中没有条目（sha256 {sha256.hex()}）",
            )
            problems.append(Problem(ProblemKind.UNLEDGERED, 0, words))
    return problems


def _check_traffic(walked: Walked) -> list[Problem]:
    """Entries of traffic whose counts do not go together."""
    recorded = _recorded(walked)
    problems = []
    for number, text in walked.texts.items():
        if walked.good[number].kind != EntryKind.TRAFFIC:
            continue
        try:
            wrong = shortcomings(traffic_of(text), recorded)
        except ValueError:
            wrong = [Words("states no counts", "没有写明计数")]
        problems += [
            Problem(
                ProblemKind.UNRECONCILED,
                number,
                numbers(number, number) + Words(": ", "：") + said,
            )
            for said in wrong
        ]
    return problems


def _recorded(walked: Walked) -> Recorded:
    """The payloads of a ledger; of the device's ids in its configurations, the longest."""
    entries = {
        number: (EntryKind(one.kind), one.size_bytes)
        for number, one in sorted(walked.good.items())
        if one.kind in SENT_AS
    }
    known = []
    for number, text in walked.texts.items():
        if walked.good[number].kind == EntryKind.CONFIGURATION:
            stated = json.loads(text)
            device = stated.get("device") if isinstance(stated, dict) else None
            known += [device] if isinstance(device, str) else []
    return Recorded(entries, walked.first, max(known, key=len, default=LONGEST_DEVICE))
