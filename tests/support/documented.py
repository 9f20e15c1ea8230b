"""Compares answers of the JSON API with the models that its OpenAPI document has for them."""

from functools import cache
from typing import Any, Final

import httpx
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.exporter import metrics_route
from services.gateway import events_api
from services.operations import backtest_api, operations_api, settlement_api
from services.scorecards import programme_api, quality_api, scorecard_api

MODULES: Final = (
    *(events_api, metrics_route, scorecard_api, programme_api, quality_api),
    *(operations_api, settlement_api, backtest_api),
)
ROUTES: Final = [
    route for one in MODULES for route in one.router.routes if isinstance(route, APIRoute)
]


def documented(answer: httpx.Response) -> httpx.Response:
    """Assert that an answer has exactly the fields of its model; return the answer.

    Of an answer by lines, each line is compared. An answer without a model, such as a problem or a
    page, is returned as it is. Numbers, texts and dates must be written as the model says.
    """
    model = _model_of(answer)
    if model is not None:
        by_lines = answer.headers["content-type"].startswith("application/x-ndjson")
        for text in answer.content.splitlines() if by_lines else [answer.content]:
            _adapter(model).validate_json(text, strict=True)
    return answer


def _model_of(answer: httpx.Response) -> Any:
    request = answer.request
    for route in ROUTES:
        if request.method in (route.methods or ()) and route.path_regex.match(request.url.path):
            if answer.headers.get("content-type") == "application/problem+json":
                return None
            return route.responses.get(answer.status_code, {}).get("model")
    return None


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
