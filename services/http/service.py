"""What every HTTP service has in common: problem documents, timing, a log entry per request."""

import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.envelope import trace_id
from schemas.messages import UNKNOWN_FAULT, message_of
from services.telemetry.logs import log
from services.telemetry.metrics import REQUEST_SECONDS

_LOGGER: Final = logging.getLogger("rantai.http")


class Problem(Exception):
    """An answer other than success (RFC 9457). `detail`: what was wrong and what to do."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers

    def response(self) -> Response:
        """Return the problem as `application/problem+json`."""
        return problem(self.status, self.detail, self.headers)


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem document. `more`: further members of it."""
    return JSONResponse(
        {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Add the common error answers, timing and request log to an application."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.middleware("http")(_observe)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class alone
    return error.response()


async def _http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, str(error.detail), headers)


async def _invalid_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    rows = [
        {"parameter": ".".join(str(step) for step in row["loc"][1:]), "message": _wording(row)}
        for row in error.errors()
    ]
    detail = "; ".join(f"{row['parameter']}: {row['message']}" for row in rows)
    return problem(400, detail, errors=rows)


def _wording(row: dict[str, Any]) -> str:
    if row["type"] == "extra_forbidden":
        return "is not a parameter of this request; check its spelling, see /docs"
    message = message_of(row)
    return (
        "is not a value that this parameter takes; see /docs"
        if message == UNKNOWN_FAULT
        else message
    )


async def _observe(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    began = time.perf_counter()
    try:
        response = await call_next(request)
    except Exception:
        _LOGGER.exception("request_failed")
        response = problem(500, "an internal error; the service's log has it under this time")
    took = time.perf_counter() - began
    route = getattr(request.scope.get("route"), "path", "unmatched")
    REQUEST_SECONDS.labels(route, str(response.status_code)).observe(took)
    if route not in ("/healthz", "/readyz", "/metrics"):
        # The route, not the path: a path may hold a secret, such as the token of a link.
        log(
            _LOGGER,
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            seconds=round(took, 4),
            trace_id=trace_id(request.headers.get("traceparent")),
        )
    return response
