"""What the author of a valid site file is told."""

from __future__ import annotations

import pytest

from firmware_cfg.docs import EXAMPLE
from firmware_cfg.load import parse_site
from firmware_cfg.review import describe_site, site_warnings

BARE = """\
[camera]
size_px = [640, 480]
[[queue]]
id = "line"
zone_px = [[10, 200], [100, 200], [100, 290]]
[[service_point]]
id = "till"
service_zone_px = [[10, 10], [100, 10], [100, 90]]
[[service_point]]
id = "desk"
service_zone_px = [[300, 10], [400, 10], [400, 90]]
staff_zone_px = [[310, 15], [390, 15], [390, 60]]
"""


def test_a_complete_site_needs_no_warning() -> None:
    assert site_warnings(parse_site(EXAMPLE)) == ()


def test_a_bare_site_is_warned_of_everything() -> None:
    assert site_warnings(parse_site(BARE)) == (
        (
            "service point till has no staff zone (self-service): "
            "greeting and interaction are impossible there"
        ),
        "no [ground]: distances are estimated from box heights, and marked so",
        "queue line names no service point in feeds: it feeds all of them",
        (
            "service point desk: its service and staff zones overlap; "
            "in the overlap, side alone does not tell staff from customers"
        ),
        "privacy.team_size is not declared: figures that depend on staff are not released",
        "no [store] opening hours: the store counts as always open",
    )


@pytest.mark.parametrize(("size", "warned"), [(1, True), (2, True), (3, False)])
def test_a_team_of_fewer_than_three_is_a_person(size: int, warned: bool) -> None:
    warnings = site_warnings(parse_site(f"{BARE}[privacy]\nteam_size = {size}\n"))
    assert any(f"team_size = {size} is below 3" in one for one in warnings) is warned


def test_a_published_site_wants_a_name_and_a_clock() -> None:
    broker = f'[broker]\nhost = "localhost"\nserver_key = "{"0" * 64}"\n'
    warnings = "\n".join(site_warnings(parse_site(BARE + broker)))
    assert "store.timezone is UTC" in warnings
    assert "device.id is the default" in warnings


def test_overlapping_counters_are_named() -> None:
    text = BARE.replace("[[300, 10], [400, 10], [400, 90]]", "[[50, 5], [400, 10], [400, 90]]")
    assert "the service zones of till and desk overlap" in site_warnings(parse_site(text))


def test_the_summary_says_what_was_understood() -> None:
    summary = describe_site(parse_site(EXAMPLE)).splitlines()
    assert "queue queue-1: feeds counter-1 (4 corners, anchor foot)" in summary
    assert "encounter: greet_within_s = 20" in summary
    assert "broker: none, nothing is published" in summary
    assert summary[0].startswith("device kiosk-7: profile pi5")
