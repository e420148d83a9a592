"""Hashes change with the meaning of a site file, and with nothing else."""

from __future__ import annotations

import re

import pytest

from firmware_cfg.docs import EXAMPLE
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.load import parse_site

TWO_POINTS = """\
[[service_point]]
id = "b"
service_zone_px = [[1, 1], [9, 1], [9, 9]]
[[service_point]]
id = "a"
service_zone_px = [[21, 1], [29, 1], [29, 9]]
[[queue]]
id = "q"
zone_px = [[1, 11], [9, 11], [9, 19]]
feeds = ["a", "b"]
[camera]
size_px = [640, 480]
"""


def hashes(text: str) -> tuple[str, str]:
    site = parse_site(text)
    return geometry_hash(site), expectations_hash(site)


def test_hashes_are_sha256_in_hexadecimal() -> None:
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes(EXAMPLE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[617, 479]", "[[617.5, 479]"),
        ("[1280, 720]", "[1281, 720]"),
        ("[-2.5, 3.0]", "[-2.4, 3.0]"),
        ('feeds = ["counter-1"]', 'feeds = ["counter-1"]\nanchor = "head"'),
        ('feeds = ["counter-1"]', ""),
    ],
)
def test_geometry_changes_one_hash(old: str, new: str) -> None:
    before, after = hashes(EXAMPLE), hashes(EXAMPLE.replace(old, new, 1))
    assert (before[0] == after[0], before[1] == after[1]) == (False, True)


def test_expectations_change_the_other_hash() -> None:
    before, after = hashes(EXAMPLE), hashes(EXAMPLE.replace("greet_within_s = 20", "merge_s = 20"))
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("team_size = 6", "team_size = 7\nk = 20"),
        ("Asia/Shanghai", "Europe/Berlin"),
        ('"pi5"', '"pi4"'),
        ("[617, 479]", "[617.0, 479.0]"),
        ("greet_within_s = 20", "greet_within_s = 20.0\nserve_within_s = 180"),
        ('feeds = ["counter-1"]', 'feeds = ["counter-1"]\nanchor = "foot"'),
    ],
)
def test_what_is_neither_changes_none(old: str, new: str) -> None:
    assert hashes(EXAMPLE) == hashes(EXAMPLE.replace(old, new, 1))


def test_the_order_of_zones_does_not_count() -> None:
    first, second, queue, camera = re.split(r"\n(?=\[)", TWO_POINTS.rstrip())
    swapped = f"{camera}\n{first}\n{second}\n{queue}".replace('["a", "b"]', '["b", "a"]')
    assert swapped != TWO_POINTS
    assert hashes(TWO_POINTS) == hashes(swapped)


def test_the_hash_of_a_known_site_stays() -> None:
    assert hashes(TWO_POINTS) == (
        "a479331fdf46bab87acdf4c7a4b684d1d3cc189bf96eac5c1809e1f7d5eb44b6",
        "091a9a974fb165fa3e798154133a49188457c8d0882b80f8ee246fff6a40ee68",
    )
