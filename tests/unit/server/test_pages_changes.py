"""What people do on the pages: amend, withdraw, confirm, hand in a report; what each one sees."""

import json
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, select, update

from firmware_cfg.codec import encode
from firmware_cfg.messages import Coverage, Invalid
from server.access.reach import Reach
from server.access.roles import Role
from server.database import writer
from server.health import health_of
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.schema.fleet import audit_report
from server.schema.identity import organisation, store
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory, a_head
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import BASE, FORM, Client

UP = "encounter/v1/kiosk-1/up/"
NOON = MONDAY + timedelta(hours=4)
REPORT = {
    "report_version": 1,
    "at": "2026-11-15T08:00:00+00:00",
    "counts": {"holds": 41, "fails": 0, "not_checked": 2},
    "audited": {"version": "0.1.0"},
    "findings": [],
}


@pytest.fixture
def parts(engine: Engine, tmp_path: Path) -> Parts:
    link = LinkStatus(LinkState.CONNECTED, NOON)
    health = health_of(engine, lambda: link, IngestState)
    return Parts(engine, open_key(tmp_path), FakeClock(NOON), lambda: health)


@pytest.fixture
def path(engine: Engine) -> str:
    with engine.connect() as connection:
        return f"/stores/{connection.execute(select(store.c.store_id)).scalar_one()}"


@pytest.fixture
def filled(engine: Engine) -> Engine:
    factory = MessageFactory()
    blind = Invalid(start=MONDAY, end=MONDAY + timedelta(minutes=6), reason="camera_moved")
    windows = [
        factory.window(factory.cell(visits=60), start=MONDAY, coverage=Coverage.PARTIAL),
        factory.window(start=MONDAY + timedelta(minutes=30)),
    ]
    windows[0] = windows[0].model_copy(update={"invalid": (blind,)})
    readings = [read(UP + "window", encode(one)) for one in windows]
    readings.append(read(UP + "reported", encode(factory.reported())))
    heartbeat = factory.health(MONDAY, a_head(309)).model_copy(
        update={"certificate_days": 12, "disk_free_mb": 90, "faults": ("camera",)}
    )
    readings.append(read(UP + "health", encode(heartbeat)))
    commit(engine, readings, NOON)
    return engine


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def said(point: str = "") -> dict[str, object]:
    """A form about the first hour of Monday, on the store's clock."""
    times = {"start": "2026-11-16T08:00", "end": "2026-11-16T09:00"}
    return {"point": point, **times, "reason": "the zone lay over the shelf"}


def test_figures_taken_out_are_a_gap_with_its_reason_and_come_back(
    filled: Engine, parts: Parts, path: str
) -> None:
    assert filled is parts.engine
    client = Client(make_app(parts))
    assert "60 visits" in client.get(path).text
    assert client.post(f"{path}/voids", said(), form=path).status_code == 303
    html = client.get(path + "?period=today").text
    text = text_of(html)
    assert "60 visits" not in html
    assert "taken out of the figures by an amendment" in text
    assert 'data-gap="voided"' in html
    assert "Taken out of the figures the whole store, 16 November 08:00 – 16 November 09:00" in text
    assert "the zone lay over the shelf" in text
    (consider,) = re.findall(rf'action="({path}/amendments/[^"]+/check)"', html)
    asked = client.post(consider, form=path)
    assert "Released periods that count as before again: 1." in text_of(asked.text)
    (withdraw,) = re.findall(rf'action="({path}/amendments/[^"]+)"', asked.text)
    assert client.post(withdraw, form=path).status_code == 303
    text = text_of(client.get(path).text)
    assert "60 visits" in text
    assert "withdrawn by ada, 16 November 12:00" in text
    assert client.post(withdraw, form=path).status_code == 422


def test_a_note_changes_no_figure_and_stands_above_them(
    filled: Engine, parts: Parts, path: str
) -> None:
    assert filled is parts.engine
    client = Client(make_app(parts), Role.STORE_MANAGER)
    assert client.post(f"{path}/notes", said(), form=path).status_code == 303
    text = text_of(client.get(path).text)
    assert "Note by ada: the zone lay over the shelf" in text
    assert "60 visits" in text
    assert f"{path}/amendments/check" not in client.get(path).text
    assert client.post(f"{path}/voids", said(), form=path).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "   "},
        {"end": "2026-11-16T07:00"},
        {"start": "9999-12-31T23:59", "end": "9999-12-31T23:59"},
        {"point": "no id"},
        {"point": "00000000-0000-0000-0000-000000000001"},
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    parts: Parts, path: str, wrong: dict[str, object]
) -> None:
    response = Client(make_app(parts)).post(f"{path}/voids", said() | wrong, form=path)
    assert response.status_code == 422
    assert "The amendment could not be made" in response.text


