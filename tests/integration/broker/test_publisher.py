"""The outbox over a real broker that dies, a server that is silent, and one that lies."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.broker_link import BrokerLink
from edge.ledger.traffic import Meter
from edge.testing import AckSigner
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Desired, Health, Reported, State
from firmware_cfg.topics import Kind
from tests.brokers import BrokerProcess, free_port
from tests.integration.broker.conftest import DEVICE, Device, FarEnd, eventually

pytestmark = pytest.mark.broker


def test_messages_settle_when_the_server_has_signed_for_them(
    device: Device, far_end: FarEnd
) -> None:
    device.fill(40)
    assert eventually(lambda: device.outbox.counts().pending == 0)
    assert device.outbox.counts().settled == 40
    assert sorted(far_end.windows) == list(range(1, 41))
    assert device.publisher.status().detail.endswith("connected")


def test_a_broker_killed_mid_stream_loses_nothing(
    device: Device, far_end: FarEnd, broker: tuple[BrokerProcess, str]
) -> None:
    for _ in range(3):
        device.fill(30)
        time.sleep(0.15)
        broker[0].restart()
    device.fill(10)
    assert eventually(lambda: device.outbox.counts().settled == 100, 60)
    assert sorted(far_end.windows) == list(range(1, 101))


def test_a_broker_s_own_acknowledgement_settles_nothing(device: Device, far_end: FarEnd) -> None:
    far_end.silent = True
    device.fill(5)
    assert eventually(lambda: far_end.received >= 10)  # sent, and sent again
    assert device.outbox.counts().pending == 5
    far_end.silent = False
    assert eventually(lambda: device.outbox.counts().settled == 5)


def test_a_forged_acknowledgement_settles_nothing(device: Device, far_end: FarEnd) -> None:
    far_end.signer = AckSigner(DEVICE)
    device.fill(5)
    assert eventually(lambda: far_end.settled == 5)
    time.sleep(0.5)
    assert device.outbox.counts().pending == 5


def test_a_restored_server_is_sent_what_it_lost(device: Device, far_end: FarEnd) -> None:
    device.fill(12)
    assert eventually(lambda: device.outbox.counts().settled == 12)
    for seq in range(5, 13):
        del far_end.windows[seq]
    far_end.settled = 4
    far_end.say(Kind.ACK, encode(far_end.signer.ack(device.outbox.epoch, 4, far_end.windows[4])))
    assert eventually(lambda: sorted(far_end.windows) == list(range(1, 13)))
    assert eventually(lambda: device.outbox.counts().settled == 12)


def test_birth_configuration_and_heartbeats_are_published(device: Device, far_end: FarEnd) -> None:
    def kinds() -> set[Kind]:
        return {kind for kind, _, _ in far_end.others}

    assert eventually(lambda: kinds() >= {Kind.STATE, Kind.REPORTED, Kind.HEALTH})
    for kind, payload, _ in far_end.others:
        if kind is Kind.STATE:
            assert decode(State, payload).epoch == device.outbox.epoch
        elif kind is Kind.REPORTED:
            assert decode(Reported, payload).service_points == ("counter-1",)
        else:
            assert decode(Health, payload).disk_free_mb >= 0


def test_a_clean_stop_says_offline(device: Device, far_end: FarEnd) -> None:
    assert eventually(lambda: device.publisher.status().connected)
    assert eventually(lambda: any(kind is Kind.STATE for kind, _, _ in far_end.others))
    device.publisher.stop()
    assert eventually(lambda: not last_state(far_end).online, 5)
    assert device.publisher.status().detail.endswith("stopped")


DIES = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from edge.broker_link import BrokerLink
from edge.ledger.entry import EntryKind
from edge.ledger.traffic import Meter
from edge.outbox import Outbox
from firmware_cfg.codec import encode
from firmware_cfg.messages import State
from firmware_cfg.site import Broker
from firmware_cfg.topics import Kind

def state(online):
    return encode(State(device="kiosk-7", online=online, epoch="00000000000000aa"))

broker = Broker(
    host="127.0.0.1", port=int(sys.argv[1]), tls=False, protocol=sys.argv[2], server_key="0" * 64
)
ledger = Outbox(Path(sys.argv[3]), 64, "kiosk-7", None).ledger
sends = (EntryKind.WILL, state(False)), (EntryKind.STATE, state(True))
ledger.record(datetime.now(UTC), *sends)
link = BrokerLink(broker, "kiosk-7", state(False), ledger, Meter(tls=False))
link.open()
link.publish(Kind.STATE, state(True))
while link.unacknowledged:
    link.step(0.1)
os.kill(os.getpid(), 9)
"""


def test_the_will_tells_of_a_device_that_was_killed(
    broker: tuple[BrokerProcess, str], far_end: FarEnd, tmp_path: Path
) -> None:
    process, protocol = broker
    assert eventually(lambda: far_end._client is not None and far_end._client.is_connected())
    time.sleep(0.2)
    arguments = [str(process.port), protocol, str(tmp_path / "outbox.sqlite")]
    subprocess.run([sys.executable, "-c", DIES, *arguments], check=False)
    assert eventually(lambda: len(far_end.others) >= 2)
    assert not last_state(far_end).online


def test_a_server_s_wish_reaches_the_appliance(device: Device, far_end: FarEnd) -> None:
    assert eventually(lambda: device.publisher.status().connected)
    far_end.say(Kind.DESIRED, encode(Desired(k=20)))
    wishes: list[Desired] = []

    def came() -> bool:
        wish = device.publisher.take_desired()
        wishes.extend([wish] if wish else [])
        return bool(wishes)

    assert eventually(came)
    assert wishes == [Desired(k=20)]


def test_no_wish_is_lost_to_one_that_comes_before_it_is_taken(
    make_device: Callable[[int, str], Device],
) -> None:
    device = make_device(free_port(), "5")
    assert device.site.broker is not None
    link = BrokerLink(device.site.broker, DEVICE, b"", device.outbox.ledger, Meter(tls=False))
    wishes = [Desired(k=20), Desired(window_s=3600)]
    link.inbox.extend((Kind.DESIRED, encode(wish)) for wish in wishes)
    device.publisher._read(link)
    taken = [device.publisher.take_desired() for _ in range(3)]
    assert taken == [*wishes, None]


def test_an_unreachable_broker_is_a_state_with_a_reason(
    make_device: Callable[[int, str], Device],
) -> None:
    port = free_port()
    device = make_device(port, "5")
    device.fill(1)
    where = f"broker 127.0.0.1:{port}: connection refused"
    assert eventually(lambda: device.publisher.status().detail.startswith(where))
    assert not device.publisher.status().connected
    assert device.outbox.counts().pending == 1


def last_state(far_end: FarEnd) -> State:
    states = [payload for kind, payload, _ in far_end.others if kind is Kind.STATE]
    return decode(State, states[-1])
