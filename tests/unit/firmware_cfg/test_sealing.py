"""The form in which a window message travels."""

from __future__ import annotations

import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.errors import MessageError
from firmware_cfg.sealing import (
    MOST_TEXT_BYTES,
    MOST_WINDOW_BYTES,
    WINDOW_BYTES_A_DAY,
    opened,
    sealed,
    sealed_bytes,
    window_bytes,
)


@given(st.binary(max_size=2000))
def test_what_was_sealed_is_opened(text: bytes) -> None:
    payload = sealed(text, 4096, "test")
    assert len(payload) == 4096
    assert opened(payload) == text


@pytest.mark.parametrize("windows", range(1, 101))
def test_a_day_takes_no_more_than_its_share(windows: int) -> None:
    size = window_bytes(windows)
    assert windows * size <= WINDOW_BYTES_A_DAY or windows < 9
    assert 1024 <= size <= MOST_WINDOW_BYTES
    assert size % 64 == 0


def test_json_is_taken_as_it_stands() -> None:
    assert opened(b'{"kind":"health"}') == b'{"kind":"health"}'


def test_what_does_not_fit_is_refused_and_says_by_how_much() -> None:
    noise = Random(1).randbytes(3000)  # noqa: S311 - repeatable
    with pytest.raises(MessageError, match=f"one: {sealed_bytes(noise)} bytes, at most 1408 fit"):
        sealed(noise, 1408, "one")


WHOLE = sealed(b"a text" * 50, 1408, "test")
BOMB = zlib.compress(b" " * (MOST_TEXT_BYTES + 1), 9)
BAD = {
    "cut": WHOLE[:10],
    "damaged": WHOLE[:12] + b"\xff\xff" + WHOLE[14:],
    "something behind the end": WHOLE[:-1] + b"x",
    "a second text behind the first": zlib.compress(b"one") + zlib.compress(b"two"),
    "larger than any message": BOMB,
    "no more than a head": b"\x78\xda",
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(MessageError, match="expected"):
        opened(BAD[name])
