"""Tables that `replay` reads: every mistake is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.detections_file import read_detections, read_times, records, times_at
from edge.errors import InputFileError

GOOD = "1,-1,10,20,30,40,0.5,-1,-1,-1"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.txt"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,-1,10,20,30", "expected frame,-1,left,top,width,height,score,…, found '1,-1,10,20,30'"),
        (GOOD + ",7", "expected frame,-1,left,top"),
        ("0,-1,10,20,30,40,0.5", "frame: expected a whole number from 1 to 100000000, found '0'"),
        ("1.5,-1,10,20,30,40,0.5", "frame: expected a whole number"),
        ("9e12,-1,10,20,30,40,0.5", "frame: expected a whole number"),
        ("x,-1,10,20,30,40,0.5", "frame: expected a number, found 'x'"),
        ("1,-1,ten,20,30,40,0.5", "left: expected a number, found 'ten'"),
        ("1,-1,10,nan,30,40,0.5", "top: expected a number, found 'nan'"),
        ("1,-1,10,20,0,40,0.5", "expected width and height > 0, found 0 × 40"),
        ("1,-1,10,20,30,-4,0.5", "expected width and height > 0, found 30 × -4"),
        ("1,-1,10,20,30,40,", "score: expected a number, found ''"),
    ],
)
def test_a_wrong_detection_is_named_by_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{line}\n")
    with pytest.raises(InputFileError) as caught:
        read_detections(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "expected the header frame,t_s, found an empty file"),
        ("1,0.0\n", 1, "expected the header frame,t_s, found '1,0.0'"),
        ("frame,t_s\n1,0,0\n", 2, "expected frame,t_s, found '1,0,0'"),
        ("frame,t_s\n1,0\n1,0.1\n", 3, "expected frame and t_s to rise, found '1,0.1' after 1,0"),
        ("frame,t_s\n1,0.5\n2,0.5\n", 3, "expected frame and t_s to rise"),
        ("frame,t_s\n1,soon\n", 2, "t_s: expected a number, found 'soon'"),
    ],
)
def test_a_wrong_time_is_named_by_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputFileError) as caught:
        read_times(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot be read"):
        read_detections(tmp_path / "none.txt")
    path = tmp_path / "bytes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputFileError, match=r"bytes\.txt:1: expected text, found byte 0xff"):
        read_detections(path)


def test_windows_line_ends_and_marks_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_bytes("\ufeffframe,t_s\r\n1,0\r\n3,0.25\r\n".encode())
    assert read_times(path) == [(1, 0), (3, 250_000)]


def test_boxes_keep_what_lies_beyond_the_picture_and_those_outside_are_dropped(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, f"1,-1,-5,20,30,500,0.5\n1,-1,400,20,30,40,0.5\n{GOOD}\n")
    (first, second) = records(read_detections(path), times_at(10, 2), (200, 100))
    assert first.boxes_xyxy_px.tolist() == [[-5, 20, 25, 520], [10, 20, 40, 60]]
    assert (len(second.scores), second.t_s) == (0, 0.1)
