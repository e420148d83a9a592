"""The log of who saw what: what is written, in which organisation, to whom it is shown."""

import threading
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select, text

from server.access import log, recorder
from server.access.callers import Caller
from server.access.gate import Gate
from server.access.log import About, Kind, Seen
from server.access.reach import Reach, scope_of
from server.access.recorder import Recorder
from server.access.roles import Role
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.access import access_log
from server.schema.columns import NO_ORGANISATION
from server.schema.identity import organisation, point, store
from server.scope import Place, Scope
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import apply_chain, ids_of

ASKED = {"from": "2026-11-16T00:00:00Z", "to": "2026-11-17T00:00:00Z"}


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(engine, lambda: link, IngestState)
    parts = Parts(engine, open_key(tmp_path), FakeClock(MONDAY), lambda: health)
    return Client(make_app(parts))


def rows(client: Client, scope: Scope | None = None) -> list[log.Entry]:
    gate: Gate = client.app.state.gate
    gate.recorder.flush()
    with gate.engine.connect() as connection:
        return log.entries(connection, scope or Scope.everything())


def the_store(engine: Engine) -> Place:
    with engine.connect() as connection:
        row = connection.execute(select(store)).one()
    return Place(row.org_id, row.store_id)


def a_caller(scope: Scope) -> Caller:
    return Caller(uuid4(), "ada", Role.AUDITOR, scope, session="x")


def test_an_answer_with_figures_is_written_down(client: Client, engine: Engine) -> None:
    here = the_store(engine)
    client.get(f"/api/v1/stores/{here.id}/figures", params=ASKED)
    (one,) = rows(client)
    assert (one.org_id, one.store_id, one.at) == (*here, MONDAY)
    assert (one.account, one.way, one.operation, one.status) == (
        "ada",
        "session",
        "getStoreFigures",
        200,
    )
    assert one.subject.startswith(f"{here.id}?from=2026-11-16")


def test_points_and_devices_stand_with_their_store(client: Client, engine: Engine) -> None:
    here = the_store(engine)
    with engine.connect() as connection:
        point_id = connection.execute(select(point.c.point_id)).scalars().first()
    client.get(f"/api/v1/points/{point_id}/figures", params=ASKED)
    client.get("/api/v1/devices/kiosk-1/ledger-heads")
    assert [(one.org_id, one.store_id) for one in rows(client)] == [here, here]


def test_pages_are_written_down_as_well(client: Client, engine: Engine) -> None:
    here = the_store(engine)
    client.get(f"/stores/{here.id}")
    client.get("/")
    assert {(one.operation, one.store_id) for one in rows(client)} == {
        ("store", here.id),
        ("overview", None),
    }


def test_so_is_what_was_refused_or_not_there(client: Client, engine: Engine) -> None:
    client.role, client.name = Role.STORE_MANAGER, "grace"
    client.get(f"/api/v1/stores/{uuid4()}")
    client.get("/accounts")
    found = {(one.operation, one.status, one.org_id) for one in rows(client)}
    with engine.connect() as connection:
        (org_id,) = connection.execute(select(organisation.c.org_id)).scalars()
    assert found == {("getStore", 404, NO_ORGANISATION), ("accounts", 403, org_id)}


def test_a_list_stands_in_every_organisation_of_it(client: Client, engine: Engine) -> None:
    other = uuid4()
    with writer(engine).begin() as connection:
        connection.execute(organisation.insert().values(org_id=other, slug="x", name="X"))
    client.get("/api/v1/stores")
    assert {one.org_id for one in rows(client)} == {the_store(engine).org_id, other}


@pytest.mark.parametrize("path", ["/account", "/tokens", "/healthz", "/static/pages.css", "/no"])
def test_what_shows_no_figures_is_not(client: Client, path: str) -> None:
    client.get(path)
    assert rows(client) == []


def test_a_token_is_named_as_the_way(client: Client) -> None:
    made = client.post(
        "/tokens", {"label": "x", "role": "auditor", "reach": "::", "days": "7"}
    ).text
    token = made[made.index("enc_") :][:53]
    client.role, client.cookies = None, {}
    client.get("/api/v1/stores", headers={"Authorization": f"Bearer {token}"})
    assert {one.way for one in rows(client)} == {"token"}


def test_an_auditor_reads_what_was_seen_inside_the_own_scope(
    client: Client, engine: Engine
) -> None:
    here = the_store(engine)
    client.get(f"/api/v1/stores/{here.id}")
    client.get("/api/v1/stores")
    client.get(f"/api/v1/stores/{uuid4()}")
    organisations = Scope(org_ids=frozenset({here.org_id}))
    single = Scope(stores=frozenset({here}))
    assert len(rows(client)) == 3
    assert {one.operation for one in rows(client, organisations)} == {"getStore", "listStores"}
    assert {one.operation for one in rows(client, single)} == {"getStore", "listStores"}
    assert rows(client, Scope()) == []
    assert rows(client, Scope(org_ids=frozenset({uuid4()}))) == []


PLACES = ("acme", "china", "east", "pudong-1", "puxi-1", "other", "oslo-1")


