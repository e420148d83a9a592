"""Errors as RFC 9457 problem details (`application/problem+json`)."""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from server.access.errors import RefusedError, TooManyError
from server.audit_reports import ReportError
from server.errors import AmendmentError, ExpectationError, IdentityError, PeriodError
from server.web.v1.cursors import CursorError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What was expected and found.")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    for status in ("4XX", "5XX")
}


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a response."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Answer errors of `app` with a problem; `refusals` answers those of access."""

    @app.exception_handler(PeriodError)
    @app.exception_handler(ExpectationError)
    @app.exception_handler(RefusedError)
    @app.exception_handler(CursorError)
    @app.exception_handler(ReportError)
    def unanswerable(_request: Request, error: Exception) -> Response:
        return problem_response(422, str(error))

    @app.exception_handler(IdentityError)
    @app.exception_handler(AmendmentError)
    def in_the_way(_request: Request, error: Exception) -> Response:
        return problem_response(409, str(error))


def said_of(error: RequestValidationError) -> str:
    """Where a request is not what was expected, and why."""
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())


def retry_after(error: TooManyError) -> dict[str, str]:
    """The header that says when to come again."""
    return {"Retry-After": str(max(1, math.ceil(error.wait_s)))}
