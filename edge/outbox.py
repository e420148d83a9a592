"""The outbox: messages that wait for the server's signed word that it has them.

    pending ──acknowledged──► settled ──35 days, or room is needed──► gone
       │                         │
       │                         └──the server lost it (a lower `up_to`)──► pending
       └──rejected by the server──► rejected (kept and aged like settled)

A message, its entry in the ledger and the released state that goes with it are committed in one
transaction, with synchronous=FULL, before anything is sent. Sequences count from 1 within an
epoch, a random number made with the database, and are never used twice.

Room: settled and rejected messages go first, oldest first. Pending ones are never dropped:
when they alone fill `bound_mb`, nothing more is stored, `append` says so, and the `outbox`
fault stands until the server acknowledges something.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.errors import AckError, OutboxFullError
from edge.ledger.device_key import open_key
from edge.ledger.ledger import Ledger
from edge.outbox_file import StateDatabase, full, has_room, keep_meta
from firmware_cfg.messages import Ack, ack_signed_bytes

KEPT_FOR = timedelta(days=35)
_FREED_AT_ONCE = 8
Build = Callable[[str, int], bytes]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A pending message."""

    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages stand where."""

    pending: int
    settled: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What an acknowledgement did.

    Attributes:
        newly: messages that were pending and are settled or rejected now.
        behind: the server has less than was settled; see `Outbox.resend`.
    """

    newly: int
    behind: bool


