"""A store's trial, and its end: by operation, by identity file, on the command line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from server.amending import rulings_of
from server.cli import main
from server.database import open_database, sqlite_url, writer
from server.errors import IdentityError
from server.identity import (
    Change,
    Confirmation,
    amend_confirmation,
    apply_identity,
    confirm,
    confirmations,
)
from server.identity.finding import organisation_by_key, store_by_key
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.schema.identity import store
from server.schema.rollups import rollup_due
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import IDENTITY

NOW = MONDAY + timedelta(days=20)
PUDONG = 'timezone = "Asia/Shanghai"\n'


def change_of(engine: Engine) -> tuple[Change, UUID]:
    connection = writer(engine).connect()
    org_id = organisation_by_key(connection, "acme")
    return Change(connection, org_id, "Ada", NOW), store_by_key(connection, org_id, "pudong-1")


def applied(engine: Engine, path: Path, confirmed: str) -> list[str]:
    path.write_text(IDENTITY.replace(PUDONG, PUDONG + confirmed), "utf-8")
    with writer(engine).begin() as connection:
        return [one.field for one in apply_identity(connection, load_identity(path), NOW)]


def confirmed_at(engine: Engine) -> tuple[datetime | None, str | None]:
    with engine.connect() as connection:
        row = connection.execute(select(store.c.confirmed_at, store.c.confirmed_by)).one()
    return row.confirmed_at, row.confirmed_by


def test_a_new_store_is_a_trial_until_somebody_confirms_it(engine: Engine) -> None:
    factory = MessageFactory()
    payload = factory.encoded(factory.cell(MONDAY))
    commit(engine, [read("encounter/v1/kiosk-1/up/window", payload)], NOW)
    change, store_id = change_of(engine)
    with change.connection:
        change.connection.execute(rollup_due.delete())
        assert rulings_of(change.connection, change.org_id, store_id).is_trial
        confirm(change, store_id, MONDAY)
        rulings = rulings_of(change.connection, change.org_id, store_id)
        assert (rulings.is_trial, rulings.confirmed_at) == (False, MONDAY)
        assert len(change.connection.execute(select(rollup_due)).all()) == 2
        change.connection.commit()
    assert confirmed_at(engine) == (MONDAY, "Ada")
    change, store_id = change_of(engine)
    with change.connection:
        amend_confirmation(change, store_id, None, "turned")
        change.connection.commit()
    assert confirmed_at(engine) == (None, None)


def test_a_store_is_not_confirmed_for_the_future(engine: Engine) -> None:
    change, store_id = change_of(engine)
    with change.connection, pytest.raises(IdentityError, match="in the future"):
        confirm(change, store_id, NOW + timedelta(seconds=1))


def test_whoever_ended_a_trial_cannot_move_its_end(engine: Engine) -> None:
    """Otherwise a bad week could be taken out of the figures without a word."""
    change, store_id = change_of(engine)
    later = MONDAY + timedelta(days=7)
    with change.connection:
        confirm(change, store_id, MONDAY)
        confirm(change, store_id, MONDAY)
        with pytest.raises(IdentityError, match="needs a reason") as refused:
            confirm(change, store_id, later)
        assert (refused.value.reason, refused.value.at) == ("counted_before", MONDAY)
        amend_confirmation(change, store_id, None, "the camera was turned")
        with pytest.raises(IdentityError, match="needs a reason"):
            confirm(change, store_id, later)
        confirm(change, store_id, MONDAY)


def test_an_amended_confirmation_is_on_record_for_good(engine: Engine) -> None:
    change, store_id = change_of(engine)
    later = MONDAY + timedelta(days=7)
    with change.connection:
        confirm(change, store_id, MONDAY)
        for reason in ("", " ", "x" * 501):
            with pytest.raises(IdentityError, match="a reason of 1 to 500"):
                amend_confirmation(change, store_id, later, reason)
        with pytest.raises(IdentityError, match="in force already"):
            amend_confirmation(change, store_id, MONDAY, "again")
        amend_confirmation(change, store_id, later, "zones were moved ")
        amend_confirmation(change, store_id, None, "turned")
        assert confirmations(change.connection, change.org_id, store_id) == [
            Confirmation(None, MONDAY, None, "Ada", NOW),
            Confirmation(MONDAY, later, "zones were moved", "Ada", NOW),
            Confirmation(later, None, "turned", "Ada", NOW),
        ]


def test_only_an_instant_of_before_reaches_where_nothing_is_made_anew(engine: Engine) -> None:
    change, store_id = change_of(engine)
    with change.connection:
        confirm(change, store_id, MONDAY)
        much_later = replace(change, now=MONDAY + timedelta(days=800))
        amend_confirmation(much_later, store_id, None, "turned")
        with pytest.raises(IdentityError, match="older figures are no longer made anew"):
            amend_confirmation(much_later, store_id, MONDAY + timedelta(days=7), "other")
        amend_confirmation(much_later, store_id, MONDAY, "it was right")


def test_a_file_confirms_from_the_beginning_of_a_trading_day(
    engine: Engine, identity_path: Path
) -> None:
    assert applied(engine, identity_path, "confirmed = 2026-11-02\n") == []
    assert confirmed_at(engine) == (datetime(2026, 11, 1, 20, tzinfo=UTC), None)
    assert applied(engine, identity_path, "confirmed = 2026-11-02T09:00:00+08:00\n") == []
    assert confirmed_at(engine) == (datetime(2026, 11, 2, 1, tzinfo=UTC), None)
    change, store_id = change_of(engine)
    with change.connection:
        made = confirmations(change.connection, change.org_id, store_id)
    assert [(one.was_from is None, one.made_by) for one in made] == [
        (True, "the identity file"),
        (False, "the identity file"),
    ]


def test_a_file_that_does_not_say_leaves_it_as_it_is(engine: Engine, identity_path: Path) -> None:
    applied(engine, identity_path, "confirmed = 2026-11-02\n")
    assert applied(engine, identity_path, "") == []
    assert confirmed_at(engine)[0] is not None


def test_a_file_does_not_confirm_again_what_somebody_took_back(
    engine: Engine, identity_path: Path
) -> None:
    applied(engine, identity_path, "confirmed = 2026-11-02\n")
    change, store_id = change_of(engine)
    with change.connection:
        amend_confirmation(change, store_id, None, "turned")
        change.connection.commit()
    assert applied(engine, identity_path, "confirmed = 2026-11-02\n") == ["confirmed_at"]
    assert confirmed_at(engine) == (None, None)


def test_confirming_on_the_command_line(
    tmp_path: Path, identity_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity_path))
    common = ["confirm", "--state", str(tmp_path), "--store", "pudong-1"]
    assert main([*common, "--at", "2026-11-02T10:00", "--by", "Ada"]) == 0
    assert "figures count from 2026-11-02T10:00:00+08:00" in capsys.readouterr().out
    assert confirmed_at(engine) == (datetime(2026, 11, 2, 2, tzinfo=UTC), "Ada")
    assert main([*common, "--at", "2026-11-02T11:00"]) == 2
    assert "another instant needs a reason" in capsys.readouterr().err
    assert main([*common, "--at", "2026-11-02T11:00", "--reason", "late"]) == 0
    assert confirmed_at(engine)[0] == datetime(2026, 11, 2, 3, tzinfo=UTC)
    assert main([*common, "--undo"]) == 2
    assert main([*common, "--undo", "--at", "now", "--reason", "turned"]) == 2
    assert main([*common, "--undo", "--reason", "turned"]) == 0
    assert confirmed_at(engine) == (None, None)
    assert main([*common[:-1], "puxi"]) == 2
    assert "no store 'puxi': expected one of 'pudong-1'" in capsys.readouterr().err
    engine.dispose()
