"""Topics come back, and no other name is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.errors import MessageError
from firmware_cfg.topics import DEVICE_ID_PATTERN, PREFIX, Kind, parse_topic, topic


@given(st.from_regex(DEVICE_ID_PATTERN.replace("$", r"\Z")), st.sampled_from(Kind))
def test_a_topic_comes_back(device: str, kind: Kind) -> None:
    assert parse_topic(topic(device, kind)) == (device, kind)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "encounter/v1",
        "encounter/v1/kiosk-7",
        "encounter/v1/kiosk-7/up",
        "encounter/v1/kiosk-7/up/other",
        "encounter/v1/kiosk-7/down/window",
        "encounter/v1/kiosk-7/up/window/more",
        "encounter/v2/kiosk-7/up/window",
        "encounter/v1//up/window",
        "encounter/v1/Kiosk/up/window",
        "encounter/v1/kiosk-7\n/up/window",
        "encounter/v1/-kiosk/up/window",
        "kiosk-7/up/window",
        f"x{PREFIX}/kiosk-7/up/window",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(MessageError):
        parse_topic(name)
