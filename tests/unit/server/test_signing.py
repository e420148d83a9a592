"""The signing key: made once, for the owner's eyes only, and its signatures hold."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firmware_cfg.messages import Rejection, ack_signed_bytes
from server.cli import main
from server.errors import KeyFileError
from server.signing import KEY_FILE, open_key
from server.testing import EPOCH


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = open_key(tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert open_key(tmp_path).public_hex == key.public_hex
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(KeyFileError, match="0600"):
        open_key(tmp_path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("nonsense")
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(KeyFileError, match="Ed25519"):
        open_key(tmp_path)


def test_the_signature_covers_device_and_every_field(tmp_path: Path) -> None:
    key = open_key(tmp_path)
    rejected = (Rejection(seq=3, reason="newer"),)
    ack = key.acknowledge("kiosk-1", EPOCH, 7, "a" * 64, rejected)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public_hex))
    signature = bytes.fromhex(ack.signature)
    public.verify(signature, ack_signed_bytes("kiosk-1", EPOCH, 7, "a" * 64, rejected))
    for forged in (
        ack_signed_bytes("kiosk-2", EPOCH, 7, "a" * 64, rejected),
        ack_signed_bytes("kiosk-1", EPOCH, 8, "a" * 64, rejected),
        ack_signed_bytes("kiosk-1", EPOCH, 7, "a" * 64, ()),
    ):
        with pytest.raises(InvalidSignature):
            public.verify(signature, forged)


def test_the_command_prints_the_public_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == open_key(tmp_path).public_hex


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--broker", "127.0.0.1:1883", "--http", "0.0.0.0:8080"],
            "other machines reach this address",
        ),
        (["--broker", "nowhere"], "expected HOST:PORT"),
    ],
)
def test_a_wrong_address_is_explained(
    tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--state", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err
