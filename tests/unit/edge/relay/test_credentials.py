"""Credentials come from a file that nobody else can read, and are never repeated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.cli import main
from edge.relay.address import parse_address
from edge.relay.credentials import parse_credentials, read_credentials, receive_credentials
from edge.relay.errors import RelayInputError

SECRETS = ("s3cret", "me-myself")


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "content", [b"me\npass word:@/\n", b"me\npass word:@/", b"me\r\npass word:@/\r\n"]
)
def test_two_lines_are_user_and_password(tmp_path: Path, content: bytes) -> None:
    read = read_credentials(written(tmp_path / "camera", content))
    assert (read.user, read.password) == ("me", "pass word:@/")
    assert "pass" not in repr(read)
    assert "me" not in repr(read).removeprefix("Credentials")
    assert parse_credentials(read.encoded(), "again") == read


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"me-myself",
        b"me-myself\n",
        b"me-myself:s3cret\n",
        b"me-myself\n\n",
        b"\ns3cret\n",
        b"me-myself\ns3cret\nmore\n",
        b"me-myself\ns3\x07cret\n",
        b"me-myself\ns3cret\xff\n",
        b"me-myself\n" + b"s3cret" * 1000,
    ],
)
def test_other_content_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "camera", content)
    with pytest.raises(RelayInputError) as caught:
        read_credentials(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:")
    assert "expected two lines" in said
    assert not any(secret in said for secret in SECRETS)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "camera", b"me-myself\ns3cret\n", mode)
    with pytest.raises(RelayInputError, match=rf"chmod 600\), found mode {mode:04o}"):
        read_credentials(path)


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir()
    for name, found in (
        ("nowhere", "No such file"),
        ("pipe", "found no regular file"),
        ("folder", "found no regular file"),
    ):
        with pytest.raises(RelayInputError, match=found):
            read_credentials(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "camera", b"me-myself\ns3cret\n")
    os.chown(path, 65534, 65534)
    with pytest.raises(RelayInputError, match="another user's"):
        read_credentials(path)


def test_they_pass_by_a_descriptor_that_is_closed_afterwards() -> None:
    reader, writer = os.pipe()
    os.write(writer, parse_credentials(b"me\nsecret\n", "x").encoded())
    os.close(writer)
    address = parse_address("rtsp://camera/live").known_as(receive_credentials(reader))
    assert (address.user, address.password) == ("me", "secret")
    assert "secret" not in repr(address)
    assert address.url == "rtsp://camera:554/live"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


@pytest.mark.parametrize(
    "url",
    ["rtsp://me-myself:s3cret@camera/live", "rtsp://me-myself@camera/", "rtsp://:s3cret@camera/"],
)
def test_run_refuses_an_address_with_credentials_and_does_not_repeat_it(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--source", url, "--site", str(tmp_path / "site.toml")]) == 2
    said = capsys.readouterr().err
    assert "--credentials FILE" in said
    assert not any(secret in said for secret in SECRETS)


def test_run_refuses_a_readable_file_and_credentials_without_a_camera(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = str(tmp_path / "site.toml")
    path = str(written(tmp_path / "camera", b"me-myself\ns3cret\n", 0o644))
    url = "rtsp://camera/live"
    assert main(["run", "--source", url, "--site", site, "--credentials", path]) == 2
    assert main(["run", "--source", "v.mp4", "--site", site, "--credentials", path]) == 2
    said = capsys.readouterr().err
    assert f"{path}: expected a file that only its owner can read" in said
    assert "expected with a network camera" in said
    assert "s3cret" not in said
