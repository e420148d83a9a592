"""A server's wish is followed where it tightens, and refused with a reason where it would not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tightening import Tightened, lengthens, weighed
from firmware_cfg.messages import Desired

WISHES: dict[str, tuple[Desired, tuple[str, ...], tuple[str, ...]]] = {
    "nothing": (Desired(), (), ()),
    "what is in force": (Desired(k=10, window_s=1800), (), ()),
    "a higher k": (Desired(k=11), ("k = 11",), ()),
    "a lower k": (Desired(k=9), (), ("k = 9: 10 is in force",)),
    "a longer window": (Desired(window_s=3600), ("window_s = 3600 from the next start",), ()),
    "a shorter window": (Desired(window_s=900), (), ("window_s = 900: 1800 is in force",)),
    "a window that is none": (Desired(window_s=2000), (), ("window_s = 2000: 1800 is in",)),
    "one of each": (Desired(k=12, window_s=900), ("k = 12",), ("window_s = 900",)),
}


@pytest.mark.parametrize("name", WISHES)
def test_only_what_tightens_is_followed(name: str) -> None:
    wish, applied, refused = WISHES[name]
    found = weighed(wish, 10, 1800)
    assert found.applied == applied
    assert len(found.refused) == len(refused)
    assert all(map(str.startswith, found.refused, refused))


@given(st.integers(5, 1000), st.integers(5, 1000), st.sampled_from([900, 1800, 3600]))
def test_no_wish_ever_loosens(wished: int, k: int, window_s: int) -> None:
    found = weighed(Desired(k=wished), k, window_s)
    assert bool(found.applied) is (wished > k)
    assert bool(found.refused) is (wished < k)
    assert weighed(Desired(k=k, window_s=window_s), k, window_s) == Tightened()
    assert not any(lengthens(one, window_s) for one in (None, *range(900, window_s + 1)))
