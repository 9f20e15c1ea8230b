"""What every HTTP service of Rantai has in common: problems, timing, a line for each request."""

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
from schemas.messages import UNKNOWN, message_of
from services.telemetry.logs import log
from services.telemetry.metrics import REQUEST_SECONDS

_LOGGER: Final = logging.getLogger("rantai.http")


class Problem(Exception):
    """An answer other than success: what was wrong and what to do (RFC 9457)."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers

    def response(self) -> Response:
        """Return it as `application/problem+json`."""
        return problem(self.status, self.detail, self.headers)


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem document."""
    return JSONResponse(
        {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Give an application the common error answers, timing and request log."""
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
        {"parameter": ".".join(str(step) for step in row["loc"][1:]), "message": _said(row)}
        for row in error.errors()
    ]
    detail = "; ".join(f"{row['parameter']}: {row['message']}" for row in rows)
    return problem(400, detail, errors=rows)


def _said(row: dict[str, Any]) -> str:
    if row["type"] == "extra_forbidden":
        return "is no parameter here; check its spelling, see /docs"
    message = message_of(row)
    return "is not what this parameter takes; see /docs" if message == UNKNOWN else message


async def _observe(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    began = time.perf_counter()
    try:
        response = await call_next(request)
    except Exception:
        _LOGGER.exception("request_failed")
        response = problem(500, "an error of ours; it is in the log under this time")
    took = time.perf_counter() - began
    route = getattr(request.scope.get("route"), "path", "unmatched")
    REQUEST_SECONDS.labels(route, str(response.status_code)).observe(took)
    if route not in ("/healthz", "/readyz", "/metrics"):
        # The route, not the path: a path may hold what belongs in no log, such as a link.
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
