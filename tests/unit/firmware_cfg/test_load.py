"""Reading a site file: every mistake at once, each at its line, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.docs import EXAMPLE
from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import load_site, parse_site
from firmware_cfg.profiles import PROFILES
from firmware_cfg.site import Device

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = """\
[camera]
size_px = [640, 480]
[[service_point]]
id = "counter-1"
service_zone_px = [[10, 10], [100, 10], [100, 90]]
"""

FIVE_MISTAKES = """\
[camera]
size_px = [1280, 720]

[[queue]]
id = "queue-1"
zone_px = [
  [0, 600],
  [820, 720],
  [94, 504],
  [736, 504],
]
feeds = ["counter-9"]

[[service_point]]
id = "counter-1"
service_zone_px = [[617, 479], [847, 479],
                   [847, 800], [617, 490]]
colour = "red"

[encounter]
min_stay_s = 6
greet_within_s = 0
"""


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(SiteFileError) as caught:
        parse_site(text)
    return [(one.line, one.key, one.message) for one in caught.value.problems]


def test_five_mistakes_in_five_places_are_reported_in_one_go() -> None:
    assert problems(FIVE_MISTAKES) == [
        (
            6,
            "queue[0].zone_px",
            (
                "expected edges that do not cross, found that the edge [820, 720]–[94, 504] meets "
                "the edge [736, 504]–[0, 600]; give the points in the order in which one walks "
                "around the zone"
            ),
        ),
        (
            12,
            "queue[0].feeds[0]",
            'expected the id of a service point (here: "counter-1"), found "counter-9"',
        ),
        (
            17,
            "service_point[0].service_zone_px[2]",
            "expected a point inside the picture of 1280 × 720 px, found [847, 800]",
        ),
        (18, "service_point[0].colour", "unknown key"),
        (22, "encounter.greet_within_s", "expected a number ≥ 1, found 0"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = \n", 2, "expected TOML, found: Invalid value (column 5)"),
        ("a = 1\na = 2\n", 2, "expected TOML, found: Cannot overwrite a value"),
        ("[a]\n[a]\n", 2, "expected TOML, found: Cannot declare ('a',) twice"),
        ("a = [1,\n2", 2, "expected TOML, found: "),
        ("a = " + "[" * 5000, 1, "expected arrays and tables that are nested less"),
        (f"a = {'[' * 300}{']' * 300}", 1, "expected arrays and tables that are nested less"),
        (f"[privacy]\nk = {'9' * 5000}", 2, "expected TOML, found: "),
        (f"[privacy]\nk = 0x{'f' * 5000}", 2, "expected TOML, found: "),
    ],
)
def test_broken_syntax_names_its_line(text: str, line: int, words: str) -> None:
    ((found_line, key, message),) = problems(text)
    assert (found_line, key) == (line, "")
    assert message.startswith(words)


def test_an_empty_file_lacks_two_tables() -> None:
    assert problems("") == [
        (1, "camera", "missing: expected a table [camera]"),
        (1, "service_point", "missing: expected one or several tables [[service_point]]"),
    ]


def test_a_mistake_in_a_section_hides_none_between_its_keys() -> None:
    text = SMALLEST + "[encounter]\nsettle_s = 20\nfacing_deg = 999\nx = 1\n"
    assert [key for _, key, _ in problems(text)] == [
        "encounter.settle_s",
        "encounter.facing_deg",
        "encounter.x",
    ]


def test_a_refused_value_raises_no_second_problem_by_its_default() -> None:
    text = SMALLEST + "[encounter]\nsettle_s = 20\nmerge_s = 4000\n"
    assert [key for _, key, _ in problems(text)] == ["encounter.merge_s"]


def test_a_zone_that_is_wrong_does_not_count_as_absent() -> None:
    text = SMALLEST.replace("[100, 90]", '[100, "x"]')
    assert [key for _, key, _ in problems(text)] == ["service_point[0].service_zone_px[2][1]"]


def test_messages_begin_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(FIVE_MISTAKES, encoding="utf-8")
    with pytest.raises(SiteFileError) as caught:
        load_site(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"{path}:") for line in lines)
    assert lines[-1] == f"{path}:22: encounter.greet_within_s: expected a number ≥ 1, found 0"


@pytest.mark.parametrize("kind", ["absent", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_a_problem_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "site.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(SiteFileError) as caught:
        load_site(path)
    (problem,) = caught.value.problems
    expected = {
        "absent": (1, "expected a file that can be read, found: No such file or directory"),
        "folder": (1, "expected a file, found a folder"),
        "bytes": (2, "expected UTF-8, found byte 0xff"),
    }
    assert (problem.line, problem.message) == expected[kind]


def test_a_byte_order_mark_and_long_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert load_site(path) == parse_site(SMALLEST)


def test_the_example_of_the_documentation_is_valid() -> None:
    site = parse_site(EXAMPLE)
    assert site.queue[0].zone_px[1] == (820.0, 720.0)
    assert site.store.closed[0].isoformat() == "2027-01-01"


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_gives_defaults_that_the_schema_accepts(name: str) -> None:
    device = parse_site(f'{SMALLEST}[device]\nprofile = "{name}"\n').device
    profile = PROFILES[name]
    chosen = (device.model, device.threads, device.max_rate_hz)
    assert chosen == (profile.model, profile.threads, profile.max_rate_hz)


def test_the_site_file_wins_over_its_profile() -> None:
    device = parse_site(f'{SMALLEST}[device]\nprofile = "pi4"\nthreads = 1\n').device
    assert (device.threads, device.max_rate_hz) == (1, PROFILES["pi4"].max_rate_hz)


def test_without_a_profile_the_generic_one_holds_and_is_the_schemas_default() -> None:
    assert parse_site(SMALLEST).device == Device()


FRAGMENTS = st.sampled_from(
    ["[camera]", "[[queue]]", "[queue]", "size_px = [640, 480]", "id = 'a'", "zone_px = 3", "k = 5"]
)


@given(st.lists(FRAGMENTS | st.text(max_size=12), max_size=12).map("\n".join))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(SiteFileError) as caught:  # none of these is a whole site
        parse_site(text)
    last = text.count("\n") + 1
    assert all(1 <= one.line <= last and one.message for one in caught.value.problems)