class Outbox:
    """Durable queue of one device. Safe to use from several threads.

    Args:
        path: the database file.
        bound_mb: most space on disk, MB.
        device: this device's id, which the server's signature covers.
        server_key: the server's public Ed25519 key, hexadecimal; None: nothing settles.

    Attributes:
        ledger: where every message is recorded before it can be sent.

    Raises:
        OutboxError: the file cannot be opened.
        LedgerError: the ledger's key cannot be used, or is another.
    """

    def __init__(self, path: Path, bound_mb: int, device: str, server_key: str | None) -> None:
        self._device = device
        self._key = server_key and Ed25519PublicKey.from_public_bytes(bytes.fromhex(server_key))
        self._lock = threading.RLock()
        self._database = StateDatabase(path, bound_mb)
        self._full = False
        self.epoch = self._database.meta("epoch").decode()
        try:
            self.ledger = Ledger(self._database, open_key(path.parent), self.epoch)
        except BaseException:
            self._database.close()
            raise

    @property
    def fault(self) -> bool:
        """Whether the outbox is full of unsettled messages, or was found corrupt."""
        return self._full or self._database.rebuilt

    def append(self, build: Build, state: bytes) -> int:
        """Store the message that `build(epoch, sequence)` makes, and `state` with it.

        Returns:
            its sequence.

        Raises:
            OutboxFullError: unsettled messages fill the bound, or the disk is full;
                nothing was stored.
            OutboxError: the database failed.
        """
        with self._lock:
            while True:
                try:
                    seq = self._insert(build, state)
                except OutboxFullError:
                    self._full = True
                    if not self._free():
                        raise
                else:
                    self._full = False
                    self._database.forget_the_past()
                    return seq

    def state(self) -> bytes:
        """What was stored with the latest message; empty in a new outbox."""
        return self._database.meta("state")

    def save_state(self, state: bytes) -> None:
        """Store the released state alone.

        Raises:
            OutboxFullError: the disk is full.
        """
        with self._database.transaction() as database:
            database.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (state,))
        self._database.forget_the_past()

    def pending(self, limit: int, after: int = 0) -> list[Outgoing]:
        """Up to `limit` pending messages with a sequence above `after`, in order."""
        with self._database.transaction() as database:
            rows = database.execute(
                "SELECT seq, payload FROM message WHERE status = 'pending' AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (after, limit),
            ).fetchall()
        return [Outgoing(seq, bytes(payload)) for seq, payload in rows]

    def counts(self) -> Counts:
        """How many messages are pending, settled and rejected."""
        with self._database.transaction() as database:
            rows = database.execute("SELECT status, count(*) FROM message GROUP BY status")
            found = {str(status): int(count) for status, count in rows}
        return Counts(*(found.get(name, 0) for name in ("pending", "settled", "rejected")))

    def last_made(self) -> int:
        """The sequence of the newest message; 0 where none was ever made."""
        return self._last_seq()

    def first_kept(self) -> int:
        """The oldest sequence that is still here; the next one where none is.

        Whatever came before is gone for ever: a server that lacks it need not wait for it.
        """
        with self._database.transaction() as database:
            (first,) = database.execute("SELECT min(seq) FROM message").fetchone()
        return self._last_seq() + 1 if first is None else int(first)

    def settle(self, ack: Ack, now_utc: datetime) -> Settled:
        """Take the server's word for every message up to `ack.up_to`.

        Raises:
            AckError: forged, of another epoch, or about a message that is not ours;
                nothing was settled.
        """
        self._verify(ack)
        with self._database.transaction() as database:
            row = database.execute(
                "SELECT sha256 FROM message WHERE seq = ?", (ack.up_to,)
            ).fetchone()
            if ack.up_to > self._last_seq() or (row is not None and row[0] != ack.sha256):
                raise AckError(f"acknowledgement up to {ack.up_to}: not a message of this outbox")
            at = now_utc.timestamp()
            newly = 0
            for one in ack.rejected:
                newly += database.execute(
                    "UPDATE message SET status = 'rejected', reason = ?, settled_at = ?"
                    " WHERE seq = ? AND seq <= ? AND status = 'pending'",
                    (one.reason, at, one.seq, ack.up_to),
                ).rowcount
            newly += database.execute(
                "UPDATE message SET status = 'settled', settled_at = ?"
                " WHERE seq <= ? AND status = 'pending'",
                (at, ack.up_to),
            ).rowcount
            (highest,) = database.execute(
                "SELECT max(seq) FROM message WHERE status != 'pending'"
            ).fetchone()
        if newly:
            self._full = False
            self._forget_old(now_utc)
        return Settled(newly, behind=highest is not None and highest > ack.up_to)

    def resend(self, above: int) -> int:
        """Mark every kept message above `above` as pending again; how many changed."""
        with self._database.transaction() as database:
            return database.execute(
                "UPDATE message SET status = 'pending', reason = '', settled_at = NULL"
                " WHERE seq > ? AND status != 'pending'",
                (above,),
            ).rowcount

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _verify(self, ack: Ack) -> None:
        if ack.epoch != self.epoch:
            raise AckError(f"acknowledgement of epoch {ack.epoch}, this outbox is {self.epoch}")
        if not isinstance(self._key, Ed25519PublicKey):
            raise AckError("acknowledgement without a server key to check it by")
        signed = ack_signed_bytes(self._device, ack.epoch, ack.up_to, ack.sha256, ack.rejected)
        try:
            self._key.verify(bytes.fromhex(ack.signature), signed)
        except InvalidSignature:
            raise AckError(
                f"acknowledgement up to {ack.up_to}: not signed by the server that this device"
                " was provisioned with"
            ) from None

    def _insert(self, build: Build, state: bytes) -> int:
        with self._database.transaction() as database:
            if not has_room(database):
                raise OutboxFullError(full(self._database.path))
            seq = self._last_seq() + 1
            payload = build(self.epoch, seq)
            self.ledger.append_within(database, payload, seq)
            digest = hashlib.sha256(payload).hexdigest()
            database.execute(
                "INSERT INTO message (seq, payload, sha256, status) VALUES (?, ?, ?, 'pending')",
                (seq, payload, digest),
            )
            keep_meta(database, last_seq=str(seq).encode(), state=state)
            return seq

    def _forget_old(self, now_utc: datetime) -> None:
        with self._database.transaction() as database:
            database.execute(
                "DELETE FROM message WHERE status != 'pending' AND settled_at < ?",
                ((now_utc - KEPT_FOR).timestamp(),),
            )

    def _free(self) -> bool:
        """Delete the oldest messages that nobody waits for; False if there is none."""
        with self._database.transaction() as database:
            return bool(
                database.execute(
                    "DELETE FROM message WHERE seq IN (SELECT seq FROM message"
                    " WHERE status != 'pending' ORDER BY seq LIMIT ?)",
                    (_FREED_AT_ONCE,),
                ).rowcount
            )

    def _last_seq(self) -> int:
        return int(self._database.meta("last_seq"))
