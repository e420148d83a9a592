"""The two ends of the wire under hostile messages: the server's ingest, and the device.

| reader | reads |
|---|---|
| ingest | topic and payload, to a reading |
| device | acknowledgements, which settle its outbox, and wishes, which tighten its settings |
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections import deque
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

from edge.broker_link import BrokerLink
from edge.clock import Stamp
from edge.outbox import Outbox
from edge.publisher import Publisher
from edge.testing import AckSigner, ManualClock, MemoryOutbox, a_site
from edge.uplink import Reporter
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Desired, Health, Rejection, Reported
from firmware_cfg.topics import Kind
from server.ingest.reading import (
    MAX_REASON,
    Nothing,
    Reading,
    Refusal,
    StatusReading,
    WindowReading,
    read,
)
from tests.bench.fuzz_messages_grammar import KINDS
from tests.bench.fuzz_messages_making import Maker
from tests.bench.fuzz_messages_oracle import Judge, parsed, plain, refusal_complaint
from tests.bench.fuzz_messages_readers import DEVICE, Verdict, a_topic

SITE_MOST_K = 1000
LENGTHS_S = (900, 1800, 3600)


class IngestReader:
    """The server's reading of a topic and a payload."""

    def __init__(self, chance: Random, judge: Judge) -> None:
        self._chance, self._judge = chance, judge
        self._makers = {kind: Maker(kind, chance) for kind in KINDS}

    def give(self) -> Verdict:
        """As the protocol."""
        kind = self._chance.choice((*KINDS, "window", "window"))
        made, payload = self._makers[kind].make()
        topic = a_topic(kind, self._chance)
        retained = self._chance.random() < 0.1
        began_s = time.thread_time()
        reading = read(topic, payload, retained=retained)
        took_s = time.thread_time() - began_s
        accepted = isinstance(reading, WindowReading | StatusReading)
        return Verdict(made, accepted, self._wrong(topic, payload, reading), took_s, len(payload))

    def _wrong(self, topic: str, payload: bytes, reading: Reading) -> str:
        if isinstance(reading, Nothing):
            return "" if not payload else "nothing read from something"
        if isinstance(reading, Refusal):
            return _wrong_refusal(topic, payload, reading)
        message = reading.window if isinstance(reading, WindowReading) else reading.message
        kind = str(message.kind)
        if topic != f"encounter/v1/{message.device}/up/{kind}":
            return f"{kind} of {message.device} taken from {topic!r:.200}"
        digest = hashlib.sha256(payload).hexdigest()
        if isinstance(reading, WindowReading) and reading.sha256 != digest:
            return "another hash"
        return self._judge.complaint(kind, payload, message.model_dump_json())


def _wrong_refusal(topic: str, payload: bytes, refusal: Refusal) -> str:
    """A refusal is one short line; the key it names is the sender's own, as the message says."""
    if len(refusal.detail) > MAX_REASON or not refusal.detail.isprintable():
        return f"a detail that cannot be kept: {refusal.detail!r:.300}"
    if refusal.device not in ("-", topic.removeprefix("encounter/v1/").partition("/")[0]):
        return f"{refusal.device!r:.100} named on {topic!r:.200}"
    if refusal.key is None:
        return ""
    pairs = json.loads((plain(payload) or b"null").decode(), object_pairs_hook=list)
    fields = dict(pairs)
    if any([key for key, _ in pairs].count(name) > 1 for name in ("device", "epoch", "sequence")):
        return f"a key named from a message that says it twice: {payload!r:.300}"
    told = (fields["device"], fields["epoch"], fields["sequence"])
    named = (refusal.key.device, refusal.key.epoch, refusal.key.sequence)
    sound = re.fullmatch(r"[0-9a-f]{16}", named[1]) and 1 <= named[2] < 2**63
    if told != named or named[0] != refusal.device or not sound or type(told[2]) is not int:
        return f"key {named}, message says {told!r:.200}"
    return ""


