"""Nobody loosens a rule from afar: each attempt is refused, and changes nothing."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from edge.testing import ManualClock
from edge.upload import Upload
from firmware_cfg.codec import encode
from firmware_cfg.messages import Desired
from firmware_cfg.site import Privacy
from firmware_cfg.topics import Kind
from tests.audit.release.trace import NINE, Device, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.broker_link import BrokerLink
    from edge.engine import Engine

ENGINE = cast("Engine", World(()))
BASE = {"kind": "desired", "schema_version": 1}


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[Upload]:
    device = Device.made(tmp_path, window_s=1800)
    made = Upload(device.site, None, ManualClock(NINE))
    yield made
    made._outbox.close()


def told(upload: Upload, payload: bytes) -> None:
    """The server says something; the device takes it as it does in the field."""
    link = SimpleNamespace(inbox=deque([(Kind.DESIRED, payload)]))
    upload._publisher._read(cast("BrokerLink", link))
    upload.tick(ENGINE)


def in_force(upload: Upload) -> tuple[object, ...]:
    reporter = upload._reporter
    backlog = reporter._backlog
    return reporter.k, reporter.window_s, reporter._terms, backlog.wished_k, backlog.wished_window_s


@pytest.mark.parametrize(
    "wish",
    [
        {"k": 9},
        {"k": 5},
        {"k": 4},
        {"k": 0},
        {"k": -10},
        {"k": "20"},
        {"k": 10.5},
        {"k": None},
        {"window_s": 900},
        {"window_s": 60},
        {"window_s": 1801},
        {"window_s": 7200},
        {"k": 9, "window_s": 900},
        {"team_size": 9},
        {"pattern_agreement": "none was made"},
        {"live_state": True},
        {"window_settle_s": 60},
        {"greet_within_s": 1},
        {"service_point": []},
        {"broker": {"host": "elsewhere"}},
        {"server_key": "0" * 64},
        {"confine": {"without": ["seccomp"]}},
        {"privacy": {"k": 5}},
        {"page": {"port": 80}},
        {"schema_version": 99},
    ],
    ids=json.dumps,
)
def test_an_attempt_to_loosen_changes_nothing(upload: Upload, wish: dict[str, Any]) -> None:
    before = in_force(upload)
    told(upload, json.dumps(BASE | wish).encode())
    assert in_force(upload) == before


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b'{"kind":"ack"}', b"k = 5"])
def test_what_is_no_wish_changes_nothing(upload: Upload, payload: bytes) -> None:
    before = in_force(upload)
    told(upload, payload)
    assert in_force(upload) == before


def test_tightening_is_followed_and_never_taken_back(upload: Upload) -> None:
    """The control: a wish that is heard does change what is in force."""
    told(upload, encode(Desired(k=20, window_s=3600)))
    tight = in_force(upload)
    assert tight[0] == 20
    assert tight[4] == 3600
    for wish in (Desired(k=10), Desired(k=19), Desired(window_s=1800), Desired()):
        told(upload, encode(wish))
    assert in_force(upload) == tight


def test_a_wish_has_words_for_two_things_alone() -> None:
    """Whatever else the site file rules cannot even be said."""
    sayable = set(Desired.model_fields) - set(BASE)
    assert sayable == {"k", "window_s"}
    assert {"k", "team_size", "pattern_agreement"} <= set(Privacy.model_fields)
