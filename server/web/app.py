"""The web application, put together."""

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.web.api import api_router, health_router
from server.web.pages import pages_router
from server.web.parts import Parts
from server.web.problems import handle_problems
from server.web.protection import Protection

STATIC = Path(__file__).parent.parent / "static"
CACHED = "public, max-age=3600"


class CachedFiles(StaticFiles):
    """Static files that a browser may keep for an hour (their addresses name their content)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, with its lifetime."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = CACHED
        return response


def make_app(parts: Parts) -> FastAPI:
    """The application over `parts`; opens nothing itself."""
    app = FastAPI(
        title="Encounter",
        version="1",
        description="Released figures of service encounters: thresholded cells and their unions.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    handle_problems(app)
    app.include_router(api_router(parts))
    app.include_router(health_router(parts))
    app.include_router(pages_router(parts))
    app.mount("/static", CachedFiles(directory=STATIC, check_dir=False), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Protection)
    return app
