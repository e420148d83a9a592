"""The ledger against the site file: whole, and of what is in force."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.audit.finding import Finding, Status
from edge.audit.running.ledger import ledger
from edge.ledger.changes import Changes
from edge.ledger.entry import EntryKind
from edge.ledger.in_force import in_force
from edge.outbox import Outbox
from edge.testing import a_site
from edge.upload import OUTBOX_FILE
from firmware_cfg.site import Broker, Site

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
BROKER = Broker(host="127.0.0.1", port=1999, tls=False, server_key="0" * 64)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    plain = a_site()
    device = plain.device.model_copy(update={"state_dir": str(tmp_path)})
    return plain.model_copy(update={"broker": BROKER, "device": device})


def written(site: Site, stated: Site | None = None, k: int | None = None) -> Finding:
    """A ledger that states `stated` and k, judged against `site`."""
    said = stated or site
    outbox = Outbox(Path(site.device.state_dir) / OUTBOX_FILE, 8, site.device.id, None)
    privacy = site.privacy.k if k is None else k
    Changes(outbox.ledger, lambda: in_force(said, privacy, 1800)).follow(NINE)
    outbox.close()
    return ledger(site)


def test_a_ledger_that_says_what_the_site_file_says_holds(site: Site) -> None:
    found = written(site)
    assert found.status is Status.HOLDS, found
    assert any(line.startswith("public key ") for line in found.evidence)


def test_a_threshold_that_was_made_stricter_holds_and_a_looser_one_fails(
    site: Site, tmp_path: Path
) -> None:
    assert written(site, k=20).status is Status.HOLDS
    (tmp_path / OUTBOX_FILE).unlink()
    found = written(site, k=5)
    assert found.status is Status.FAILS
    assert "expected k of at least 10, found 5" in found.evidence[0]


def swapped_model(site: Site) -> Site:
    device = site.device.model_copy(update={"model": "nanodet-256x416-int8"})
    return site.model_copy(update={"device": device})


def other_team(site: Site) -> Site:
    privacy = site.privacy.model_copy(update={"team_size": 2})
    return site.model_copy(update={"privacy": privacy})


def other_broker(site: Site) -> Site:
    return site.model_copy(update={"broker": BROKER.model_copy(update={"port": 2000})})


@pytest.mark.parametrize(
    ("change", "named"),
    [(swapped_model, "model"), (other_team, "team_size"), (other_broker, "configuration")],
)
def test_what_the_ledger_says_otherwise_is_found(
    site: Site, change: Callable[[Site], Site], named: str
) -> None:
    found = written(site, change(site))
    assert found.status is Status.FAILS
    assert any(named in line for line in found.evidence)


def test_an_altered_entry_is_found(site: Site, tmp_path: Path) -> None:
    written(site)
    with sqlite3.connect(tmp_path / OUTBOX_FILE) as database:
        database.execute(
            "UPDATE ledger SET size = size + 1 WHERE kind = ?", (EntryKind.MODEL.value,)
        )
    database.close()
    found = ledger(site)
    assert found.status is Status.FAILS
    assert any("altered" in line for line in found.evidence)


def test_no_ledger_where_there_should_be_one_fails_and_none_is_needed_without_a_broker(
    site: Site,
) -> None:
    assert ledger(site).status is Status.FAILS
    assert ledger(site.model_copy(update={"broker": None})).status is Status.NOT_CHECKED
