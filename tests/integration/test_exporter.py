"""Prometheus shows the figures of the API, and the state of store, broker and pipeline."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from services.kafka.embedded_broker import free_port
from services.telemetry.series import SERIES
from tests.integration.brokers import real_kafka
from tests.integration.process import RANTAI, Process, Up, rantai
from tests.integration.prometheus import Prometheus, run_tool, tool
from tests.integration.separate import ClickHouseProcess, Separate
from tests.integration.test_inbound_kafka import Sender
from tests.reference.cases import order

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
FAST = {"RANTAI_EVALUATION_SECONDS": "0.2", "RANTAI_RECONCILE_SECONDS": "2"}
DAYS = "200"
SETTLE_SECONDS = 240


def values(url: str, name: str) -> dict[str, float]:
    """Return the values of a metric by the value of its label, "" for a metric without labels."""
    families = parse_text(httpx.get(url + "/metrics", timeout=60).text)
    samples = [s for family in families if family.name == name for s in family.samples]
    return {next(iter(s.labels.values()), ""): s.value for s in samples}


def value(url: str, name: str) -> float | None:
    """Return the value of a metric without labels, or None if it is not exposed."""
    return values(url, name).get("")


def until(url: str, name: str, wanted: float | dict[str, float], seconds: float) -> None:
    """Wait until a metric has a value, or has these values by the value of its label."""
    expected = wanted if isinstance(wanted, dict) else {"": wanted}
    deadline = time.monotonic() + seconds
    found: dict[str, float] = {}
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            found = values(url, name)
            if {label: found.get(label) for label in expected} == expected:
                return
        time.sleep(0.5)
    raise AssertionError(f"{name} is {found}, not {expected}")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Run `rantai up` with `DAYS` days of simulated events."""
    tool("prometheus")
    made = Up(tmp_path_factory.mktemp("up") / "data", (), FAST)
    try:
        made.start()
        given = ("--data-dir", str(made.data_dir), "--url", made.url)
        rantai("simulate", *given, "--days", DAYS, "--no-live")
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def prometheus(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes `up`."""
    made = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{up.port}", "processor")
    try:
        made.start()
        # Wait until every supplier is evaluated and the exporter has read the store after that.
        deadline = time.monotonic() + SETTLE_SECONDS
        while made.ask("rantai_readiness_behind_suppliers == 0") == {}:
            assert time.monotonic() < deadline, made.ask("rantai_readiness_behind_suppliers")
            time.sleep(1)
        yield made
    finally:
        made.process.stop()


@pytest.fixture(scope="module")
def programme(up: Up) -> str:
    return up.key("programme", "PROGRAMME")


def label_of(cluster: str | None) -> str:
    return cluster or "(none)"


def test_figures_of_clusters_are_those_of_the_api(
    up: Up, prometheus: Prometheus, programme: str
) -> None:
    clusters = up.get(programme, "/v1/clusters")["clusters"]
    assert len(clusters) >= 4
    figures = {
        part: {
            (label_of(one["cluster"]), key): float(kpi[part])
            for one in clusters
            for key, kpi in one["kpis"].items()
            if part in kpi
        }
        for part in ("numerator", "denominator")
    }
    assert all(len(found) == 11 * len(clusters) for found in figures.values())
    assert sum(figures["numerator"].values()) > 1000
    for part, expected in figures.items():
        prometheus.await_equal(f"cluster_kpi:rantai_figure_{part}:max", expected)
    otif = {(label_of(one["cluster"]), "otif"): one["kpis"]["otif"]["value"] for one in clusters}
    ratio = 'cluster_kpi:rantai_figure:ratio{kpi="otif"}'
    prometheus.await_equal(ratio, otif)
    whole = up.get(programme, "/v1/programme")["kpis"]
    found = prometheus.ask("kpi:rantai_figure:ratio")
    for key in ("otif", "fill_rate", "lot_acceptance", "complaint_response"):
        assert found[(key,)] == pytest.approx(whole[key]["value"], rel=1e-14), key
    stops = {(label_of(one["cluster"]),): one["kpis"]["line_stops"]["value"] for one in clusters}
    prometheus.await_equal("cluster:rantai_line_stops:max", stops)


def test_grades_stages_and_moves_are_those_of_the_api(
    up: Up, prometheus: Prometheus, programme: str
) -> None:
    clusters = up.get(programme, "/v1/clusters")["clusters"]
    grades: dict[tuple[str, ...], float] = {}
    stages: dict[tuple[str, ...], float] = {}
    moves: dict[tuple[str, ...], float] = {}
    for one in clusters:
        name = label_of(one["cluster"])
        grades |= {(name, grade): n for grade, n in one["grades"]["published"].items()}
        for opinion in one["stages"]:
            assessor = opinion["assessor"]
            stages |= {(assessor, name, stage): n for stage, n in opinion["stages"].items()}
        for move in one["moved"]["suppliers"]:
            key = (name, move["from"] or "none", move["to"] or "none")
            moves[key] = moves.get(key, 0) + 1
    assert len({labels[1] for labels, n in grades.items() if n}) >= 3
    prometheus.await_equal("rantai_cluster_grade_suppliers", grades)
    prometheus.await_equal("rantai_cluster_stage_suppliers", stages)
    prometheus.await_equal("rantai_cluster_moved_suppliers", moves)
    whole = up.get(programme, "/v1/programme")["grades"]["published"]
    prometheus.await_equal("grade:rantai_suppliers:sum", {(g,): n for g, n in whole.items()})


def test_each_supplier_has_its_own_figures(up: Up, prometheus: Prometheus, programme: str) -> None:
    found = prometheus.ask("rantai_supplier_standing_info")
    suppliers = {labels[-1]: labels for labels in found}
    assert len(suppliers) == 40
    for name, (before, cluster, grade, published, _) in list(suppliers.items())[:5]:
        card = up.get(programme, f"/v1/suppliers/{name}/scorecard")
        assert grade == (card["grade"]["value"] or "none")
        assert published == (card["grade"]["published"] or "none")
        assert cluster and before
        scores = prometheus.ask(f'rantai_supplier_score_points{{supplier="{name}"}}')
        assert list(scores.values()) == [card["score"]["value"]]
        load = prometheus.ask(f'rantai_supplier_capacity_load_ratio{{supplier="{name}"}}')
        expected = card["kpis"]["capacity_load"]["value"]
        assert list(load.values()) == ([] if expected is None else [expected])


def test_the_pipeline_is_well_and_no_alert_of_it_fires(up: Up, prometheus: Prometheus) -> None:
    stored = prometheus.ask_one("rantai_events_stored_total")
    prometheus.await_equal("rantai_ledger_events", {(): stored})
    prometheus.await_equal("rantai_exporter_up", {(): 1})
    prometheus.await_equal("rantai_reconcile_missing_events", {(): 0})
    prometheus.await_equal("max(rantai_offset_lag_records)", {(): 0})
    prometheus.await_equal("max(topic:rantai_topic_lag_records:max)", {(): 0})
    # Four canonical topics, rantai.rejected, and an inbound topic for each simulated sender.
    assert prometheus.ask_one("count(topic:rantai_topic_lag_records:max)") >= 5
    newest = prometheus.ask_one("rantai_newest_stored_event_accepted_timestamp_seconds")
    prometheus.await_equal("max(rantai_sender_newest_event_timestamp_seconds)", {(): newest})
    assert 0 < time.time() - newest < 900
    assert 0 < prometheus.ask_one("rantai:store_free:ratio") < 1
    operators = {"RantaiServiceDown", "RantaiExporterStale", "RantaiReconcileMissing"}
    assert not prometheus.firing() & operators


def test_what_is_shown_passes_the_checks_of_promtool_and_parses(up: Up) -> None:
    text = httpx.get(up.url + "/metrics", timeout=60).text
    status, said = run_tool("promtool", "check", "metrics", given=text)
    assert (status, said) == (0, "")
    families = {one.name: one for one in parse_text(text)}
    openmetrics = httpx.get(up.url + "/metrics", headers={"accept": OPENMETRICS}, timeout=60)
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    parsed = parse_openmetrics(openmetrics.text)  # type: ignore[no-untyped-call]
    other: dict[str, Any] = {one.name: one for one in parsed}
    for one in SERIES:
        shown = [(s.name, tuple(sorted(s.labels.items()))) for s in families[one.name].samples]
        assert shown, one.name
        assert shown == [(s.name, tuple(sorted(s.labels.items()))) for s in other[one.name].samples]


@pytest.mark.kafka
def test_what_waits_is_known_while_no_processor_runs(tmp_path: Path) -> None:
    services = Separate(tmp_path / "data", real_kafka(), environment=FAST)
    try:
        services.start()
        key = services.key("buyer", "B1")
        rantai("topics", "apply", "--partner", "B1", environment=services.environment)
        sender, url = Sender(services.environment["RANTAI_KAFKA"]), services.url_of("exporter")
        sender.send(b"{}", partner="B1")
        orders = [order("03-01", 5, "03-20", order_no=f"P{n}") for n in range(7)]
        assert post(services.gateway_url, key, orders[:3]) == 202
        services.settle()
        until(url, "rantai_topic_lag_records", {"rantai.orders": 0, "rantai.inbound.B1": 0}, 60)
        services.services["processor-1"].stop()
        assert post(services.gateway_url, key, orders[3:]) == 202
        sender.send(b"{}", partner="B1")
        until(url, "rantai_topic_lag_records", {"rantai.orders": 4, "rantai.inbound.B1": 1}, 60)
        # Accepted events that are not stored are missing until the processor is back.
        until(url, "rantai_reconcile_missing_events", 5, 60)
        services.start()
        until(url, "rantai_topic_lag_records", {"rantai.orders": 0, "rantai.inbound.B1": 0}, 60)
        until(url, "rantai_reconcile_missing_events", 0, 60)
    finally:
        services.end()


def post(url: str, key: str, events: list[dict[str, Any]]) -> int:
    """Send events; return the HTTP status."""
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/cloudevents-batch+json",
    }
    body = json.dumps(events)
    return httpx.post(url + "/v1/events", content=body, headers=headers, timeout=60).status_code


def test_the_exporter_alone_tells_of_a_store_that_is_away(tmp_path: Path) -> None:
    store = ClickHouseProcess(tmp_path)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    exporter = Process(
        [*RANTAI, "exporter"],
        tmp_path / "exporter.log",
        {
            "RANTAI_CLICKHOUSE_URL": store.url,
            "RANTAI_KAFKA": f"127.0.0.1:{free_port()}",
            "RANTAI_PORT": str(port),
        },
    )
    try:
        # The exporter has to start without a store, so that it can report the store as down.
        exporter.start()
        exporter.await_answer(url + "/readyz")
        until(url, "rantai_exporter_up", 0, 30)
        until(url, "rantai_exporter_broker_up", 0, 30)
        store.start()
        rantai("migrate", environment={"RANTAI_CLICKHOUSE_URL": store.url})
        until(url, "rantai_exporter_up", 1, 120)
        # A slow store must not delay a scrape.
        store.fault(stall_seconds=30, match="fold_marks")
        began = time.monotonic()
        while time.monotonic() - began < 20:
            asked = time.monotonic()
            assert value(url, "rantai_exporter_look_age_seconds") is not None
            assert time.monotonic() - asked < 10
            time.sleep(1)
        store.process.kill()
        until(url, "rantai_exporter_up", 0, 120)
        assert (value(url, "rantai_exporter_look_age_seconds") or 0) > 10
        assert exporter.stop() == 0
    finally:
        for process in (exporter, store.process):
            if process.alive:
                process.kill()
