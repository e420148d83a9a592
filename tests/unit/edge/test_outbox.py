import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import AckError, OutboxError, OutboxFullError
from edge.outbox import Counts, Outbox
from edge.testing import AckSigner
from firmware_cfg.messages import Ack, Rejection

DEVICE = "kiosk-7"
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def signer() -> AckSigner:
    return AckSigner(DEVICE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path, signer: AckSigner) -> Iterator[Outbox]:
    box = Outbox(path, 4, DEVICE, signer.public_hex)
    yield box
    box.close()


def message(epoch: str, seq: int) -> bytes:
    return f"{epoch} {seq}".encode()


def large(epoch: str, seq: int) -> bytes:
    return message(epoch, seq).ljust(16384)


def fill(outbox: Outbox, count: int) -> None:
    for _ in range(count):
        outbox.append(message, b"state")


def ack(signer: AckSigner, outbox: Outbox, up_to: int, *rejected: Rejection) -> Ack:
    return signer.ack(outbox.epoch, up_to, message(outbox.epoch, up_to), rejected)


def test_messages_wait_in_order_until_the_server_signs_for_them(
    outbox: Outbox, signer: AckSigner
) -> None:
    fill(outbox, 5)
    assert [one.seq for one in outbox.pending(3)] == [1, 2, 3]
    assert [one.seq for one in outbox.pending(3, after=3)] == [4, 5]
    settled = outbox.settle(ack(signer, outbox, 3), NOW)
    assert (settled.newly, settled.behind) == (3, False)
    assert [one.seq for one in outbox.pending(9)] == [4, 5]


def test_what_was_stored_survives_a_restart_with_its_epoch_and_state(
    outbox: Outbox, path: Path, signer: AckSigner
) -> None:
    fill(outbox, 2)
    epoch = outbox.epoch
    outbox.close()
    again = Outbox(path, 4, DEVICE, signer.public_hex)
    assert (again.epoch, again.state(), again.counts()) == (epoch, b"state", Counts(2, 0, 0))
    assert again.append(message, b"later") == 3
    again.close()


def test_no_file_holds_a_state_from_before(outbox: Outbox, path: Path) -> None:
    """Two states of one cell, subtracted, would tell the visits between them."""
    for number in range(30):
        state = f"state-{number:02}-".encode() * 900
        outbox.append(lambda epoch, seq: f"{epoch} {seq}".encode(), state)
    outbox.save_state(b"state-99")
    kept = b"".join(one.read_bytes() for one in path.parent.iterdir() if one.is_file())
    assert b"state-99" in kept
    assert [number for number in range(30) if f"state-{number:02}".encode() in kept] == []


def test_only_the_provisioned_servers_signature_settles(outbox: Outbox, signer: AckSigner) -> None:
    fill(outbox, 2)
    true = ack(signer, outbox, 2)
    lies = [
        ack(AckSigner(DEVICE), outbox, 2),
        AckSigner(DEVICE).ack(outbox.epoch, 2, b""),
        true.model_copy(update={"up_to": 1}),
        true.model_copy(update={"rejected": (Rejection(seq=1, reason="no"),)}),
        signer.ack("0123456789abcdef", 2, message(outbox.epoch, 2)),
        signer.ack(outbox.epoch, 2, b"another message"),
        signer.ack(outbox.epoch, 3, message(outbox.epoch, 3)),
    ]
    for lie in lies:
        with pytest.raises(AckError):
            outbox.settle(lie, NOW)
    assert outbox.counts() == Counts(pending=2, settled=0, rejected=0)


def test_an_acknowledgement_for_another_device_settles_nothing(path: Path) -> None:
    signer = AckSigner("kiosk-8")
    outbox = Outbox(path, 4, DEVICE, signer.public_hex)
    fill(outbox, 1)
    with pytest.raises(AckError, match="not signed"):
        outbox.settle(ack(signer, outbox, 1), NOW)
    outbox.close()


def test_a_rejected_message_is_marked_and_kept(outbox: Outbox, signer: AckSigner) -> None:
    fill(outbox, 3)
    outbox.settle(ack(signer, outbox, 3, Rejection(seq=2, reason="too new")), NOW)
    assert outbox.counts() == Counts(pending=0, settled=2, rejected=1)


def test_a_server_that_lost_messages_is_sent_them_again(outbox: Outbox, signer: AckSigner) -> None:
    fill(outbox, 6)
    outbox.settle(ack(signer, outbox, 6, Rejection(seq=5, reason="too new")), NOW)
    settled = outbox.settle(ack(signer, outbox, 2), NOW)
    assert (settled.newly, settled.behind) == (0, True)
    assert outbox.resend(above=2) == 4
    assert [one.seq for one in outbox.pending(9)] == [3, 4, 5, 6]


