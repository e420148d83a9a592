"""Accounts: names, passwords, one-time links, and what a disabled account may still do."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, func, select

from server.access import accounts, links, passwords, tokens
from server.access.errors import RefusedError, TooManyError
from server.access.gate import Gate
from server.access.names import folded, name_of
from server.access.reach import Reach
from server.access.recorder import Recorder
from server.access.roles import Role
from server.access.tokens import Wanted
from server.cli import main
from server.clock import now_utc
from server.database import open_database, sqlite_url, writer
from server.errors import NotFoundError
from server.schema.access import account, one_time_link
from server.testing import MONDAY, FakeClock
from tests.access import a_session, an_account

PASSWORD = "three warm words"  # noqa: S105 a test's
HERE = "192.0.2.7"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MONDAY)


@pytest.fixture
def gate(empty: Engine, clock: FakeClock) -> Gate:
    return Gate(empty, clock, Recorder(empty))


def a_link(gate: Gate, name: str | None = None) -> str:
    with writer(gate.engine).begin() as connection:
        found = None if name is None else accounts.by_name(connection, name)
        account_id = None if found is None else found.account_id
        return links.make(connection, account_id, gate.clock())


def use(gate: Gate, secret: str, name: str | None = None, password: str = PASSWORD) -> str:
    link, _ = gate.link(secret, HERE)
    return gate.use_link(link, name, password)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ada", "ada"),
        ("  Ada   Lovelace ", "ada lovelace"),
        ("ＡＤＡ", "ada"),
        ("STRASSE", folded("straße")),
        ("王小明", "王小明"),
        ("o'neil@shop.example", "o'neil@shop.example"),
    ],
)
def test_a_name_is_one_name_however_it_is_written(written: str, kept: str) -> None:
    assert name_of(written) == kept


@pytest.mark.parametrize("name", ["", "a", " ", "a" * 65, "ada\x00", "a\u202eb", "<b>", "a/b"])
def test_names_that_could_mislead_are_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="a name: expected"):
        name_of(name)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("elevenchars", "short"),
        ("x" * 257, "short"),
        ("password1234", "obvious"),
        ("Encounter2026!", "obvious"),
        ("ada.lovelace", "obvious"),
        ("Lovelace Ada 99", "obvious"),
        ("aaaaaaaaaaaaaaaa", "obvious"),
        ("123456789012", "obvious"),
        ("qwertyuiop[]", "obvious"),
        ("abcdefghijkl", "obvious"),
        ("zyxwvutsrqpo", "obvious"),
        ("letmeinletmein", "obvious"),
        (PASSWORD, None),
        ("lovely weather in Hull", None),
        ("打开窗户看见一片海洋的味道", None),
        ("k2#kD9!vvQx1", None),
    ],
)
def test_passwords_are_long_and_not_the_first_guess(password: str, reason: str | None) -> None:
    if reason is None:
        passwords.check_password(password, "ada.lovelace")
        return
    with pytest.raises(RefusedError) as refused:
        passwords.check_password(password, "ada.lovelace")
    assert refused.value.reason == reason


def test_a_password_is_kept_by_the_parameters_of_the_rfc() -> None:
    kept = passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.NOBODYS.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # it costs the same
    assert passwords.fits(kept, PASSWORD)
    assert not passwords.fits(kept, PASSWORD + " ")
    assert not passwords.fits(None, PASSWORD)
    assert not passwords.fits("nonsense", PASSWORD)
    assert not passwords.is_outdated(kept)


def test_the_same_signs_are_the_same_password_however_composed() -> None:
    assert passwords.fits(passwords.hashed("cafe\u0301 au lait"), "caf\u00e9 au lait")


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(gate: Gate) -> None:
    use(gate, a_link(gate), "ada")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with writer(gate.engine).begin() as connection:
        found = accounts.by_name(connection, "ada")
        assert found is not None
        accounts.set_password(connection, found.account_id, weak)
    assert gate.sign_in("ada", PASSWORD, HERE, None) is not None
    with gate.engine.connect() as connection:
        kept = connection.execute(select(account.c.password)).scalar_one()
    assert kept != weak
    assert not passwords.is_outdated(kept)


def test_the_first_link_makes_an_administrator_of_everything(gate: Gate) -> None:
    with writer(gate.engine).begin() as connection:
        secret = links.first(connection, MONDAY)
    assert secret is not None
    caller = gate.by_session(use(gate, secret, "Ada"))
    assert caller is not None
    assert (caller.name, caller.role, caller.scope.all_organisations) == ("ada", Role.ADMIN, True)
    with writer(gate.engine).begin() as connection:
        assert links.first(connection, MONDAY) is None


def test_no_account_has_a_password_before_a_link_was_used(gate: Gate) -> None:
    an_account(gate.engine, MONDAY)
    for password in ("", "ada", "admin", PASSWORD):
        assert gate.sign_in("ada", password, HERE, None) is None


def test_a_link_works_once_and_within_a_day(gate: Gate, clock: FakeClock) -> None:
    secret = a_link(gate)
    use(gate, secret, "ada")
    with pytest.raises(NotFoundError, match="used already"):
        gate.link(secret, HERE)
    late = a_link(gate)
    clock.at += timedelta(hours=24)
    with pytest.raises(NotFoundError, match="24 hours are over"):
        gate.link(late, HERE)


def test_two_who_hold_the_same_link_do_not_both_come_in(gate: Gate) -> None:
    secret = a_link(gate)
    first, _ = gate.link(secret, HERE)
    second, _ = gate.link(secret, HERE)
    gate.use_link(first, "ada", PASSWORD)
    with pytest.raises(NotFoundError):
        gate.use_link(second, "eve", PASSWORD)
    with gate.engine.connect() as connection:
        assert accounts.count(connection) == 1


def test_a_refused_password_does_not_use_the_link_up(gate: Gate) -> None:
    secret = a_link(gate)
    for password, name in (("short", "ada"), (PASSWORD, "?")):
        with pytest.raises(RefusedError):
            use(gate, secret, name, password)
    assert use(gate, secret, "ada")


def test_a_new_link_ends_the_one_before_it_of_the_same_purpose(gate: Gate) -> None:
    first = a_link(gate)
    an_account(gate.engine, MONDAY, name="grace")
    graces = a_link(gate, "grace")
    second = a_link(gate)
    with pytest.raises(NotFoundError):
        gate.link(first, HERE)
    assert gate.link(second, HERE)[1] is None
    assert gate.link(graces, HERE)[1] == "grace"


def test_a_link_for_a_lost_password_ends_the_sessions(gate: Gate) -> None:
    before = use(gate, a_link(gate), "ada")
    after = use(gate, a_link(gate, "ada"), None, "other warm words")
    assert gate.by_session(before) is None
    assert gate.by_session(after) is not None
    assert gate.sign_in("ada", PASSWORD, HERE, None) is None


def test_links_are_kept_as_their_hash_alone(gate: Gate) -> None:
    secret = a_link(gate)
    with gate.engine.connect() as connection:
        assert secret not in str(connection.execute(select(one_time_link)).all())


def test_guessing_links_waits_longer_and_longer(gate: Gate) -> None:
    for _ in range(20):
        with pytest.raises(NotFoundError):
            gate.link("guess", HERE)
    with pytest.raises(TooManyError):
        gate.link("guess", HERE)


def test_a_disabled_account_is_out(gate: Gate) -> None:
    secret = use(gate, a_link(gate), "ada")
    open_link = a_link(gate, "ada")
    account_id = an_account(gate.engine, MONDAY, name="ada")
    with writer(gate.engine).begin() as connection:
        accounts.disable(connection, account_id, MONDAY)
    assert gate.by_session(secret) is None
    assert gate.sign_in("ada", PASSWORD, HERE, None) is None
    with pytest.raises(NotFoundError):
        use(gate, open_link)
    kept = a_session(gate.engine, account_id, MONDAY)
    assert gate.by_session(kept) is None
    with writer(gate.engine).begin() as connection:
        accounts.enable(connection, account_id)
    assert gate.sign_in("ada", PASSWORD, HERE, None) is not None


def test_the_whole_way_on_both_engines(either: Engine, clock: FakeClock) -> None:
    gate = Gate(either, clock, Recorder(either))
    caller = gate.by_session(use(gate, a_link(gate), "Ada"))
    assert caller is not None
    wanted = Wanted("report", Role.AUDITOR, Reach(), MONDAY + timedelta(days=1))
    with writer(either).begin() as connection:
        token_id, token = tokens.make(connection, caller, wanted, MONDAY)
    by_token = gate.by_token(token, HERE)
    assert by_token is not None
    assert by_token.role is Role.AUDITOR
    gate.recorder.flush()
    with pytest.raises(RefusedError), writer(either).begin() as connection:
        accounts.make(connection, "ada", Role.ADMIN, [Reach()], MONDAY)
    with writer(either).begin() as connection:
        (listed,) = tokens.of_account(connection, caller.account_id)
        assert (listed.token_id, listed.used_at) == (token_id, MONDAY)
        tokens.revoke(connection, caller.account_id, token_id, MONDAY)
    assert gate.by_token(token, HERE) is None
    session = gate.sign_in("ADA", PASSWORD, HERE, caller.session)
    assert session is not None
    assert caller.session is not None
    assert gate.by_session(caller.session) is None
    with writer(either).begin() as connection:
        accounts.disable(connection, caller.account_id, MONDAY)
    assert gate.by_session(session) is None


def test_passwords_wait_in_a_short_line() -> None:
    room = passwords.AT_ONCE + passwords.IN_LINE
    with contextlib.ExitStack() as others:
        for _ in range(passwords.IN_LINE):
            assert passwords._in_line.acquire(blocking=False)
            others.callback(passwords._in_line.release)
        for _ in range(passwords.AT_ONCE):
            others.enter_context(passwords._Turn())
        with pytest.raises(TooManyError):
            passwords.fits(None, PASSWORD)
    assert room == 10
    assert not passwords.fits(None, PASSWORD)


def test_a_name_is_given_once(gate: Gate) -> None:
    an_account(gate.engine, MONDAY, name="ada")
    with pytest.raises(RefusedError) as refused, writer(gate.engine).begin() as connection:
        accounts.make(connection, "ADA", Role.AUDITOR, [Reach()], MONDAY)
    assert refused.value.reason == "name"
    with gate.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(account)).scalar() == 1


def test_the_command_prints_a_link_that_works(
    gate: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    an_account(gate.engine, MONDAY, name="ada")
    told = ["link", "--state", folder, "--public-url", "https://figures.example"]
    assert main(told) == 0
    assert main([*told, "--account", "Ada"]) == 0
    printed = capsys.readouterr().out.split()
    assert [one.rpartition("/")[0] for one in printed] == ["https://figures.example/link"] * 2
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    later = Gate(engine, now_utc, Recorder(engine))
    found = [later.link(one.rpartition("/")[2], HERE)[1] for one in printed]
    engine.dispose()
    assert found == [None, "ada"]


def test_the_command_names_an_account_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["link", "--state", str(tmp_path), "--account", "nobody"]) == 2
    assert "no account 'nobody'" in capsys.readouterr().err
