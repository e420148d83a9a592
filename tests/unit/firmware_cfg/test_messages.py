"""Messages: golden ones stay readable, windows have one size, versions are told apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.codec import OLDEST_READ_VERSION, check_version, decode, encode, peek
from firmware_cfg.docs import message_schema
from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import (
    HEALTH_BYTES,
    MODELS,
    SCHEMA_VERSION,
    Ack,
    Cell,
    Coverage,
    Desired,
    Health,
    Message,
    PointKind,
    Rejection,
    State,
    Window,
    WireHistogram,
    ack_signed_bytes,
)
from firmware_cfg.sealing import MOST_WINDOW_BYTES, opened

GOLDEN = Path(__file__).parent / "golden"
START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def kind_of(model: type[Message]) -> str:
    return str(model.model_fields["kind"].default)


def golden(model: type[Message], version: int = SCHEMA_VERSION) -> bytes:
    return (GOLDEN / f"v{version}" / f"{kind_of(model)}.json").read_bytes()


def window(model_name: str = "m") -> Window:
    return Window(
        device="kiosk-7",
        epoch="0" * 16,
        sequence=1,
        start=START,
        end=START + timedelta(minutes=30),
        definition_version=1,
        geometry_hash="0" * 64,
        expectations_hash="0" * 64,
        model=model_name,
        coverage=Coverage.FULL,
        clock="rtc",
    )


@pytest.mark.parametrize("version", range(OLDEST_READ_VERSION, SCHEMA_VERSION + 1))
@pytest.mark.parametrize("model", MODELS)
def test_golden_messages_of_every_version_still_read(model: type[Message], version: int) -> None:
    payload = golden(model, version)
    assert peek(payload) == (kind_of(model), version)
    message = decode(model, payload)
    if version == SCHEMA_VERSION:
        told = json.loads(opened(encode(message)))
        assert told | {"pad": ""} == json.loads(payload) | {"pad": ""}
        assert decode(model, encode(message)) in (
            message,
            message.model_copy(update=padding(message)),
        )


def padding(message: Message) -> dict[str, str]:
    return {"pad": json.loads(opened(encode(message))).get("pad", "")}


@pytest.mark.parametrize("model", MODELS)
def test_golden_messages_meet_the_published_schema(model: type[Message]) -> None:
    jsonschema.validate(
        json.loads(opened(encode(decode(model, golden(model))))), message_schema(model)
    )


def test_every_window_is_of_one_size() -> None:
    full = decode(Window, golden(Window))
    assert len(encode(window())) == len(encode(full)) == MOST_WINDOW_BYTES
    assert len(encode(window(), 1408)) == len(encode(full, 1408)) == 1408
    assert decode(Window, encode(full, 1408)) == full


def test_a_window_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MessageError, match=r"window .* at most 640 fit"):
        encode(decode(Window, golden(Window)), 640)


def test_a_plain_window_is_read_too() -> None:
    full = decode(Window, golden(Window))
    assert decode(Window, full.model_dump_json().encode()) == full


def test_a_window_from_before_the_store_s_week_still_reads() -> None:
    early = decode(Window, (GOLDEN / "v1" / "window-without-week.json").read_bytes())
    assert early.cells == decode(Window, golden(Window)).cells


def test_a_heartbeat_from_before_the_ledger_still_reads() -> None:
    beat = decode(Health, (GOLDEN / "v1" / "health-without-ledger.json").read_bytes())
    assert (beat.ledger, beat.pad) == (None, "")


def test_a_birth_from_before_the_oldest_sequence_still_reads() -> None:
    birth = decode(State, (GOLDEN / "v1" / "state-without-first.json").read_bytes())
    assert birth == decode(State, golden(State)).model_copy(update={"first": None})


def test_every_heartbeat_is_of_one_size() -> None:
    full = decode(Health, golden(Health))
    changes: list[dict[str, object]] = [
        {},
        {"uptime_s": 0, "disk_free_mb": 0, "faults": (), "kernel_layers": ()},
        {"uptime_s": 10**10, "disk_free_mb": 10**8},
        {"faults": ("camera", "outbox", "clock", "disk")},
        {"ledger": None},
        {"device": "d" * 63, "model": "m" * 80},
        {"pad": " " * 500},
    ]
    sizes = {len(encode(full.model_copy(update=change))) for change in changes}
    assert sizes == {HEALTH_BYTES}
    with pytest.raises(MessageError, match=rf"health of .* at most {HEALTH_BYTES} fit"):
        encode(full.model_copy(update={"model": "m" * HEALTH_BYTES}))


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.sampled_from(Fate)), max_size=30), st.integers(0, 5)
)
def test_histograms_travel_unchanged(durations: list[tuple[float, Fate]], scale: int) -> None:
    histogram = Histogram.of(durations, scale)
    wire = WireHistogram.of(histogram)
    again = WireHistogram.model_validate_json(wire.model_dump_json(), strict=True)
    assert again.histogram() == histogram


REFUSED = {
    "an unknown key": ({"new": 1}, "health: new: Extra inputs are not permitted, found '1'"),
    "a text for a number": ({"uptime_s": "5"}, "health: uptime_s: "),
    "a negative count": ({"uptime_s": -5}, "health: uptime_s: .* found '-5'"),
    "a time without a zone": ({"at": "2026-11-02T01:00:00"}, "health: at: "),
    "another kind": ({"kind": "window"}, "health: kind: "),
    "a version below one": ({"schema_version": 0}, "health: schema_version: "),
    "an unknown fault": ({"faults": ["people"]}, "health: faults.0: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_message_is_refused_with_its_place(name: str) -> None:
    change, expected = REFUSED[name]
    fields = json.loads(golden(Health)) | change
    with pytest.raises(MessageError, match=expected):
        decode(Health, json.dumps(fields).encode())


@pytest.mark.parametrize("key", ["kind", "schema_version"])
def test_a_message_that_does_not_say_what_it_is_is_refused(key: str) -> None:
    fields = json.loads(golden(Desired))
    del fields[key]
    with pytest.raises(MessageError, match=key):
        decode(Desired, json.dumps(fields).encode())


CELLS = {
    "fewer visits than k": ({"visits": 4}, "expected at least k = 10"),
    "outcomes that do not add up": ({"visits": 999}, "outcomes sum to"),
    "an end before its start": ({"end": "2020-01-01T00:00:00Z"}, "is not after start"),
    "an infinite time": ({"observed_s": float("inf")}, "observed_s"),
}


@pytest.mark.parametrize("name", CELLS)
def test_an_incoherent_cell_is_refused(name: str) -> None:
    change, expected = CELLS[name]
    fields = json.loads(golden(Window))
    fields["cells"][0] |= change
    with pytest.raises(MessageError, match=f"window: cells.0.*{expected}"):
        decode(Window, json.dumps(fields).encode())


@pytest.mark.parametrize("model", MODELS)
def test_a_newer_message_is_told_from_a_broken_one(model: type[Message]) -> None:
    fields = json.loads(golden(model)) | {"schema_version": SCHEMA_VERSION + 1}
    for more in ({}, {"unheard_of": True}):
        with pytest.raises(NewerVersionError, match="newer than this reader's"):
            decode(model, json.dumps(fields | more).encode())


def test_a_value_without_a_version_of_its_own_reads_too() -> None:
    rejection = Rejection(seq=3, reason="x")
    assert decode(Rejection, encode(rejection)) == rejection
    with pytest.raises(MessageError, match="rejection: seq: "):
        decode(Rejection, b'{"seq":0,"reason":"x"}')


def test_a_cell_s_kind_is_not_taken_for_a_message_s() -> None:
    cell = json.loads(golden(Window))["cells"][0]
    assert decode(Cell, json.dumps(cell).encode()).kind is PointKind.SERVICE_POINT
    with pytest.raises(MessageError, match="cell: visits: "):
        decode(Cell, json.dumps(cell | {"visits": -1}).encode())


def test_versions_beside_those_read_are_refused() -> None:
    for version in range(OLDEST_READ_VERSION, SCHEMA_VERSION + 1):
        check_version(version)
    with pytest.raises(
        NewerVersionError, match="schema version 9 is newer than this reader's 1; kept raw"
    ):
        check_version(9)
    with pytest.raises(MessageError, match="older than"):
        check_version(OLDEST_READ_VERSION - 1)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"health"',
        b"{}",
        b'{"kind":"health"}',
        b'{"schema_version":1}',
        b'{"kind":3,"schema_version":1}',
        b'{"kind":"health","schema_version":true}',
        b'{"kind":"health","schema_version":"1"}',
        b'{"kind":"health","schema_version":1.0}',
        b'{"kind":"health","schema_version":0}',
        b'{"kind":"health","schema_version":1',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageError):
        peek(payload)
    with pytest.raises(MessageError):
        decode(Health, payload)


@given(st.binary(max_size=80))
def test_random_bytes_never_crash_a_reader(payload: bytes) -> None:
    with pytest.raises(MessageError):
        decode(Window, payload)


def test_a_signature_covers_device_and_every_other_field() -> None:
    ack = decode(Ack, golden(Ack))
    assert ack_signed_bytes("kiosk-7", ack.epoch, ack.up_to, ack.sha256, ack.rejected) == (
        b'{"device":"kiosk-7","epoch":"00c0ffee00c0ffee","rejected":[[41,"geometry unknown"]],'
        b'"schema_version":1,"sha256":"' + ack.sha256.encode() + b'","up_to":42}'
    )
    variants = {
        ack_signed_bytes("kiosk-7", "0" * 16, 42, "0" * 64, ()),
        ack_signed_bytes("kiosk-8", "0" * 16, 42, "0" * 64, ()),
        ack_signed_bytes("kiosk-7", "1" * 16, 42, "0" * 64, ()),
        ack_signed_bytes("kiosk-7", "0" * 16, 43, "0" * 64, ()),
        ack_signed_bytes("kiosk-7", "0" * 16, 42, "1" * 64, ()),
        ack_signed_bytes("kiosk-7", "0" * 16, 42, "0" * 64, (Rejection(seq=1, reason="é"),)),
    }
    assert len(variants) == 6


@pytest.mark.parametrize(
    ("share", "band"),
    [
        (1.0, "99-100"),
        (0.99, "99-100"),
        (0.95, "95-99"),
        (0.8, "80-95"),
        (0.5, "50-80"),
        (0, "0-50"),
    ],
)
def test_coverage_travels_as_a_band(share: float, band: str) -> None:
    assert Coverage.of(share) == band
