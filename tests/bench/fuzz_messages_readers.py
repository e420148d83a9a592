"""Every reader of the wire contract, behind one way of being given hostile bytes.

| reader | reads |
|---|---|
| decode … | a message of one kind, sealed or not |
| peek, opened, topic | kind and version of any message; the seal; a topic's name |

The server's and the device's are in `fuzz_messages_ends`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from random import Random
from typing import Protocol, cast

from firmware_cfg.codec import decode, encode, peek
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import MODELS, Health, Message
from firmware_cfg.sealing import opened
from firmware_cfg.topics import parse_topic
from tests.bench.fuzz_messages_grammar import KINDS, Table
from tests.bench.fuzz_messages_making import Maker
from tests.bench.fuzz_messages_oracle import Judge, parsed, plain, refusal_complaint

DEVICE = "kiosk-7"
TOPIC = re.compile(
    r"encounter/v1/[a-z0-9][a-z0-9-]{0,62}/"
    r"(?:up/(?:window|health|state|reported)|down/(?:ack|desired))"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one message.

    Attributes:
        kind: how it was made.
        accepted: whether the reader took it.
        complaint: what the reader did wrong; empty if nothing.
        took_s: processor time in the reader.
        size_bytes: of the payload.
    """

    kind: str
    accepted: bool
    complaint: str
    took_s: float
    size_bytes: int


class Reader(Protocol):
    """Something that is given hostile messages, one at a time."""

    def give(self) -> Verdict:
        """Make the next, let it be read, and judge what came of it."""
        ...


class DecodeReader:
    """`decode` for one kind of message."""

    def __init__(self, kind: str, chance: Random, judge: Judge) -> None:
        self._kind, self._judge = kind, judge
        self._maker = Maker(kind, chance)
        self._model = dict(zip(KINDS, MODELS, strict=True))[kind]

    def give(self) -> Verdict:
        """As the protocol."""
        made, payload = self._maker.make()
        began_s = time.thread_time()
        try:
            message = decode(self._model, payload)
        except MessageError as error:
            took_s = time.thread_time() - began_s
            said = refusal_complaint(str(error), payload)
            if made == "true":
                said = f"refused a true message: {error}"
            return Verdict(
                made, accepted=False, complaint=said, took_s=took_s, size_bytes=len(payload)
            )
        took_s = time.thread_time() - began_s
        wrong = self._judge.complaint(self._kind, payload, message.model_dump_json())
        wrong = wrong or _again(message)
        return Verdict(made, accepted=True, complaint=wrong, took_s=took_s, size_bytes=len(payload))


def _again(message: Message) -> str:
    """What is wrong with an accepted message that is encoded and read again."""
    try:
        payload = encode(message)
    except MessageError:  # larger than its fixed size: then its bare text must do
        payload = message.model_dump_json().encode()
    again = decode(type(message), payload)
    if isinstance(message, Health):
        again = again.model_copy(update={"pad": message.pad})
    return "" if again == message else f"not equal when encoded again: {message!r:.300}"


class PeekReader:
    """`peek`, with messages of every kind."""

    def __init__(self, chance: Random) -> None:
        self._makers = [Maker(kind, chance) for kind in KINDS]
        self._chance = chance

    def give(self) -> Verdict:
        """As the protocol."""
        made, payload = self._chance.choice(self._makers).make()
        began_s, found, said = time.thread_time(), None, ""
        try:
            found = peek(payload)
        except MessageError as error:
            said = refusal_complaint(str(error), payload)
        took_s = time.thread_time() - began_s
        if found is not None:
            said = _wrong_peek(payload, found)
        return Verdict(made, found is not None, said, took_s, len(payload))


def _wrong_peek(payload: bytes, found: tuple[str, int]) -> str:
    """What is wrong with a kind and version that were read from a payload."""
    try:
        fields = cast("Table", parsed(payload, constants=True))
    except ValueError as why:
        return f"{found} read from what is no JSON: {why}"
    told = (fields.get("kind"), fields.get("schema_version"))
    return "" if told == found and type(told[1]) is int else f"{found} read from {told}"


class OpenedReader:
    """`opened`: exactly what is whole comes out, exactly as it was."""

    def __init__(self, chance: Random) -> None:
        self._chance, self._maker = chance, Maker("window", chance)

    def _sealed(self) -> tuple[str, bytes]:
        return "seal", self._maker.seal()

    def give(self) -> Verdict:
        """As the protocol."""
        made, payload = self._maker.make() if self._chance.random() < 0.3 else self._sealed()
        began_s, text, said = time.thread_time(), None, ""
        try:
            text = opened(payload)
        except MessageError as error:
            said = refusal_complaint(str(error), payload)
        took_s = time.thread_time() - began_s
        if text != plain(payload):
            said = f"opened as {text!r:.100}, is {plain(payload)!r:.100}"
        return Verdict(made, text is not None, said, took_s, len(payload))


def a_topic(kind: str, chance: Random) -> str:
    """A topic: that of a message, or one that is wrong."""
    true = f"encounter/v1/{DEVICE}/{'down' if kind in KINDS[4:] else 'up'}/{kind}"
    if chance.random() < 0.8:
        return true
    at = chance.randrange(len(true))
    other = chance.choice(["kiosk-8", "K", "", "a" * 64, "../x", "+", "#", "kiosk-7\n", "\0"])
    return chance.choice(
        [
            *(true.replace(DEVICE, other), true[:at], true + "/", true + "\n", true * 900),
            *(true[:at] + chr(chance.randrange(1, 0xD800)) + true[at + 1 :], true.upper()),
            *(true.replace("/up/", "/down/"), true.replace("v1", "v2"), "$SYS/broker", " " + true),
        ]
    )


class TopicReader:
    """`parse_topic`."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def give(self) -> Verdict:
        """As the protocol."""
        name = a_topic(self._chance.choice(KINDS), self._chance)
        began_s, found, said = time.thread_time(), False, ""
        try:
            found = bool(parse_topic(name))
        except MessageError as error:
            said = refusal_complaint(str(error), name.encode())
        took_s = time.thread_time() - began_s
        if found != bool(TOPIC.fullmatch(name)):
            said = f"{name!r:.200} was {'accepted' if found else 'refused'}"
        return Verdict("topic", found, said, took_s, len(name))