def test_a_server_that_has_nothing_of_this_outbox_is_sent_all(
    outbox: Outbox, signer: AckSigner
) -> None:
    fill(outbox, 5)
    nothing = signer.ack(outbox.epoch, 0, b"", ())
    assert outbox.settle(nothing, NOW).behind is False
    outbox.settle(ack(signer, outbox, 4), NOW)
    assert outbox.settle(nothing, NOW).behind
    assert outbox.resend(0) == 4
    assert [one.seq for one in outbox.pending(9)] == [1, 2, 3, 4, 5]
    assert outbox.settle(nothing, NOW).behind is False


def test_the_oldest_message_that_is_left_is_known(outbox: Outbox, signer: AckSigner) -> None:
    assert outbox.first_kept() == 1
    fill(outbox, 3)
    assert outbox.first_kept() == 1
    outbox.settle(ack(signer, outbox, 2), NOW)
    fill(outbox, 1)
    outbox.settle(ack(signer, outbox, 3), NOW + timedelta(days=36))
    assert outbox.first_kept() == 3
    outbox.settle(ack(signer, outbox, 4), NOW + timedelta(days=72))
    assert outbox.first_kept() == 4


def test_settled_messages_go_after_35_days(outbox: Outbox, signer: AckSigner) -> None:
    fill(outbox, 4)
    outbox.settle(ack(signer, outbox, 2), NOW)
    outbox.settle(ack(signer, outbox, 3), NOW + timedelta(days=34))
    assert outbox.counts().settled == 3
    outbox.settle(ack(signer, outbox, 4), NOW + timedelta(days=36))
    assert outbox.counts() == Counts(pending=0, settled=2, rejected=0)


def test_when_room_is_short_the_oldest_settled_go_first(
    outbox: Outbox, signer: AckSigner, path: Path
) -> None:
    for _ in range(60):
        outbox.append(large, b"")
    outbox.settle(signer.ack(outbox.epoch, 50, large(outbox.epoch, 50)), NOW)
    for _ in range(120):
        outbox.append(large, b"")
    counts = outbox.counts()
    assert counts.pending == 130
    assert counts.settled < 50
    assert not outbox.fault
    assert sum(one.stat().st_size for one in path.parent.iterdir()) <= 4_000_000


def test_unsettled_messages_are_never_dropped_and_the_fault_shows(
    outbox: Outbox, signer: AckSigner
) -> None:
    def fill_up() -> None:
        for _ in range(300):
            outbox.append(large, b"")

    with pytest.raises(OutboxFullError, match="none was dropped"):
        fill_up()
    stored = outbox.counts().pending
    assert 100 < stored < 200
    assert outbox.fault
    outbox.settle(signer.ack(outbox.epoch, 5, large(outbox.epoch, 5)), NOW)
    assert outbox.append(large, b"") == stored + 1
    assert not outbox.fault


@pytest.mark.parametrize("damage", ["head", "middle", "all"])
def test_a_corrupt_file_is_moved_aside_for_a_new_epoch(
    damage: str, outbox: Outbox, path: Path, signer: AckSigner
) -> None:
    for _ in range(20):
        outbox.append(large, b"")
    epoch = outbox.epoch
    outbox.close()
    content = bytearray(path.read_bytes())
    start, end = {"head": (0, 100), "middle": (4096, 40960), "all": (0, len(content))}[damage]
    content[start:end] = b"\x5a" * (end - start)
    path.write_bytes(content)
    again = Outbox(path, 4, DEVICE, signer.public_hex)
    assert again.fault
    assert again.epoch != epoch
    assert again.append(message, b"") == 1
    assert path.with_name("outbox.sqlite.corrupt").exists()
    again.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="file"):
        Outbox(tmp_path / "file" / "outbox.sqlite", 4, DEVICE, None)


def test_the_file_is_for_its_owner_alone(outbox: Outbox, path: Path) -> None:
    fill(outbox, 1)
    assert all(one.stat().st_mode & 0o077 == 0 for one in path.parent.iterdir())


KILLED = """
import sys
from pathlib import Path
from edge.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), 16, "kiosk-7", None)
while True:
    seq = outbox.append(lambda e, s: f"{e} {s}".encode(), b"")
    print(seq, flush=True)
"""


def test_kill_9_loses_nothing_that_was_stored(path: Path, signer: AckSigner) -> None:
    last = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert process.stdout is not None
        for _ in range(40):
            last = int(process.stdout.readline())
        process.kill()
        process.wait()
        process.stdout.close()
    outbox = Outbox(path, 16, DEVICE, signer.public_hex)
    stored = [one.seq for one in outbox.pending(1000)]
    assert stored == list(range(1, len(stored) + 1))
    assert len(stored) >= last
    assert not outbox.fault
    outbox.close()


def test_one_thread_stores_while_another_settles(outbox: Outbox, signer: AckSigner) -> None:
    writer = threading.Thread(target=fill, args=(outbox, 50))
    writer.start()
    settled = 0
    while settled < 50:
        waiting = outbox.pending(5)
        if waiting:
            settled += outbox.settle(ack(signer, outbox, waiting[-1].seq), NOW).newly
    writer.join()
    assert outbox.counts() == Counts(pending=0, settled=50, rejected=0)
