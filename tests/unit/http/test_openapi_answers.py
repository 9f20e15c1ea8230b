"""The OpenAPI document says what every route answers, field by field."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest

from services.cli.compose import application, metrics_routes
from services.gateway import events_api
from services.http.answers import Answer
from services.operations import operations_api
from services.scorecards import programme_api, quality_api, scorecard_api
from tests.support.documented import ROUTES

SERVICES = (events_api, scorecard_api, programme_api, quality_api, operations_api)
OTHERS = {
    ("/metrics", "get"): {"text/plain", "application/openmetrics-text"},
    ("/v1/rebuild", "post"): {"application/x-ndjson"},
    ("/v1/backtest", "post"): {"application/x-ndjson"},
}
"""The media types of the routes that do not answer with JSON."""


async def _ready() -> None:
    return None


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the OpenAPI document of an application with all routes of the JSON API."""
    routers = [one.routes(MagicMock()) for one in SERVICES]
    return application("test", [*routers, metrics_routes()], _ready).openapi()


def successes(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and content of every answer of success."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found = [one for status, one in operation["responses"].items() if status[0] == "2"]
            assert found, path
            for answer in found:
                yield path, method, answer["content"]


def test_every_route_has_an_answer_with_a_schema(document: dict[str, Any]) -> None:
    there = set()
    for path, method, content in successes(document):
        there.add((path, method))
        assert set(content) == OTHERS.get((path, method), {"application/json"}), path
        for media in content.values():
            schema = media["schema"]
            assert schema, path
            for one in [schema, *schema.get("anyOf", [])]:
                name = one.get("$ref", "").rpartition("/")[2]
                assert not name or document["components"]["schemas"][name]["description"], name
    assert there == {
        (one.path_format, method.lower()) for one in ROUTES for method in one.methods or ()
    }


def models(of: type[Answer]) -> Iterator[type[Answer]]:
    for one in of.__subclasses__():
        yield one
        yield from models(one)


@pytest.mark.parametrize("model", sorted(models(Answer), key=str), ids=lambda model: model.__name__)
def test_every_field_is_described_and_every_model_is_strict(model: type[Answer]) -> None:
    assert model.__doc__
    assert model.model_config["extra"] == "forbid"
    for name, field in model.model_fields.items():
        assert field.description, name


def test_the_document_does_not_promise_that_no_field_is_added(document: dict[str, Any]) -> None:
    known = {one.__name__ for one in models(Answer)}
    shown = known & document["components"]["schemas"].keys()
    assert {"Scorecard", "ProgrammeFigures", "Findings", "Refusals", "Outcome"} <= shown
    for name in shown:
        assert "additionalProperties" not in document["components"]["schemas"][name], name
