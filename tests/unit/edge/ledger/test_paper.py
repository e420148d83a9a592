"""Codes on paper: copied right they read back, copied wrong they say where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.errors import LedgerInputError
from edge.ledger.head import Head
from edge.ledger.paper import ALPHABET, check_digit, fingerprint, head_code, read_head_code

heads = st.builds(
    lambda ledger, size, root, minutes: Head(ledger.hex(), size, root, 60 * minutes),
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**40 - 1),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**32 - 1),
)
digits = st.lists(st.integers(0, 31), min_size=4, max_size=4)


@given(heads)
def test_a_code_reads_back(head: Head) -> None:
    code = head_code(head)
    assert [len(group) for group in code.split(" ")] == [5] * 15
    for typed in (code, code.lower(), code.replace(" ", "-"), code.replace(" ", "\n")):
        read = read_head_code(typed.replace("0", "o").replace("1", "l"))
        assert (read.size, read.window, read.signature) == (head.size, head.window, None)
        assert read.matches(head.root)
        assert read.of_ledger(head.ledger)


@given(digits, st.integers(0, 3), st.integers(1, 31), st.integers(0, 14))
def test_one_wrong_digit_is_found(group: list[int], at: int, by: int, place: int) -> None:
    wrong = list(group)
    wrong[at] = (wrong[at] + by) % 32
    assert check_digit(place, wrong) != check_digit(place, group)


@given(digits, st.integers(0, 2), st.integers(0, 14), st.integers(0, 14))
def test_swapped_digits_and_groups_are_found(
    group: list[int], at: int, place: int, other: int
) -> None:
    swapped = list(group)
    swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
    if swapped != group:
        assert check_digit(place, swapped) != check_digit(place, group)
    if other != place:
        assert check_digit(other, group) != check_digit(place, group)


def test_a_mistyped_code_names_its_group() -> None:
    head = Head("00c0ffee00c0ffee", 1503, bytes(range(32)), 1_803_891_600)
    groups = head_code(head).split(" ")
    wrong = [*groups]
    wrong[6] = wrong[6][:-1] + ALPHABET[(ALPHABET.index(wrong[6][-1]) + 1) % 32]
    with pytest.raises(LedgerInputError, match=r"group 7, .* is mistyped"):
        read_head_code(" ".join(wrong))
    another = head_code(Head("00c0ffee00c0ffee", 1504, bytes(range(32)), 1_803_891_600)).split(" ")
    with pytest.raises(LedgerInputError, match="not of one code"):
        read_head_code(" ".join([*another[:7], *groups[7:]]))
    for text in ("", "hello", " ".join(groups[:-1]), "*" * 75, groups[0]):
        with pytest.raises(LedgerInputError):
            read_head_code(text)


def test_a_fingerprint_is_short_and_its_own() -> None:
    prints = {fingerprint(bytes([n]) * 32) for n in range(50)}
    assert len(prints) == 50
    assert all(len(one) == 23 for one in prints)
