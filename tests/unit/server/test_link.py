"""What the connection says of itself, with the broker's answers made up."""

from typing import Any, cast

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from server.ingest.access import AccessOptions, open_access
from server.ingest.link import BrokerLink, LinkState
from server.ingest.subscription import Sharing
from server.testing import FakeClock


class FakeClient:
    """Remembers what was subscribed to."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def subscribe(self, filters: list[tuple[str, int]]) -> None:
        self.asked += [one for one, _ in filters]


class FakeWorker:
    """Is told of connections."""

    def connected(self) -> None:
        """Nothing to tell."""


@pytest.fixture
def link() -> BrokerLink:
    access = open_access(AccessOptions(host="127.0.0.1", port=1883))
    one = BrokerLink(access, "encounter-test", FakeClock(), Sharing.SHARED)
    cast("Any", one)._worker = FakeWorker()
    return one


def connect(link: BrokerLink) -> FakeClient:
    client = FakeClient()
    inside = cast("Any", link)
    inside._client = client
    granted = ReasonCode(PacketTypes.CONNACK, "Success")
    inside._on_connect(client, None, None, granted, None)
    return client


def answer(link: BrokerLink, client: FakeClient, *codes: int) -> None:
    found = [ReasonCode(PacketTypes.SUBACK, identifier=one) for one in codes]
    cast("Any", link)._on_subscribe(client, None, 1, found, None)


def state(link: BrokerLink) -> LinkState:
    return link.status.state


def test_connected_only_once_every_subscription_is_granted(link: BrokerLink) -> None:
    client = connect(link)
    assert len(client.asked) == 3
    assert state(link) is LinkState.CONNECTING
    answer(link, client, 1, 1, 1)
    assert state(link) is LinkState.CONNECTED
    assert link.status.subscription == "shared"


def test_a_refused_subscription_is_said_with_its_filter_and_code(link: BrokerLink) -> None:
    client = connect(link)
    answer(link, client, 1, 0x87, 1)
    assert state(link) is LinkState.REFUSED
    assert "encounter/v1/+/up/state" in link.status.detail
    assert "0x87" in link.status.detail
    assert "reported" not in link.status.detail
    answer(link, client, 1, 1, 1)
    assert state(link) is LinkState.CONNECTED