def test_a_store_manager_ends_the_trial(
    filled: Engine, engine: Engine, parts: Parts, path: str
) -> None:
    assert filled is engine
    client = Client(make_app(parts), Role.STORE_MANAGER)
    assert "Nobody has confirmed this store’s commissioning" in client.get(path).text
    late = {"since": "2026-11-16T12:30"}
    response = client.post(f"{path}/confirm", late, form=path)
    assert (response.status_code, "That time lies in the future" in response.text) == (422, True)
    since = {"since": "2026-11-16T08:30"}
    assert client.post(f"{path}/confirm", since, form=path).status_code == 303
    html = client.get(path + "?period=today").text
    assert "Nobody has confirmed" not in html
    assert "before the store was confirmed: a trial" in html
    assert "60 visits" not in html
    with engine.connect() as connection:
        row = connection.execute(select(store.c.confirmed_at, store.c.confirmed_by)).one()
    assert row == (MONDAY + timedelta(minutes=30), "ada")


def test_the_end_of_a_trial_is_amended_with_a_reason_that_everybody_reads(
    filled: Engine, parts: Parts, path: str
) -> None:
    assert filled is parts.engine
    app = make_app(parts)
    manager, above = (
        Client(app, Role.STORE_MANAGER),
        Client(app, Role.REGIONAL_MANAGER, name="rita"),
    )
    since = {"since": "2026-11-16T08:30"}
    assert manager.post(f"{path}/confirm", since, form=path).status_code == 303
    later = {"since": "2026-11-16T09:00"}
    again = manager.post(f"{path}/confirm", later, form=path)
    assert (again.status_code, "The store counted from 16 November 08:30" in again.text) == (
        422,
        True,
    )
    bad = later | {"reason": "zones were moved"}
    assert manager.post(f"{path}/confirmation", bad, form=path).status_code == 403
    asked = above.post(f"{path}/confirmation/check", bad, form=path)
    assert "Figures count from 16 November 09:00 on" in text_of(asked.text)
    assert "zones were moved" not in manager.get(path).text, "nothing has changed yet"
    assert above.post(f"{path}/confirmation", bad, form=path).status_code == 303
    text = text_of(manager.get(path).text)
    assert "Counts from 16 November 09:00 before: from 16 November 08:30 zones were moved" in text
    assert above.post(f"{path}/confirmation", bad | {"trial": "true"}, form=path).status_code == 303
    assert "A trial again" in above.get(path).text


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REGIONAL_MANAGER])
def test_forms_are_there_for_those_who_may(parts: Parts, path: str, role: Role) -> None:
    html = Client(make_app(parts), role).get(path).text
    may = role is not Role.AUDITOR
    assert [f"{path}/{name}" in html for name in ("confirm", "notes", "amendments/check")] == [
        may
    ] * 3
    assert ("/privacy" in html) is (role is Role.AUDITOR)
    assert ("/access-log" in html) is (role is Role.AUDITOR)


def test_a_store_outside_is_not_there_for_any_form(parts: Parts, engine: Engine) -> None:
    with engine.connect() as connection:
        org_id = connection.execute(select(organisation.c.org_id)).scalar_one()
        store_id = connection.execute(select(store.c.store_id)).scalar_one()
    nowhere = Reach(org_id, store_id=org_id)
    client = Client(make_app(parts), Role.ADMIN, [nowhere])
    since: dict[str, object] = {"since": "2026-11-16T08:30"}
    forms = [("voids", said()), ("notes", said()), ("confirm", since)]
    for name, data in forms:
        response = client.post(f"/stores/{store_id}/{name}", data, form="/account")
        assert response.status_code == 404, name
    for name in ("", "/privacy"):
        assert client.get(f"/stores/{store_id}{name}").status_code == 404
    assert "kiosk-1" not in client.get("/fleet").text
    assert "Pudong" not in client.get("/privacy").text


def test_the_fleet_says_what_is_wrong_with_a_device(filled: Engine, parts: Parts) -> None:
    assert filled is parts.engine
    text = text_of(Client(make_app(parts), Role.STORE_MANAGER).get("/fleet").text)
    assert "kiosk-1 Pudong online" in text
    assert "Coverage 45–49 %" in text
    assert "camera moved, 0.1 h" in text
    assert "nothing received for 1.0 h" in text  # from 09:00, two hours before noon
    assert "ends in 12 days" in text
    assert "90 MB, low" in text
    assert "1 with faults" in text


