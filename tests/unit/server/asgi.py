"""A client that talks to an application in this process, without a socket."""

import asyncio
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI


@dataclass
class Client:
    """Sends GET requests and keeps cookies."""

    app: FastAPI
    cookies: dict[str, str] = field(default_factory=dict)

    def get(
        self,
        path: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to GET `path`; redirects are not followed."""
        return asyncio.run(self._get(path, params, headers))

    async def _get(
        self, path: str, params: dict[str, str] | None, headers: dict[str, str] | None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies=self.cookies
        ) as client:
            response = await client.get(path, params=params, headers=headers)
            self.cookies.update(dict(response.cookies))
            return response
