"""How a worker subscribes to the uplink.

Workers share it (`$share/ingest/…`), and take the retained state and report of each device beside
it, since a shared subscription receives nothing retained. rumqttd 0.20 (iotcore 0.4) dies when a
client of a shared subscription leaves with unsettled messages (`router/routing.rs`: "group must
exists"), so there, and on MQTT 3.1.1, the worker subscribes plainly; several such workers are
correct, since storing is idempotent, and wasteful.
"""

from enum import StrEnum

from paho.mqtt.properties import Properties

from firmware_cfg.topics import PREFIX, SHARED_UPLINK_FILTER

PLAIN_UPLINK_FILTER = f"{PREFIX}/+/up/#"
RETAINED_FILTERS = (f"{PREFIX}/+/up/state", f"{PREFIX}/+/up/reported")


class Sharing(StrEnum):
    """How the uplink is subscribed to."""

    AUTO = "auto"
    SHARED = "shared"
    PLAIN = "plain"


def filters(sharing: Sharing, properties: Properties | None, *, v5: bool) -> tuple[str, ...]:
    """What to subscribe to.

    Args:
        sharing: what was asked for.
        properties: of the broker's CONNACK, by which it is known.
        v5: whether the connection speaks MQTT 5.
    """
    shared = sharing is Sharing.SHARED
    if sharing is Sharing.AUTO and v5:
        shared = not looks_like_rumqttd(properties)
    return (SHARED_UPLINK_FILTER, *RETAINED_FILTERS) if shared else (PLAIN_UPLINK_FILTER,)


def looks_like_rumqttd(properties: Properties | None) -> bool:
    """Whether a CONNACK is one of rumqttd 0.20, whose shared subscriptions are not safe.

    It answers with a topic alias maximum of 4096 and nothing else, unlike mosquitto, EMQX,
    HiveMQ and VerneMQ, which state a receive maximum or which features they have.
    """
    if properties is None:
        return False
    stated: dict[str, object] = properties.json()  # type: ignore[no-untyped-call]
    return stated == {"TopicAliasMaximum": 4096}