def test_privacy_counts_periods_and_no_visits(filled: Engine, parts: Parts, path: str) -> None:
    assert filled is parts.engine
    clock = parts.clock
    assert isinstance(clock, FakeClock)
    clock.at = NOON + timedelta(days=1)
    text = text_of(Client(make_app(parts), Role.AUDITOR).get(f"{path}/privacy").text)
    assert "A period is told only if at least 10 parties stand in it" in text
    assert "the team is declared as three or more" in text
    assert "at most 22 a day, one every 30 min, each 6144 bytes 48 a day, each 1024 bytes" in text
    assert "at most 184 kB 2 10" in text
    hidden = text[text.index("What is not shown") : text.index("Heads of the ledgers")]
    assert "Counter" in hidden
    assert "suppressed (fewer than 10 parties) 1 0.5" in hidden
    assert "60" not in hidden
    assert a_head(309).root in text
    assert "Heads by day: 1" in text


def hand_in(client: Client, path: str, report: object, device: str = "kiosk-1") -> httpx.Response:
    token = FORM.search(client.get(path).text)
    assert token is not None
    limit = "x" * 20
    fields = {"form": token[1], "device": device}
    body = "".join(
        f'--{limit}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    body += (
        f'--{limit}\r\nContent-Disposition: form-data; name="report"; filename="audit.json"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(report)}\r\n--{limit}--\r\n"
    )
    headers = {
        "Origin": BASE,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": f"multipart/form-data; boundary={limit}",
    }
    return client.send_bytes("POST", f"{path}/audit-reports", body.encode(), headers)


def test_an_auditor_hands_in_a_report_and_reads_it_again(
    engine: Engine, parts: Parts, path: str
) -> None:
    client = Client(make_app(parts), Role.AUDITOR)
    page = f"{path}/privacy"
    assert "None was handed in yet." in client.get(page).text
    assert hand_in(client, page, REPORT).status_code == 303
    html = client.get(page).text
    assert "verdict-holds" in html
    (link,) = re.findall(rf'href="({page}/audit-reports/[^"]+)"', html)
    assert client.get(link).json() == REPORT
    assert "verdict-holds" in client.get("/privacy").text
    failed = REPORT | {"counts": {"holds": 1, "fails": 1}}
    assert hand_in(client, page, failed).status_code == 303
    assert "verdict-fails" in client.get(page).text
    refused = hand_in(client, page, {"no": "report"})
    assert (refused.status_code, "This is no report" in refused.text) == (422, True)
    assert hand_in(client, page, REPORT, "kiosk-2").status_code == 404
    with engine.connect() as connection:
        kept = connection.execute(select(audit_report.c.handed_in_by)).scalars().all()
    assert kept == ["ada", "ada"]


def test_the_log_says_who_opened_what(parts: Parts, engine: Engine, path: str) -> None:
    app = make_app(parts)
    reader = Client(app, Role.AUDITOR, name="auditor")
    assert "Nothing yet." in reader.get("/access-log").text
    Client(app, Role.STORE_MANAGER, name="mei").get(f"{path}?period=week")
    app.state.gate.recorder.flush()
    text = text_of(reader.get("/access-log").text)
    assert "16 November 04:00 mei by session store Pudong" in text
    assert "period=week 200" in text
    with writer(engine).begin() as connection:
        connection.execute(update(store).values(name="Elsewhere"))
    assert "Elsewhere" in reader.get("/access-log").text


def test_long_logs_come_a_page_at_a_time(
    parts: Parts, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.privacy_pages.ENTRIES_A_PAGE", 2)
    app = make_app(parts)
    visitor, reader = Client(app, name="mei"), Client(app, Role.AUDITOR, name="auditor")
    for day in (1, 2, 3):
        visitor.get(f"{path}?period=range&first=2026-11-0{day}&last=2026-11-0{day}")
    app.state.gate.recorder.flush()
    seen: list[str] = []
    address = "/access-log"
    for _ in range(4):
        html = reader.get(address).text
        seen += re.findall(r"first=2026-11-0(\d)", html)
        more = re.search(r'rel="next" href="([^"]+)"', html)
        if more is None:
            break
        address = more[1].replace("&amp;", "&")
    assert sorted(seen) == ["1", "2", "3"]
