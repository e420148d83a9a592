"""Logs as files: every mistake has its line; what is erased is gone."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.certify.log_file import HEADER, check_erasable, erase, read_log
from edge.certify.values import Counter, Logged
from edge.certify.visits_file import read_visits
from edge.errors import InputFileError, UsageError

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2027, 3, 1, 1, 0, 0, tzinfo=UTC)  # 09:00 in Shanghai


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("60,70.5,80,200", Logged(60.0, 70.5, 80.0, 200.0)),
        ("60,,,200", Logged(60.0, None, None, 200.0)),
        ("60,, 80 ,200", Logged(60.0, None, 80.0, 200.0)),
        ("09:01:00,09:01:10.5,,09:03:20", Logged(60.0, 70.5, None, 200.0)),
        ("9:01:00,,,9:03:20", Logged(60.0, None, None, 200.0)),
        ("08:59:30,,,09:03:20", Logged(-30.0, None, None, 200.0)),
        ("23:59:50,,,00:00:10", Logged(53990.0, None, None, 54010.0)),
        ("2027-03-01 09:01:00,,,2027-03-01 09:03:20", Logged(60.0, None, None, 200.0)),
        ("2027-03-01T01:01:00Z,,,2027-03-01T10:03:20+09:00", Logged(60.0, None, None, 200.0)),
    ],
)
def test_times_are_read_in_each_form(tmp_path: Path, row: str, expected: Logged) -> None:
    assert read_log(written(tmp_path, f"{HEADER}\n\n{row}\n"), START, SHANGHAI) == [expected]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "expected the header arrived,greeted,served,left and no other column, found an"),
        ("60,,,200\n", 1, "expected the header"),
        (f"{HEADER},observer\n60,,,200,Li\n", 1, "no other column, found 'arrived,greeted,served,"),
        (f"{HEADER}\n60,,,200\n60,,200\n", 3, f"expected {HEADER}, found 3 columns"),
        (f"{HEADER}\n60,,,200,Li\n", 2, f"expected {HEADER}, found 5 columns"),
        (f"{HEADER}\n,,,200\n", 2, "arrived: expected a time, found nothing"),
        (f"{HEADER}\n60,,,\n", 2, "left: expected a time, found nothing"),
        (f"{HEADER}\nsoon,,,200\n", 2, "arrived: expected seconds, HH:MM:SS or YYYY"),
        (f"{HEADER}\n-5,,,200\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\nnan,,,200\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\n25:01:00,,,26:00:00\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\n09:01,,,09:02\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\n2027-02-30 09:00:00,,,200\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\n0001-01-01 00:00:00,,,200\n", 2, "arrived: expected seconds"),
        (f"{HEADER}\n60,,,200\n\n09:01:00,,,200\n", 4, "arrived: expected seconds as above"),
        (f"{HEADER}\n60,,,60\n", 2, "left: expected a time after arrived 60, found 60"),
        (f"{HEADER}\n60,50,,90\n", 2, "greeted: expected a time after arrived 60, found 50"),
        (f"{HEADER}\n60,70,65,90\n", 2, "served: expected a time after greeted 70, found 65"),
        (f"{HEADER}\n60,70,80,75\n", 2, "left: expected a time after served 80, found 75"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputFileError) as caught:
        read_log(path, START, SHANGHAI)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputFileError, match=r":1: expected text, found byte 0xff"):
        read_log(path, START, SHANGHAI)
    with pytest.raises(InputFileError, match=r":1: cannot be read"):
        read_log(tmp_path / "none.csv", START, SHANGHAI)


def test_what_is_erased_is_overwritten_and_gone(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n" + "60,,,200\n" * 20_000)
    size = path.stat().st_size
    with path.open("rb") as held:  # whoever has it open reads zeros
        erase(path)
        assert held.read() == bytes(size)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_erased_is_refused_first(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER)
    check_erasable(path)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with pytest.raises(UsageError, match="expected a plain file with one name"):
        check_erasable(link)
    os.link(path, tmp_path / "second.csv")
    with pytest.raises(UsageError, match="--keep-log"):
        check_erasable(path)


GOOD = (
    '{"service_point": "counter-1", "queue": null, "arrived_s": 1, "greeted_s": null, '
    '"service_started_s": null, "departed_s": 30.5, "left_censored": false, "outcome": "abandoned"}'
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (GOOD, "[1]", "expected a visit as a JSON object, found '[1]'"),
        (GOOD, "{", "expected a visit as a JSON object"),
        ('"queue": null, ', "", "expected the field queue, found none"),
        ("30.5", '"late"', "departed_s: expected seconds or null, found 'late'"),
        ("30.5", "NaN", "departed_s: expected seconds or null, found nan"),
        ("30.5", "true", "departed_s: expected seconds or null, found True"),
        ("30.5", "0.5", "departed_s: expected at least 1, found 0.5"),
        ('"arrived_s": 1,', '"arrived_s": null,', "arrived_s: expected seconds, found null"),
        ("false", "0", "left_censored: expected true or false, found 0"),
        ('"abandoned"', '"lost"', "outcome: expected one of served, greeted_only"),
        ('"counter-1"', "7", "service_point: expected a name or null, found 7"),
    ],
)
def test_a_wrong_visit_is_named_by_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{GOOD.replace(old, new)}\n")
    with pytest.raises(InputFileError) as caught:
        read_visits(path, Counter("counter-1"))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert message in str(caught.value)


def test_other_counters_visits_are_left_out(tmp_path: Path) -> None:
    lines = [
        GOOD,
        GOOD.replace('"counter-1"', '"counter-2"'),
        GOOD.replace('"counter-1"', "null").replace('"queue": null', '"queue": "shared"'),
        GOOD.replace('"counter-1"', "null").replace('"queue": null', '"queue": "other"'),
    ]
    visits = read_visits(written(tmp_path, "\n".join(lines)), Counter("counter-1", {"shared"}))
    assert [visit.own for visit in visits] == [True, False]
