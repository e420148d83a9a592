"""Coming in by pages: forms that others cannot send, cookies, https, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine

from server.access import accounts, links, passwords
from server.access.gate import Gate
from server.access.roles import Role
from server.commands.serving import server_of
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from server.web.protection import HttpAddress
from tests.access import an_account
from tests.unit.server.asgi import FORM, Client

PASSWORD = "three warm words"  # noqa: S105 a test's
PUBLIC = "https://figures.example"


def an_app(engine: Engine, folder: Path, public_url: str | None = None) -> Client:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(engine, lambda: link, IngestState)
    parts = Parts(engine, open_key(folder), FakeClock(MONDAY), lambda: health, public_url)
    return Client(make_app(parts), role=None, base=public_url or "http://127.0.0.1")


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Client:
    return an_app(engine, tmp_path)


@pytest.fixture
def https(engine: Engine, tmp_path: Path) -> Client:
    return an_app(engine, tmp_path, PUBLIC)


@pytest.fixture
def ada(engine: Engine) -> None:
    account_id = an_account(engine, MONDAY)
    kept = passwords.hashed(PASSWORD)
    with writer(engine).begin() as connection:
        accounts.set_password(connection, account_id, kept)


def sign_in(client: Client, name: str = "ada", password: str = PASSWORD, **more: object) -> int:
    response = client.post("/sign-in", {"name": name, "password": password, **more})
    return response.status_code


@pytest.mark.usefixtures("ada")
def test_signing_in_leads_to_where_one_wanted(client: Client) -> None:
    refused = client.get("/tokens?x=1")
    assert (refused.status_code, refused.headers["location"]) == (
        303,
        "/sign-in?to=%2Ftokens%3Fx%3D1",
    )
    form = client.get(refused.headers["location"]).text
    assert 'name="to" value="/tokens?x=1"' in form
    answer = client.post("/sign-in", {"name": "Ada", "password": PASSWORD, "to": "/tokens?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/tokens?x=1")
    assert client.get("/tokens").status_code == 200


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_signing_in_leads_nowhere_else(client: Client, to: str) -> None:
    answer = client.post("/sign-in", {"name": "ada", "password": PASSWORD, "to": to})
    assert answer.headers["location"] == "/"


@pytest.mark.usefixtures("ada")
def test_whatever_is_wrong_the_words_are_the_same(client: Client, engine: Engine) -> None:
    an_account(engine, MONDAY, name="invited")
    texts = set()
    for name in ("ada", "invited", "nobody"):
        answer = client.post("/sign-in", {"name": name, "password": "a wrong password"})
        assert answer.status_code == 403
        texts.add(FORM.sub("", answer.text).replace(name, "X"))
    assert len(texts) == 1
    assert "Name or password is not right." in texts.pop()


@pytest.mark.usefixtures("ada")
def test_too_many_are_told_to_wait(client: Client) -> None:
    assert [sign_in(client, password="a wrong password") for _ in range(6)] == [403] * 5 + [429]  # noqa: S106
    answer = client.post("/sign-in", {"name": "ada", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "Try again in 1 s" in answer.text


@pytest.mark.usefixtures("ada")
def test_the_sessions_cookie_is_kept_from_scripts_and_other_sites(client: Client) -> None:
    answer = client.post("/sign-in", {"name": "ada", "password": PASSWORD})
    cookies = answer.headers.get_list("set-cookie")
    (session,) = [one for one in cookies if one.startswith("session=")]
    flags = {part.strip().lower() for part in session.split(";")[1:]}
    assert flags == {"httponly", "path=/", "samesite=lax"}
    assert len(client.cookies["session"]) >= 43


@pytest.mark.usefixtures("ada")
def test_over_https_it_is_bound_to_this_host(https: Client) -> None:
    assert sign_in(https) == 303
    assert "__Host-session" in https.cookies
    assert "session" not in https.cookies
    answer = https.get("/account")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    out = https.post("/sign-out", form="/account")
    (gone,) = [c for c in out.headers.get_list("set-cookie") if c.startswith("__Host-session")]
    assert "Max-Age=0" in gone
    assert "Secure" in gone
    assert https.get("/account").status_code == 303


@pytest.mark.usefixtures("ada")
def test_signing_out_ends_the_session_at_the_server(client: Client) -> None:
    sign_in(client)
    kept = dict(client.cookies)
    assert client.post("/sign-out", form="/account").headers["location"] == "/sign-in"
    client.cookies = kept
    assert client.get("/account").status_code == 303


FOREIGN: list[Mapping[str, str]] = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:81"},
    {"Origin": "https://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("headers", FOREIGN)
def test_other_sites_change_nothing_even_with_the_form_token(
    client: Client, headers: Mapping[str, str]
) -> None:
    sign_in(client)
    token = FORM.search(client.get("/account").text)
    assert token is not None
    data: dict[str, object] = {"form": token[1]}
    assert client.send("POST", "/sign-out", data=data, headers=headers).status_code == 403
    assert client.get("/account").status_code == 200
    own = {"Origin": "http://127.0.0.1"}
    assert client.send("POST", "/sign-out", data=data, headers=own).status_code == 303


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("path", ["/sign-out", "/tokens", "/accounts", "/account/password"])
def test_nothing_is_changed_without_the_sessions_form_token(client: Client, path: str) -> None:
    sign_in(client)
    before = FORM.search(an_anonymous(client).get("/sign-in").text)
    assert before is not None
    for form in ({}, {"form": ""}, {"form": "00" * 64}, {"form": before[1]}):
        assert client.send("POST", path, data=dict(form)).status_code == 403
    response = client.send("POST", "/api/v1/tokens", json={})
    assert response.status_code == 403


def an_anonymous(client: Client) -> Client:
    return Client(client.app, role=None)


@pytest.mark.usefixtures("ada")
def test_the_sign_in_form_is_bound_to_the_visit(client: Client) -> None:
    token = FORM.search(client.get("/sign-in").text)
    assert token is not None
    data: dict[str, object] = {"form": token[1], "name": "ada", "password": PASSWORD}
    assert an_anonymous(client).send("POST", "/sign-in", data=data).status_code == 403
    assert client.send("POST", "/sign-in", data=data).status_code == 303


def test_a_link_is_followed_to_the_end(client: Client) -> None:
    gate: Gate = client.app.state.gate
    with writer(gate.engine).begin() as connection:
        secret = links.first(connection, MONDAY)
    path = f"/link/{secret}"
    both = {"password": PASSWORD, "again": PASSWORD}
    assert "not the same" in client.post(path, {**both, "again": "x", "name": "ada"}).text
    weak = client.post(
        path, {"name": "ada"} | dict.fromkeys(("password", "again"), "ada-ada-ada-ada")
    )
    assert (weak.status_code, "guess this password first" in weak.text) == (422, True)
    assert client.post(path, {**both, "name": "Ada"}).headers["location"] == "/"
    assert client.get("/account").status_code == 200
    gone = client.get(path)
    assert (gone.status_code, "does not work" in gone.text) == (404, True)
    assert client.get("/link/other").status_code == 404


@pytest.mark.usefixtures("ada")
def test_a_password_is_changed_by_who_knows_the_old_one(client: Client) -> None:
    sign_in(client)
    other = an_anonymous(client)
    sign_in(other)
    new = {"password": "other warm words", "again": "other warm words"}
    path = "/account/password"
    assert client.post(path, {"old": "wrong", **new}, form="/account").status_code == 422
    changed = client.post(path, {"old": PASSWORD, **new}, form="/account")
    assert changed.headers["location"] == "/account?changed=true"
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("host", "scheme", "peer", "status"),
    [
        ("figures.example", "https", "192.0.2.7", 200),
        ("FIGURES.example:443", "https", "192.0.2.7", 200),
        ("figures.example", "http", "192.0.2.7", 421),
        ("other.example", "https", "192.0.2.7", 421),
        ("192.0.2.1:8080", "http", "192.0.2.7", 421),
        ("127.0.0.1:8080", "http", "192.0.2.7", 421),
        ("localhost", "http", "127.0.0.1", 200),
    ],
)
def test_others_are_spoken_to_by_the_public_name_and_https_alone(
    https: Client, host: str, scheme: str, peer: str, status: int
) -> None:
    https.base, https.peer = f"{scheme}://{host}", peer
    assert https.get("/healthz").status_code == status
    assert https.get("/sign-in").status_code == status


@pytest.mark.parametrize(
    ("peer", "proto", "status"),
    [
        ("127.0.0.1", "https", 200),
        ("192.0.2.9", "https", 200),
        ("127.0.0.1", "http", 421),
        ("192.0.2.8", "https", 421),
    ],
)
def test_named_proxies_alone_are_believed(
    https: Client, peer: str, proto: str, status: int
) -> None:
    server = server_of(https.app, HttpAddress("127.0.0.1", 8080, PUBLIC), ["192.0.2.9"])
    server.config.load()
    told = {
        "Host": "figures.example",
        "X-Forwarded-Proto": proto,
        "X-Forwarded-For": "203.0.113.5, 198.51.100.7",
    }
    behind = Client(server.config.loaded_app, role=None, base="http://10.0.0.1", peer=peer)
    assert behind.get("/sign-in", headers=told).status_code == status
    for _ in range(21):
        behind.get("/link/guess", headers=told)
    waiting = https.app.state.gate.addresses.wait_s("198.51.100.7", MONDAY)
    assert (waiting > 0) == (status == 200)


def test_forwarded_headers_are_nothing_without_a_public_url(client: Client) -> None:
    server = server_of(client.app, HttpAddress("127.0.0.1", 8080), [])
    server.config.load()
    told = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    direct = Client(server.config.loaded_app, role=None)
    assert direct.get("/sign-in", headers=told).status_code == 200
    for _ in range(21):
        direct.get("/link/guess", headers=told)
    gate: Gate = client.app.state.gate
    assert gate.addresses.wait_s("127.0.0.1", MONDAY) > 0
    assert gate.addresses.wait_s("203.0.113.5", MONDAY) == 0


def test_without_a_public_name_nobody_else_is(client: Client) -> None:
    client.peer = "192.0.2.7"
    assert client.get("/healthz").status_code == 421


@pytest.mark.usefixtures("ada")
def test_what_is_too_big_is_not_read(client: Client) -> None:
    assert sign_in(client, name="x" * 70_000) == 413
    assert sign_in(client, name="x" * 3_000) == 422
    own = {"Origin": "http://127.0.0.1", "Transfer-Encoding": "chunked"}
    assert client.send("POST", "/sign-in", headers=own).status_code == 411


def test_htmx_leaves_the_page_when_the_session_is_over(client: Client) -> None:
    answer = client.get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?to=%2F")


@pytest.mark.parametrize("path", ["/", "/api/v1/stores", "/account", "/sign-in", "/tokens"])
def test_nothing_about_anybody_is_kept_in_caches(client: Client, path: str) -> None:
    client.role = Role.ADMIN
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "style=" not in answer.text
    assert "<script>" not in answer.text


def test_what_a_role_may_not_is_said_on_a_page(client: Client) -> None:
    client.role = Role.STORE_MANAGER
    answer = client.get("/accounts", headers={"Accept-Language": "zh"})
    assert (answer.status_code, "您的角色不包括此项" in answer.text) == (403, True)
    assert client.get("/api/v1/devices/kiosk-1/ledger-head").headers["content-type"] == (
        "application/problem+json"
    )


def test_openness_ends_with_what_is_open(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/static/pages.css").status_code == 200
    assert client.get("/sign-in").status_code == 200
