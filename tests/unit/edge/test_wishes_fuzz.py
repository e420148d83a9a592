"""Hostile messages at the device: only what the server signed settles, wishes only tighten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from edge.clock import Stamp
from edge.testing import MemoryOutbox, a_site
from edge.uplink import Reporter
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Desired
from tests.bench.fuzz_messages import fuzz
from tests.bench.fuzz_messages_ends import DeviceReader
from tests.bench.fuzz_messages_oracle import Judge


@pytest.fixture
def device(tmp_path: Path) -> Iterator[DeviceReader]:
    made = DeviceReader(tmp_path, Random(13), Judge())  # noqa: S311 - repeatable
    yield made
    made.close()


def test_hostile_acknowledgements_and_wishes_do_no_harm(device: DeviceReader) -> None:
    tally = fuzz(device, 1000)
    assert tally.complaints == []
    accepted = Counter(made.split()[0] for made in tally.accepted.elements())
    assert min(accepted["ack"], accepted["desired"], tally.refused.total()) > 20


@pytest.mark.parametrize(
    "wish",
    ['"k":1001', '"k":1' + "0" * 4000, '"k":4', '"k":10.0', '"window_s":1e9', '"window_s":899'],
)
def test_a_wish_out_of_range_never_reaches_the_configuration(wish: str) -> None:
    with pytest.raises(MessageError, match=r"k: |window_s: "):
        decode(Desired, b'{"kind":"desired","schema_version":1,' + wish.encode() + b"}")


def test_the_strictest_wish_is_still_a_configuration() -> None:
    outbox = MemoryOutbox()
    reporter = Reporter(a_site(), outbox, "nanodet", Stamp())
    reporter.tighten(Desired(k=1000, window_s=86_400))
    assert reporter.k == 1000
    assert Reporter(a_site(), outbox, "nanodet", Stamp()).window_s == 1800
