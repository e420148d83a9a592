"""deploy/server/nginx with the real nginx and the real server behind it."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.brokers import MOSQUITTO, answers, free_port, start_mosquitto
from tests.integration.server.certificates import Authority
from tests.integration.server.processes import ServerProcess, eventually
from tests.unit.server.conftest import IDENTITY

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
DEPLOY = Path(__file__).parents[3] / "deploy" / "server" / "nginx"
NAME = "encounter.example.com"
pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx"),
    pytest.mark.skipif(not MOSQUITTO.exists(), reason=f"no mosquitto at {MOSQUITTO}"),
]


@dataclass
class Front:
    """Nginx in front of a server."""

    authority: Authority
    server: ServerProcess
    plain_port: int
    https_port: int
    folder: Path

    def client(self, own_address: str = "127.0.0.1") -> httpx.Client:
        """A browser that trusts the authority, and comes from an address of this machine."""
        trusted = ssl.create_default_context(cafile=self.authority.file)
        trusted.check_hostname = False  # the certificate is for 127.0.0.1, the name another
        transport = httpx.HTTPTransport(verify=trusted, local_address=own_address)
        base = f"https://127.0.0.1:{self.https_port}"
        return httpx.Client(transport=transport, base_url=base, headers={"Host": NAME})


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    (folder / "identity.toml").write_text(IDENTITY, "utf-8")
    broker = start_mosquitto(free_port(), folder)
    server = ServerProcess(
        folder,
        broker.port,
        free_port(),
        folder / "identity.toml",
        ("--public-url", f"https://{NAME}"),
    )
    server.start()
    one = Front(Authority(folder), server, free_port(), free_port(), folder)
    nginx = _start_nginx(one)
    yield one
    nginx.terminate()
    nginx.wait(10)
    server.kill()
    broker.kill()


def _start_nginx(front: Front) -> subprocess.Popen[bytes]:
    pair = front.authority.issue("pages", "127.0.0.1")
    text = (DEPLOY / "encounter.conf").read_text("utf-8")
    for there, here in (
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl http2;", ""),
        ("listen 80;", f"listen 127.0.0.1:{front.plain_port};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{front.https_port} ssl http2;"),
        ("/etc/ssl/encounter/fullchain.pem", str(pair.cert)),
        ("/etc/ssl/encounter/privkey.pem", str(pair.key)),
        ("http://127.0.0.1:8080", front.server.url),
        ("/etc/nginx/encounter-proxy.inc", str(DEPLOY / "encounter-proxy.inc")),
    ):
        assert there in text, there
        text = text.replace(there, here)
    config = front.folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {front.folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; pid {front.folder}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{\n{temporary}{text}\n}}\n",
        "utf-8",
    )
    with (front.folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([str(NGINX), "-c", str(config)], stderr=log)
    ready = eventually(lambda: answers(front.https_port), 10.0)
    assert ready, (front.folder / "nginx.log").read_text("utf-8")
    return process


def test_pages_come_by_https_with_a_secure_cookies_name_and_links_of_the_public_name(
    front: Front,
) -> None:
    with front.client() as browser:
        asked = browser.get("/")
        assert asked.status_code in {302, 303, 307}
        assert asked.headers["location"].startswith(("/", f"https://{NAME}/"))
        page = browser.get(asked.headers["location"])
        assert page.status_code == 200
        assert page.headers["strict-transport-security"].startswith("max-age=")
        assert "server" not in {key for key, v in page.headers.items() if "1.22" in v}
    assert f"https://{NAME}/link/" in front.server.log


def test_plain_http_is_sent_on_to_https(front: Front) -> None:
    told = httpx.get(f"http://127.0.0.1:{front.plain_port}/stores?x=1", headers={"Host": NAME})
    assert (told.status_code, told.headers["location"]) == (301, f"https://{NAME}/stores?x=1")


def test_how_the_server_is_is_told_on_this_machine_alone(front: Front) -> None:
    with front.client() as here:
        assert here.get("/healthz").json()["status"] in {"ok", "degraded"}
    with front.client("127.0.0.2") as elsewhere:
        assert elsewhere.get("/healthz").status_code == 403
        assert elsewhere.get("/api/v1/openapi.json").status_code == 200


def test_old_tls_is_refused(front: Front) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        httpx.Client(verify=old) as browser,
        pytest.raises(httpx.ConnectError),
    ):
        browser.get(f"https://127.0.0.1:{front.https_port}/")


def test_what_a_browser_says_of_where_it_comes_from_is_not_believed(front: Front) -> None:
    """The server counts attempts by address: one that may choose its own is never held up."""
    with front.client("127.0.0.2") as guessing, front.client("127.0.0.3") as other:
        statuses = []
        for number in range(60):
            told = {"X-Forwarded-For": f"198.51.100.{number}", "Authorization": "Bearer enc_guess"}
            statuses.append(guessing.get("/api/v1/stores", headers=told).status_code)
        assert (statuses[0], statuses[-1]) == (401, 429)
        told = {"X-Forwarded-For": "127.0.0.2", "Authorization": "Bearer enc_guess"}
        assert other.get("/api/v1/stores", headers=told).status_code == 401