@pytest.mark.parametrize(
    ("who", "asks", "touched"),
    [
        ("everything", None, "acme china east pudong-1 puxi-1 other oslo-1"),
        ("acme", None, "acme china east pudong-1 puxi-1"),
        ("china", None, "acme china east pudong-1 puxi-1"),
        ("east", None, "acme china east pudong-1"),
        ("puxi-1", None, "acme china puxi-1"),
        ("everything", "china", "acme china east pudong-1 puxi-1"),
        ("everything", "east", "acme china east pudong-1"),
        ("everything", "pudong-1", "acme china east pudong-1"),
        ("acme", "acme", "acme china east pudong-1 puxi-1"),
    ],
)
def test_whoever_sees_a_part_reads_what_touched_it(
    empty: Engine, tmp_path: Path, who: str, asks: str | None, touched: str
) -> None:
    """`who` opens a list, or what is about one place: who finds that in the log."""
    apply_chain(empty, tmp_path)
    ids = ids_of(empty)
    orgs = {key: ids["other" if key in ("other", "oslo-1") else "acme"] for key in PLACES}
    kinds = {"china": Kind.REGION, "east": Kind.REGION, "acme": Kind.ORGANISATION}

    def reach(key: str) -> Reach:
        if key in ("acme", "other"):
            return Reach(ids[key])
        if kinds.get(key) is Kind.REGION:
            return Reach(orgs[key], region_id=ids[key])
        return Reach(orgs[key], store_id=ids[key])

    with writer(empty).begin() as connection:
        scopes = {key: scope_of(connection, [reach(key)]) for key in PLACES}
        scopes["everything"] = Scope.everything()
        about = None if asks is None else About(kinds.get(asks, Kind.STORE), str(ids[asks]))
        caller = a_caller(scopes[who])
        log.write(connection, [Seen(MONDAY, caller, "figures", "", about, 200)])
        log.write(connection, [Seen(MONDAY, caller, "accounts", "", None, 403, of_stores=False)])
        found = {
            key: {one.operation for one in log.entries(connection, scopes[key])} for key in PLACES
        }
    assert {key for key in PLACES if "figures" in found[key]} == set(touched.split())
    if who in ("everything", "acme"):
        assert {key for key in PLACES if "accounts" in found[key]} <= {"acme", "other"}


def test_the_log_is_read_page_by_page(either: Engine) -> None:
    org_id = uuid4()
    caller = a_caller(Scope(org_ids=frozenset({org_id})))
    seen = [
        Seen(MONDAY + timedelta(seconds=index // 3), caller, "x", str(index), None, 200)
        for index in range(20)
    ]
    with writer(either).begin() as connection:
        assert log.write(connection, seen) == 20
        assert log.write(connection, []) == 0
    found: list[log.Entry] = []
    with either.connect() as connection:
        while True:
            before = (found[-1].at, found[-1].entry_id) if found else None
            page = log.entries(connection, caller.scope, before=before, limit=7)
            found += page
            if len(page) < 7:
                break
        mine = log.entries(connection, caller.scope, account_id=caller.account_id)
        nobodys = log.entries(connection, caller.scope, account_id=uuid4())
    assert sorted(int(one.subject) for one in found) == list(range(20))
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    assert (len(mine), len(nobodys)) == (20, 0)


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(access_log)).scalar_one()


def an_answer(subject: str = "") -> Seen:
    return Seen(MONDAY, a_caller(Scope()), "x", subject, About(Kind.STORE, subject), 200)


def test_everything_is_written_at_the_stop(empty: Engine) -> None:
    one = Recorder(empty)
    one.start()
    writers = [
        threading.Thread(target=lambda: [one.answered(an_answer()) for _ in range(100)])
        for _ in range(4)
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    one.stop()
    assert count(empty) == 400


def test_answers_wait_once_many_are_unwritten(empty: Engine) -> None:
    one = Recorder(empty, most_waiting=10)
    assert [one.answered(an_answer()) for _ in range(10)] == [False] * 9 + [True]
    one.flush()
    assert count(empty) == 10


def test_a_database_that_fails_costs_nothing_until_very_many_wait(
    empty: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = Recorder(empty, most_waiting=10)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE access_log RENAME TO away"))
    for _ in range(15):
        one.answered(an_answer())
    one.flush()
    assert (one.lost, caplog.messages) == (0, ["access_log.not_written"])
    for _ in range(15):
        one.answered(an_answer())
    one.flush()
    assert one.lost == 10
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO access_log"))
    one.flush()
    assert count(empty) == 20
    monkeypatch.setattr(recorder, "EVERY_S", 0.01)
    one.start()
    one.answered(an_answer())
    one.stop()
    assert count(empty) == 21


def test_when_something_was_last_used_is_written_on_both_engines(either: Engine) -> None:
    gate = Gate(either, FakeClock(MONDAY), Recorder(either))
    unknown: UUID = uuid4()
    gate.recorder.used(MONDAY, (recorder.Mark.TOKEN, unknown), (recorder.Mark.SESSION, "x"))
    gate.recorder.answered(an_answer(str(unknown)))
    gate.recorder.flush()
    assert gate.recorder.used_at(recorder.Mark.TOKEN, unknown) is None
    assert count(either) == 1


def test_everybody_may_be_named_in_no_organisation(either: Engine) -> None:
    with writer(either).begin() as connection:
        log.write(connection, [an_answer("not-an-id")])
        found = log.entries(connection, Scope.everything())
    assert [one.org_id for one in found] == [NO_ORGANISATION]


def test_reaches_stand_in_the_log_of_their_place(client: Client, engine: Engine) -> None:
    here = the_store(engine)
    client.role, client.reaches = Role.STORE_MANAGER, [Reach(here.org_id, store_id=here.id)]
    client.get("/api/v1/stores")
    assert [one.org_id for one in rows(client)] == [here.org_id]
