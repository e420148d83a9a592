"""Errors as RFC 9457 problem details (`application/problem+json`)."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from server.errors import ExpectationError, NotFoundError, PeriodError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What was expected and found.")


def problem_response(status: int, detail: str) -> Response:
    """A problem as a response."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""

    @app.exception_handler(NotFoundError)
    def not_found(_request: Request, error: NotFoundError) -> Response:
        return problem_response(404, str(error))

    @app.exception_handler(PeriodError)
    @app.exception_handler(ExpectationError)
    def unanswerable(_request: Request, error: PeriodError | ExpectationError) -> Response:
        return problem_response(422, str(error))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return problem_response(422, "; ".join(found))

    @app.exception_handler(HTTPException)
    def other(_request: Request, error: HTTPException) -> Response:
        return problem_response(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    def unexpected(_request: Request, _error: Exception) -> Response:
        return problem_response(500, "Something went wrong here; the server's log says what.")
