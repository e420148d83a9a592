"""The web application, put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.access.gate import Gate
from server.access.recorder import Recorder
from server.web.accounts_pages import accounts_router
from server.web.amend_pages import amending_router
from server.web.api import api_router, health_router
from server.web.change_pages import changes_router
from server.web.confirm_pages import confirming_router
from server.web.cookies import Cookies
from server.web.device_pages import device_router
from server.web.fleet_pages import fleet_router
from server.web.needs import OPEN, check_rights
from server.web.noting import Noting
from server.web.pages import Renderer, pages_router
from server.web.parts import Parts
from server.web.privacy_pages import privacy_router
from server.web.problems import handle_problems
from server.web.protection import Protection
from server.web.refusals import handle_refusals
from server.web.setup_pages import setup_router
from server.web.sign_in import sign_in_router
from server.web.token_api import token_api_router
from server.web.token_pages import token_router

STATIC = Path(__file__).parent.parent / "static"
CACHED = "public, max-age=3600"
OPENAPI = "/api/v1/openapi.json"


class CachedFiles(StaticFiles):
    """Static files that a browser may keep for an hour (their addresses name their content)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, with its lifetime."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = CACHED
        return response


def make_app(parts: Parts) -> FastAPI:
    """The application over `parts`; opens nothing itself.

    While it serves, a thread writes the log of who saw what.
    """
    recorder = Recorder(parts.engine)
    gate = Gate(parts.engine, parts.clock, recorder)
    app = FastAPI(
        title="Encounter",
        version="1",
        description="Released figures of service encounters: thresholded cells and their unions.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_writing(recorder),
    )
    app.state.gate = gate
    app.state.cookies = Cookies(secure=parts.public_url is not None)
    renderer = Renderer()
    handle_problems(app)
    handle_refusals(app, renderer)
    for router in routers(app, parts, renderer):
        check_rights(router)
        app.include_router(router)
    app.mount("/static", CachedFiles(directory=STATIC, check_dir=False), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Noting, gate=gate)
    app.add_middleware(Protection, public_url=parts.public_url)
    return app


def routers(app: FastAPI, parts: Parts, renderer: Renderer) -> tuple[APIRouter, ...]:
    """All routes of the application but the static files."""
    return (
        api_router(parts),
        token_api_router(parts),
        health_router(parts),
        _description(app),
        pages_router(parts, renderer),
        changes_router(parts, renderer),
        amending_router(parts, renderer),
        confirming_router(parts, renderer),
        fleet_router(parts, renderer),
        device_router(parts, renderer),
        setup_router(parts, renderer),
        privacy_router(parts, renderer),
        sign_in_router(parts, renderer),
        token_router(parts, renderer),
        accounts_router(parts, renderer),
    )


def _description(app: FastAPI) -> APIRouter:
    """The API's description: it says nothing about anybody, so everybody may read it."""
    router = APIRouter()

    @router.get(OPENAPI, include_in_schema=False, dependencies=[OPEN])
    def openapi() -> dict[str, object]:
        return app.openapi()

    return router


def _writing(recorder: Recorder) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        recorder.start()
        yield
        await run_in_threadpool(recorder.stop)

    return lifespan