class _Lines(logging.Handler):
    """Keeps what is wrong with any line that was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong = ""
        self.payload = b""

    def emit(self, record: logging.LogRecord) -> None:
        """As the base."""
        self.wrong = self.wrong or refusal_complaint(record.getMessage(), self.payload)
        if record.exc_info:
            self.wrong = f"a traceback: {record.exc_info[1]!r:.300}"


class DeviceReader:
    """What a device takes from its broker: acknowledgements and wishes.

    Args:
        folder: for the outbox.
        chance: where chance comes from.
        judge: of what is accepted.
    """

    MESSAGES = 12

    def __init__(self, folder: Path, chance: Random, judge: Judge) -> None:
        self._chance, self._judge, self._lines = chance, judge, _Lines()
        for name in ("edge.publisher", "edge.uplink"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self._lines], False
        signer = AckSigner(DEVICE)
        broker = {"host": "127.0.0.1", "tls": False, "server_key": signer.public_hex}
        self._site = a_site(device={"id": DEVICE}, broker=broker)
        self._outbox = Outbox(folder / "outbox.sqlite", 4, DEVICE, signer.public_hex)
        signed = []
        for number in range(1, self.MESSAGES + 1):
            payload = str(number).encode()
            self._outbox.append(lambda _epoch, _seq, one=payload: one, b"")  # type: ignore[misc]
            rejected = (Rejection(seq=1, reason="не читается"),) if number % 2 else ()
            signed.append(encode(signer.ack(self._outbox.epoch, number, payload, rejected)))
        self._signed = [json.loads(one) for one in signed]
        self._makers = (Maker("ack", chance, tuple(signed)), Maker("desired", chance))
        assert self._site.broker is not None
        self._publisher = Publisher(
            DEVICE,
            self._site.broker,
            self._outbox,
            ManualClock(),
            heartbeat=lambda: decode(Health, b""),
            reported=lambda: decode(Reported, b""),
        )
        self._reporter = self._new_reporter()
        self._pending = self.MESSAGES

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()

    def give(self) -> Verdict:
        """As the protocol."""
        kind, maker = self._chance.choice(list(zip(("ack", "desired"), self._makers, strict=True)))
        made, payload = maker.make()
        inbox = deque([(Kind(f"down/{kind}"), payload)])
        self._lines.payload, self._lines.wrong = payload, ""
        began_s = time.thread_time()
        self._publisher._read(cast("BrokerLink", SimpleNamespace(inbox=inbox)))
        took_s = time.thread_time() - began_s
        settled, wished = self._settled(payload), self._wished(payload)
        wrong = self._lines.wrong or settled or wished or ""
        accepted = settled is not None or wished is not None
        if made == "true" and not accepted:
            wrong = "refused a true message"
        return Verdict(f"{kind} {made}", accepted, wrong, took_s, len(payload))

    def _settled(self, payload: bytes) -> str | None:
        """A complaint if something was settled that nobody signed; None if nothing was."""
        pending = self._outbox.counts().pending
        if pending == self._pending:
            return None
        self._outbox.resend(0)
        fields = cast("dict[str, object]", parsed(payload))
        whole = fields | {"rejected": fields.get("rejected", [])}
        return "" if whole in self._signed else f"settled by {payload!r:.300}"

    def _wished(self, payload: bytes) -> str | None:
        """A complaint if a wish loosened anything; None if there was none."""
        wish = self._publisher.take_desired()
        if wish is None:
            return None
        wrong = self._judge.complaint("desired", payload, wish.model_dump_json())
        return wrong or self._followed(wish)

    def _followed(self, wish: Desired) -> str:
        before, coming = self._reporter.k, self._reporter._backlog.wished_window_s
        self._reporter.tighten(wish)
        k, window_s = self._reporter.k, self._reporter._backlog.wished_window_s
        if k != max(before, wish.k or 0) or k > SITE_MOST_K:
            return f"k from {before} to {k} by {wish}"
        if window_s < coming or window_s not in (0, *LENGTHS_S):
            return f"window from {coming} s to {window_s} s by {wish}"
        if k == SITE_MOST_K or self._chance.random() < 0.05:
            self._reporter = self._new_reporter()
        return ""

    def _new_reporter(self) -> Reporter:
        return Reporter(self._site, MemoryOutbox(), "nanodet", Stamp())
