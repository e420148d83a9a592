"""A key that is given twice means two things: every reader refuses it, and names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_cfg import json_text
from firmware_cfg.codec import decode, encode, peek
from firmware_cfg.errors import MessageError, NewerVersionError
from firmware_cfg.json_text import check_single_keys
from firmware_cfg.messages import MODELS, LedgerHead, Message, Window
from firmware_cfg.sealing import sealed

GOLDEN = Path(__file__).parent / "golden" / "v1"
MARK = "@twice"
Json = object


def kind_of(model: type[Message]) -> str:
    return str(model.model_fields["kind"].default)


def golden(kind: str) -> str:
    return json.dumps(json.loads((GOLDEN / f"{kind}.json").read_bytes()), ensure_ascii=False)


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Every object of a value, nested ones too."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value:  # type: ignore[attr-defined]
        if isinstance(one, dict | list):
            yield from objects(one)


def doubled(text: str) -> Iterator[tuple[str, bytes]]:
    """A key, and the text with it twice: for the first key of every object, with equal values."""
    for at in range(len(list(objects(json.loads(text))))):
        value = json.loads(text)
        table = list(objects(value))[at]
        if table:
            key = next(iter(table))
            table[MARK] = table[key]
            yield key, json.dumps(value).replace(json.dumps(MARK), json.dumps(key)).encode()


CASES = [(model, *case) for model in MODELS for case in doubled(golden(kind_of(model)))]


@pytest.mark.parametrize("seal", [bytes, lambda text: sealed(text, 16_384, "test")])
def test_a_key_twice_in_any_object_is_refused_and_named(seal: Callable[[bytes], bytes]) -> None:
    assert {kind_of(model) for model, _, _ in CASES} == {kind_of(model) for model in MODELS}
    assert len(CASES) > 30  # cells, outcomes, histograms, heads, queues, rejections …
    for model, key, text in CASES:
        with pytest.raises(MessageError) as refused:
            decode(model, seal(text))
        assert str(refused.value).startswith(f"{kind_of(model)}: key '{key}' is given twice")


@pytest.mark.parametrize("model", MODELS)
def test_the_same_key_in_two_objects_is_no_doubled_key(model: type[Message]) -> None:
    assert kind_of(type(decode(model, golden(kind_of(model)).encode()))) == kind_of(model)


@pytest.mark.parametrize("version", ["9", "1"])
def test_a_version_given_twice_is_not_a_newer_one(version: str) -> None:
    text = golden("desired").replace("{", '{"schema_version": ' + version + ", ", 1).encode()
    with pytest.raises(MessageError, match="key 'schema_version' is given twice") as refused:
        decode(dict(zip(map(kind_of, MODELS), MODELS, strict=True))["desired"], text)
    assert not isinstance(refused.value, NewerVersionError)


def test_another_spelling_is_the_same_key() -> None:
    text = golden("desired").replace("{", '{"\\u006bind": "desired", ', 1).encode()
    with pytest.raises(MessageError, match="key 'kind' is given twice"):
        decode(MODELS[-1], text)


def test_a_doubled_bucket_is_refused_where_the_last_would_have_won() -> None:
    text = golden("window").replace('"event": {', '"event": {"3": 5, "3": 1, ', 1).encode()
    with pytest.raises(MessageError, match="key '3' is given twice"):
        decode(MODELS[0], text)


@pytest.mark.parametrize("key", ["kind", "schema_version", "new"])
def test_kind_and_version_are_not_read_from_a_doubled_text(key: str) -> None:
    text = '{"kind": "health", "schema_version": 1, "new": 1, "' + key + '": 2}'
    with pytest.raises(MessageError, match=f"message: key '{key}' is given twice"):
        peek(text.encode())


def test_a_value_without_a_version_of_its_own_is_read_as_strictly() -> None:
    head = LedgerHead.model_validate(json.loads(golden("health"))["ledger"] | {})
    text = encode(head).replace(b"{", b'{"size": 3, ', 1)
    with pytest.raises(MessageError, match="ledgerhead: key 'size' is given twice"):
        decode(LedgerHead, text)


@pytest.mark.parametrize("key", ["x" * 100_000, "a\\nb\\u0000c", "\\u001b[2J", "\\u2028"])
def test_a_hostile_doubled_key_is_named_shortly_and_on_one_line(key: str) -> None:
    text = golden("desired").replace("{", '{"' + key + '": 1, "' + key + '": 2, ', 1).encode()
    with pytest.raises(MessageError, match="is given twice") as refused:
        decode(MODELS[-1], text)
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


KEYS = ['"a"', '"b"', r'"\u0061"', '"1"', '"é"', r'"\u00e9"', '""', r'"\ud800"', '"a']
SCALARS = ["1", "-0", "1.0", "1e2", "1e400", "NaN", "true", '"a"', r'"\/"', "9" * 5000, "01", "x"]
GAPS = ["", "", "", " ", "\n", "\x00"]


def objects_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(GAPS), values), max_size=4)
    return pairs.map(lambda told: "{" + ",".join(f"{k}{gap}:{v}" for k, gap, v in told) + "}")


def lists_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda told: "[" + ",".join(told) + "]")


HOSTILE = st.recursive(
    st.sampled_from(SCALARS), lambda one: objects_of(one) | lists_of(one), max_leaves=8
)


def found_by(text: bytes) -> str:
    try:
        check_single_keys(text, "message")
    except MessageError as error:
        return str(error)
    return "nothing"


@given(HOSTILE, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_text_that_is_written_back_has_nothing_that_a_look_at_each_key_would_find(
    text: str, broken: bool
) -> None:
    told = text.encode()[: -1 if broken else None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_is_written_back", lambda _: False)
        by_looking = found_by(told)
    assert found_by(told) == by_looking
    if by_looking != "nothing":
        assert not json_text._is_written_back(told)


def test_a_window_of_our_own_is_written_back() -> None:
    window = decode(Window, golden("window").encode())
    assert json_text._is_written_back(window.model_dump_json().encode())
