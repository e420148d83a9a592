"""Sessions: when they end, what is kept of them, and how little a refused sign-in tells."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from server.access import accounts, passwords, sessions
from server.access.errors import RefusedError, TooManyError
from server.access.gate import Gate
from server.access.recorder import Recorder
from server.access.secret import digest, form_token, is_form_token
from server.database import writer
from server.schema.access import session
from server.testing import MONDAY, FakeClock
from tests.access import an_account

PASSWORD = "three warm words"  # noqa: S105 a test's
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HERE = "192.0.2.7"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MONDAY)


@pytest.fixture
def gate(empty: Engine, clock: FakeClock) -> Gate:
    account_id = an_account(empty, MONDAY)
    with writer(empty).begin() as connection:
        accounts.set_password(connection, account_id, passwords.hashed(PASSWORD))
    return Gate(empty, clock, Recorder(empty))


def sign_in(gate: Gate, old: str | None = None) -> str:
    found = gate.sign_in("Ada", PASSWORD, HERE, old)
    assert found is not None
    return found


def test_twelve_idle_hours_end_a_session(gate: Gate, clock: FakeClock) -> None:
    secret = sign_in(gate)
    for _ in range(3):
        clock.at += timedelta(hours=11)
        assert gate.by_session(secret) is not None
    clock.at += sessions.IDLE
    assert gate.by_session(secret) is None


def test_use_counts_before_and_after_it_is_written_down(gate: Gate, clock: FakeClock) -> None:
    secret = sign_in(gate)
    for _ in range(4):
        clock.at += timedelta(hours=11)
        assert gate.by_session(secret) is not None
        gate.recorder.flush()
    with gate.engine.connect() as connection:
        found = sessions.find(connection, secret)
        assert found is not None
        assert found.seen_at == clock.at
        assert accounts.by_id(connection, found.account_id).last_seen_at == clock.at


def test_seven_days_end_it_however_much_it_is_used(gate: Gate, clock: FakeClock) -> None:
    secret = sign_in(gate)
    for _ in range(27):
        clock.at += timedelta(hours=6)
        assert gate.by_session(secret) is not None
    clock.at += timedelta(hours=6)
    assert gate.by_session(secret) is None


def test_signing_in_makes_a_new_session_and_ends_the_old_one(gate: Gate) -> None:
    old = sign_in(gate)
    new = sign_in(gate, old)
    assert old != new
    assert gate.by_session(old) is None
    assert gate.by_session(new) is not None


def test_signing_out_ends_this_session_alone(gate: Gate) -> None:
    one, other = sign_in(gate), sign_in(gate)
    gate.sign_out(one)
    assert gate.by_session(one) is None
    assert gate.by_session(other) is not None


def test_a_new_password_ends_every_session(gate: Gate) -> None:
    one, other = sign_in(gate), sign_in(gate)
    caller = gate.by_session(one)
    assert caller is not None
    with pytest.raises(RefusedError) as refused:
        gate.change_password(caller, "not the old one", "other warm words")
    assert refused.value.reason == "wrong"
    fresh = gate.change_password(caller, PASSWORD, "other warm words")
    assert [gate.by_session(secret) for secret in (one, other)] == [None, None]
    assert gate.by_session(fresh) is not None
    assert gate.sign_in("ada", "other warm words", HERE, None) is not None


def test_the_database_holds_nothing_that_lets_anybody_in(gate: Gate) -> None:
    secret = sign_in(gate)
    with gate.engine.connect() as connection:
        rows = str(connection.execute(select(session)).all())
    assert secret not in rows
    assert digest(secret) in rows
    assert gate.by_session(digest(secret)) is None


class CountingHasher:
    """A real hasher that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def verify(self, kept: str, password: str) -> bool:
        self.asked.append(kept)
        return QUICK.verify(kept, password)

    def check_needs_rehash(self, _kept: str) -> bool:
        return False


def test_unknown_names_cost_and_say_the_same(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = an_account(gate.engine, MONDAY)
    with writer(gate.engine).begin() as connection:
        accounts.set_password(connection, account_id, QUICK.hash(PASSWORD))
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    an_account(gate.engine, MONDAY, name="invited")
    answers = [
        gate.sign_in(name, "a wrong password", HERE, None) for name in ("ada", "invited", "nobody")
    ]
    assert answers == [None, None, None]
    assert len(hasher.asked) == 3
    assert hasher.asked[1:] == [passwords.NOBODYS] * 2


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_guessing_waits_whether_or_not_the_name_exists(
    gate: Gate, clock: FakeClock, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", CountingHasher())
    for _ in range(5):
        assert gate.sign_in(name, "a wrong password", HERE, None) is None
    waits = []
    for _ in range(4):
        with pytest.raises(TooManyError) as refused:
            gate.sign_in(name.upper(), "a wrong password", "198.51.100.1", None)
        waits.append(refused.value.wait_s)
        clock.at += timedelta(seconds=refused.value.wait_s)
        assert gate.sign_in(name, "a wrong password", "198.51.100.2", None) is None
    assert waits == [1, 2, 4, 8]


def test_one_address_may_not_try_every_name(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", CountingHasher())
    for index in range(20):
        assert gate.sign_in(f"name{index}", "a wrong password", HERE, None) is None
    with pytest.raises(TooManyError):
        gate.sign_in("another", "a wrong password", HERE, None)
    assert gate.sign_in("another", "a wrong password", "198.51.100.1", None) is None


def test_form_tokens_belong_to_one_session_and_never_repeat() -> None:
    one, again = form_token("a"), form_token("a")
    assert one != again
    assert is_form_token(one, "a")
    assert is_form_token(again, "a")
    for wrong in ("", "zz", one[:-2], one + "00", form_token("b"), "0" * len(one)):
        assert not is_form_token(wrong, "a")
