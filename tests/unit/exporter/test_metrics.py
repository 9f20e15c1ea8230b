"""Metrics: text and OpenMetrics parse; each metric has a unit, a help and bounded labels."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from schemas.catalogue import CATALOGUE
from services.exporter.bounds import Bounds
from services.exporter.looks import StoreLook, Watch
from services.exporter.metrics_route import routes
from services.readiness.policy import DEFAULT_POLICY
from services.store.client import ClickHouse
from services.telemetry import metrics
from services.telemetry.series import SERIES
from tests.reference.cases import order, receive
from tests.support.storing import ACCEPTED_MS, empty, store

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAME = re.compile(r"rantai(_[a-z]+)+")
UNITS = (
    *("seconds", "bytes", "records", "events", "rows", "up", "suppliers", "certificates", "ratio"),
    *("numerator", "denominator", "cases", "info", "points", "steps", "findings"),
)
BOUNDED = {
    *("type", "stage", "reason", "topic", "partition", "route", "status", "le"),
    *("cluster", "region", "buyer", "grade", "assessor", "kpi", "from_grade", "to_grade"),
    *("supplier", "published", "before", "certificate", "sender", "whose", "part", "kind"),
}


@pytest.fixture(scope="module")
def watch(own_clickhouse: ClickHouse) -> Iterator[Watch]:
    made = Watch(StoreLook(lambda: own_clickhouse, DEFAULT_POLICY, Bounds()))
    REGISTRY.register(made)
    yield made
    REGISTRY.unregister(made)


@pytest.fixture(scope="module")
def client(watch: Watch) -> TestClient:
    app = FastAPI()
    app.include_router(routes())
    return TestClient(app)


def own(families: Any) -> dict[str, Any]:
    return {family.name: family for family in families if family.name.startswith("rantai_")}


def declared() -> set[str]:
    own = {value._name for value in vars(metrics).values() if hasattr(value, "_documentation")}
    return own | {one.name for one in SERIES}


def test_both_formats_contain_every_declared_metric(client: TestClient) -> None:
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


def test_each_metric_has_a_unit_in_its_name_a_help_and_bounded_labels(client: TestClient) -> None:
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
    own_clickhouse: ClickHouse, watch: Watch, client: TestClient
) -> None:
    empty(own_clickhouse)
    watch.store.look()
    value: Callable[..., float | None] = value_in(client)
    assert value("rantai_ledger_events") == 0
    assert value("rantai_newest_stored_event_accepted_timestamp_seconds") is None
    store(own_clickhouse, [order("03-01", 5, "03-20"), receive("03-20", 5), receive("03-21", 5)])
    watch.store.look()
    value = value_in(client)
    assert value("rantai_ledger_events") == 3
    assert value("rantai_exporter_up") == 1
    assert value("rantai_cluster_grade_suppliers", cluster="(none)", grade="none") == 1
    assert (value("rantai_store_size_bytes") or 0) > 0
    assert (value("rantai_store_memory_bytes") or 0) > 10_000_000
    newest = value("rantai_newest_stored_event_accepted_timestamp_seconds")
    assert newest == pytest.approx((ACCEPTED_MS + 2) / 1000)
    assert datetime.fromtimestamp(newest or 0).year == 2026  # noqa: DTZ006


def value_in(client: TestClient) -> Callable[..., float | None]:
    families = own(parse_text(client.get("/metrics").text))

    def value(name: str, **labels: str) -> float | None:
        found = [s.value for s in families[name].samples if s.labels == labels]
        return found[0] if found else None

    return value


def test_counters_of_accepted_and_rejected_events_exist_from_the_start_at_0() -> None:
    """Prometheus sees no increase in a series that first appears with value 1."""
    code = "from prometheus_client import generate_latest; import services.telemetry.metrics; "
    code += "print(generate_latest().decode())"
    text = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    found = own(parse_text(text.decode()))
    counted = {
        name: [one for one in found[name].samples if one.name.endswith("_total")]
        for name in ("rantai_events_accepted", "rantai_events_rejected")
    }
    assert {one.value for samples in counted.values() for one in samples} == {0}
    assert {one.labels["type"] for one in counted["rantai_events_accepted"]} == set(CATALOGUE)
    refused = {
        (one.labels["stage"], one.labels["reason"]) for one in counted["rantai_events_rejected"]
    }
    assert refused == {
        *(("gateway", "invalid"), ("gateway", "forbidden")),
        *(("inbound", "invalid"), ("inbound", "forbidden")),
        *(("ledger", "invalid"), ("ledger", "conflict"), ("ledger", "store")),
    }
