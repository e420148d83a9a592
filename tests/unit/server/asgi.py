"""A client that talks to an application in this process, without a socket."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from fastapi import FastAPI

from server.access.gate import Gate
from server.access.reach import Reach
from server.access.roles import Role
from tests.access import EVERYTHING, a_session, an_account

BASE = "http://127.0.0.1"
FORM = re.compile(r'name="form" value="([0-9a-f]+)"')


@dataclass
class Client:
    """A browser: sends requests, keeps cookies, follows no redirects.

    It is signed in, as an administrator if nothing else is said; `role` none: as nobody.
    """

    app: FastAPI
    role: Role | None = Role.ADMIN
    reaches: Sequence[Reach] = EVERYTHING
    name: str = "ada"
    base: str = BASE
    peer: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    _since: datetime | None = None

    def get(
        self,
        path: str,
        params: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to GET `path`."""
        return self.send("GET", path, params=params, headers=dict(headers or {}))

    def post(
        self, path: str, data: Mapping[str, object] | None = None, form: str = ""
    ) -> httpx.Response:
        """The answer to a form of the page `form` (or of `path`), with its form token."""
        token = FORM.search(self.get(form or path).text)
        assert token is not None, f"{form or path} has no form"
        return self.send("POST", path, data={"form": token[1], **(data or {})})

    def send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        data: dict[str, object] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to a request, as a page of ours sends it unless `headers` are given."""
        self._sign_in()
        if headers is None and method != "GET":
            headers = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        return asyncio.run(
            self._send(method, path, params=params, data=data, json=json, headers=headers)
        )

    def send_bytes(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The answer to a request with a body as it stands."""
        self._sign_in()
        return asyncio.run(self._send(method, path, content=body, headers=headers))

    def _sign_in(self) -> None:
        """Begin a session, and another one where the clock was moved on."""
        if self.role is None:
            return
        gate: Gate = self.app.state.gate
        now = gate.clock()
        if self._since is not None and now - self._since < timedelta(hours=1):
            return
        account_id = an_account(gate.engine, now, self.role, self.reaches, self.name)
        self.cookies[self.app.state.cookies.session_name] = a_session(gate.engine, account_id, now)
        self._since = now

    async def _send(self, method: str, path: str, **options: object) -> httpx.Response:
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(self.peer, 50_000)
        )
        async with httpx.AsyncClient(
            transport=transport, base_url=self.base, cookies=self.cookies
        ) as client:
            response = await client.request(method, path, **options)  # type: ignore[arg-type]
            for cookie in response.headers.get_list("set-cookie"):
                name, _, rest = cookie.partition("=")
                value = rest.partition(";")[0].strip('"')
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
            return response
