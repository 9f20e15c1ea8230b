"""Metrics: text and OpenMetrics parse; names have units, helps, and no unbounded labels."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from services.exporter.api import look, routes
from services.telemetry import metrics
from services.warehouse.client import Warehouse
from tests.reference.cases import order, receive
from tests.storing import ACCEPTED_MS, empty, store

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAME = re.compile(r"rantai(_[a-z]+)+")
UNITS = ("seconds", "bytes", "records", "events", "rows", "up")
BOUNDED = {"type", "stage", "reason", "topic", "partition", "route", "status", "le"}


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.include_router(routes())
    return TestClient(app)


def own(families: Any) -> dict[str, Any]:
    return {family.name: family for family in families if family.name.startswith("rantai_")}


def declared() -> set[str]:
    return {value._name for value in vars(metrics).values() if hasattr(value, "_documentation")}


def test_both_formats_hold_every_metric_that_is_declared(client: TestClient) -> None:
    text = client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=")
    openmetrics = client.get("/metrics", headers={"accept": OPENMETRICS})
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
    families = own(parse_text(text.text))
    names = {name.removesuffix("_total") for name in families}
    assert names >= declared()
    families = own(parse_openmetrics(openmetrics.text))  # type: ignore[no-untyped-call]
    assert families.keys() >= declared()


def test_each_has_a_name_with_a_unit_a_help_and_bounded_labels(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"accept": OPENMETRICS})
    families = own(parse_openmetrics(answer.text))  # type: ignore[no-untyped-call]
    for name, family in families.items():
        assert NAME.fullmatch(name), name
        assert len(family.documentation) > 10, name
        if family.type == "counter":
            assert all(s.name.endswith(("_total", "_created")) for s in family.samples)
        else:
            assert name.rsplit("_", 1)[1] in UNITS, name
        for sample in family.samples:
            assert sample.labels.keys() <= BOUNDED, name


def test_a_look_into_the_store_sets_its_gauges(
    own_warehouse: Warehouse, client: TestClient
) -> None:
    empty(own_warehouse)
    look(own_warehouse)
    store(own_warehouse, [order("03-01", 5, "03-20"), receive("03-20", 5), receive("03-21", 5)])
    look(own_warehouse)
    value: Callable[..., float | None] = value_in(client)
    assert value("rantai_ledger_events", topic="rantai.orders") == 1
    assert value("rantai_ledger_events", topic="rantai.deliveries") == 2
    assert (value("rantai_store_size_bytes") or 0) > 0
    newest = value("rantai_newest_stored_event_accepted_timestamp_seconds")
    assert newest == pytest.approx((ACCEPTED_MS + 2) / 1000)
    assert datetime.fromtimestamp(newest or 0).year == 2026  # noqa: DTZ006


def value_in(client: TestClient) -> Callable[..., float | None]:
    families = own(parse_text(client.get("/metrics").text))

    def value(name: str, **labels: str) -> float | None:
        found = [s.value for s in families[name].samples if s.labels == labels]
        return found[0] if found else None

    return value
