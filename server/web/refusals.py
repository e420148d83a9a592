"""What a page's visitor is shown instead of a problem: the sign-in, or why it is not shown."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from server.access.errors import (
    ForbiddenError,
    FormTokenError,
    SignInNeededError,
    TooManyError,
)
from server.errors import NotFoundError
from server.web.needs import is_api
from server.web.pages import Renderer
from server.web.problems import problem_response, retry_after, said_of

UNEXPECTED = "Something went wrong here; the server's log says what."
Handler = Callable[[Request, Exception], Response]


def handle_refusals(app: FastAPI, renderer: Renderer) -> None:
    """Answer what pages refuse with pages; the API's problems stay problems."""

    def refused(status: int, reason: str, said: str = "") -> Handler:
        def handler(request: Request, error: Exception) -> Response:
            if is_api(request):
                return problem_response(status, said or str(error))
            return renderer.page(request, "refused.html", status, reason=reason, wait_s=0)

        return handler

    app.add_exception_handler(ForbiddenError, refused(403, "forbidden"))
    app.add_exception_handler(FormTokenError, refused(403, "form"))
    app.add_exception_handler(Exception, refused(500, "unexpected", UNEXPECTED))

    app.add_exception_handler(SignInNeededError, _nobody)

    @app.exception_handler(TooManyError)
    def too_many(request: Request, error: TooManyError) -> Response:
        headers = retry_after(error)
        if is_api(request):
            return problem_response(429, str(error), headers)
        values = {"reason": "too_many", "wait_s": int(headers["Retry-After"])}
        response = renderer.page(request, "refused.html", 429, **values)
        response.headers.update(headers)
        return response

    _handle_addresses(app, renderer)


def _handle_addresses(app: FastAPI, renderer: Renderer) -> None:
    """Answer what is not there, and what cannot be read."""

    @app.exception_handler(NotFoundError)
    def not_found(request: Request, error: NotFoundError) -> Response:
        if is_api(request):
            return problem_response(404, str(error))
        return renderer.page(request, "missing.html", 404)

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> Response:
        if is_api(request) or error.status_code != HTTPStatus.NOT_FOUND:
            return problem_response(error.status_code, str(error.detail))
        return renderer.page(request, "missing.html", 404)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        if is_api(request):
            return problem_response(422, said_of(error))
        return renderer.page(request, "refused.html", 422, reason="address", wait_s=0)


def _nobody(request: Request, error: Exception) -> Response:
    if is_api(request):
        return problem_response(401, str(error), {"WWW-Authenticate": "Bearer"})
    to = "" if request.method != "GET" else f"?to={quote(_here(request), safe='')}"
    address = f"/sign-in{to}"
    if "hx-request" in request.headers:  # htmx must leave the page, not swap a part of it
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query
