"""Hostile messages: the readers of `firmware_cfg` refuse them, shortly, and accept nothing else.

The long run is `tests/bench/fuzz_messages.py`; each mistake that it found has its own test here.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.messages import MODELS, Desired, Health, Message, Reported, Window
from firmware_cfg.sealing import MOST_TEXT_BYTES
from firmware_cfg.topics import parse_topic
from tests.bench.fuzz_messages import fuzz, readers
from tests.bench.fuzz_messages_grammar import KINDS
from tests.bench.fuzz_messages_making import GOLDEN
from tests.bench.fuzz_messages_oracle import Judge, refusal_complaint

HERE = [*(f"decode.{kind}" for kind in KINDS), "peek", "opened", "topic"]
JUDGE = Judge()


def golden(kind: str, **fields: object) -> bytes:
    return json.dumps(json.loads((GOLDEN / f"{kind}.json").read_bytes()) | fields).encode()


def window_with(**fields: object) -> bytes:
    """The golden window with its first cell alone, changed."""
    cell = json.loads(golden("window"))["cells"][0]
    return golden("window", cells=[cell | fields])


@pytest.mark.parametrize("name", HERE)
def test_hostile_messages_are_refused_or_in_order(name: str, tmp_path: Path) -> None:
    tally = fuzz(readers(tmp_path, seed=11)[name](), 700)
    assert tally.complaints == []
    assert min(tally.accepted.total(), tally.refused.total()) > 50


def test_golden_messages_satisfy_the_judge() -> None:
    for kind, model in zip(KINDS, MODELS, strict=True):
        text = decode(model, golden(kind)).model_dump_json()
        assert JUDGE.complaint(kind, golden(kind), text) == ""


OUTCOMES = {"served": 4, "greeted_only": 0, "abandoned": 0, "passed": 0, "still_present": 0}
STORE = {
    "kind": "store",
    "level": "week",
    "staff": None,
    "week": {"flawless": {"yes": 24, "no": 9}},
}
FORBIDDEN = {
    "fewer visits than k": (window_with(visits=4, outcomes=OUTCOMES), "4 visits with k"),
    "outcomes that do not add up": (window_with(visits=35), "outcomes"),
    "a store's day": (window_with(**STORE | {"level": "day"}), "a store's day"),
    "a part below k": (window_with(**STORE), "flawless"),
    "a week at a counter": (window_with(week=STORE["week"]), "service_point with week"),
    "a backward span": (golden("window", end="2026-11-01T00:00:00Z"), "a span that ends"),
    "NaN": (window_with(observed_s=float("nan")), "no JSON"),
    "an offset": (golden("window", start="2026-11-02T01:00:00+00:00"), "schema: start"),
    "a bucket beyond": (window_with(waiting={"scale": 1, "event": {"801": 1}}), "schema: cells"),
    "a key that is not listed": (golden("window", new=1), "schema"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_judge_sees_what_is_forbidden_and_the_reader_refuses_it(name: str) -> None:
    payload, reason = FORBIDDEN[name]
    assert reason in JUDGE.complaint("window", payload, "{}")
    with pytest.raises(MessageError):
        decode(Window, payload)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:00",  # in UTC it is before the calendar begins
        "9999-12-31T23:59:59-23:00",
        "2026-11-02T01:00:00+02:00",
        "2026-11-02 01:00:00Z",
        "2026-11-02T01:00:00.5Z",
        "2026-11-02T01:00Z",
        "2026-11-02T01:00:00z",
        "1700000000",
        "0000-01-01T00:00:00Z",
    ],
)
def test_an_instant_has_one_spelling(text: str) -> None:
    for payload in (golden("window", start=text, end=text), window_with(start=text, end=text)):
        with pytest.raises(MessageError, match="start: "):
            decode(Window, payload)
    with pytest.raises(MessageError, match="at: "):
        decode(Health, golden("health", at=text))


@pytest.mark.parametrize("key", ["05", "+5", " 5", "5.0", "5_0", "-0", "801", "-201", "x", ""])
def test_a_bucket_has_one_spelling(key: str) -> None:
    with pytest.raises(MessageError, match=r"cells\.0\.waiting\.event"):
        decode(Window, window_with(waiting={"scale": 1, "event": {"5": 1, key: 2}}))


LONGEST = golden("window").ljust(MOST_TEXT_BYTES)
LARGE: dict[str, tuple[type[Message], bytes]] = {
    "k of a cell": (Window, window_with(k=10**4000)),
    "definition version": (Window, golden("window", definition_version=2**31)),
    "uptime": (Health, golden("health", uptime_s=2**53)),
    "k asked for": (Desired, golden("desired", k=1001)),
    "window asked for": (Desired, golden("desired", window_s=10**300)),
    "points": (Reported, golden("reported", service_points=["a"] * 65)),
    "the text": (Window, LONGEST + b" "),
    "the sealed text": (Window, zlib.compress(LONGEST + b" ")),
    "queues": (Reported, golden("reported", queues=[{}] * 30_000)),
}


def test_the_longest_text_is_still_read_sealed_or_not() -> None:
    assert decode(Window, LONGEST) == decode(Window, zlib.compress(LONGEST))


@pytest.mark.parametrize("name", LARGE)
def test_nothing_is_larger_than_its_reader_can_keep(name: str) -> None:
    model, payload = LARGE[name]
    with pytest.raises(MessageError) as refused:
        decode(model, payload)
    assert refusal_complaint(str(refused.value), payload) == ""


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "\x1b[2J"])
def test_a_name_has_no_control_characters(text: str) -> None:
    with pytest.raises(MessageError, match="model: "):
        decode(Window, golden("window", model=text))


@pytest.mark.parametrize("key", ["x" * 100_000, "a\nb\0c", "\x1b[2J", "\u2028"])
def test_a_hostile_key_is_named_shortly_and_on_one_line(key: str) -> None:
    payload = golden("window", **{key: 1})
    with pytest.raises(MessageError) as refused:
        decode(Window, payload)
    assert refusal_complaint(str(refused.value), payload) == ""


def test_a_huge_version_is_newer_and_said_shortly() -> None:
    payload = golden("window", schema_version=10**4000)
    with pytest.raises(NewerVersionError) as refused:
        decode(Window, payload)
    assert refusal_complaint(str(refused.value), payload) == ""


@pytest.mark.parametrize("name", ["x" * 60_000, "encounter/v1/kiosk-7/up/" + "x" * 60_000])
def test_a_hostile_topic_is_named_shortly(name: str) -> None:
    with pytest.raises(MessageError) as refused:
        parse_topic(name)
    assert len(str(refused.value)) < 300
