"""Every PromQL query of the dashboards runs on a real Prometheus that scrapes a running Rantai."""

import json
import time
from collections.abc import Iterator
from datetime import date
from itertools import count
from math import isnan
from typing import Any

import httpx
import pytest

from tests.integration.grafana import PROMETHEUS, Asked, Period, dashboards, expand, queries
from tests.integration.process import Up, rantai
from tests.integration.prometheus import Prometheus, tool

SETTLE_SECONDS = 480
ASKED = list(queries(PROMETHEUS))
PERIOD = Period.days(date(2026, 10, 1), 1)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Run `rantai up`. The fixture `prometheus` sends simulated events to it."""
    tool("prometheus")
    fast = {"RANTAI_EVALUATION_SECONDS": "0.2", "RANTAI_RECONCILE_SECONDS": "2"}
    made = Up(tmp_path_factory.mktemp("up") / "data", (), fast)
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def prometheus(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes `up`, and send events until every query has a number.

    A counter that grows between only two scrapes may show no rate, so valid, refused and
    conflicting events are sent repeatedly.
    """
    made = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{up.port}", "rantai")
    try:
        made.start()
        given = ("--data-dir", str(up.data_dir), "--url", up.url)
        rantai("simulate", *given, "--days", "120", "--no-live")
        key = up.key("buyer", "AHM")
        deadline = time.monotonic() + SETTLE_SECONDS
        numbers = count(1)
        while empty_ones(made):
            assert time.monotonic() < deadline, empty_ones(made)
            refuse_one_of_two(up, key, next(numbers))
            time.sleep(2.5)
        while made.ask("rantai_readiness_behind_suppliers == 0") == {}:
            assert time.monotonic() < deadline
            time.sleep(1)
        yield made
    finally:
        made.process.stop()


def refuse_one_of_two(up: Up, key: str, number: int) -> None:
    """Send an invalid event, and one whose id was sent before with other content: a conflict."""
    lines = [{"line_no": "1", "item_no": "I", "quantity": number, "requested_date": "2026-09-20"}]
    order = {"buyer_id": "AHM", "supplier_id": "IKM-X", "order_no": "P", "lines": lines}
    assert send(up, key, "twice", order) == 202
    assert send(up, key, f"wrong-{number}", {"buyer_id": "AHM"}) == 422


def send(up: Up, key: str, event_id: str, data: dict[str, Any]) -> int:
    event = {
        "specversion": "1.0", "id": event_id, "source": "/erp/AHM/x", "data": data,
        "time": "2026-09-01T00:00:00Z", "type": "id.rantai.order.placed.v1",
    }  # fmt: skip
    kind = "application/cloudevents+json"
    headers = {"authorization": f"Bearer {key}", "content-type": kind}
    answer = httpx.post(up.url + "/v1/events", content=json.dumps(event), headers=headers)
    return answer.status_code


def answered(prometheus: Prometheus, asked: Asked) -> dict[tuple[str, ...], float]:
    """Run a query with rates over the last hour.

    An hour contains everything that was scraped, however long the fixture took.
    """
    return prometheus.ask(expand(asked.text, {}, PERIOD).replace("[1m]", "[1h]"))


def has_number(found: dict[tuple[str, ...], float]) -> bool:
    """Return whether a result has a series with a number.

    Where there were no requests, the quotient of their rates is NaN.
    """
    return any(not isnan(number) for number in found.values())


def empty_ones(prometheus: Prometheus) -> list[str]:
    """Return the queries whose result has no number yet."""
    return [f"{one}: {one.text}" for one in ASKED if not has_number(answered(prometheus, one))]


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: f"{one}: {one.text[:40]}")
def test_every_query_has_series(prometheus: Prometheus, asked: Asked) -> None:
    found = answered(prometheus, asked)
    assert has_number(found), found


def test_its_figures_are_those_of_the_api(up: Up, prometheus: Prometheus) -> None:
    key = up.key("programme", "PROGRAMME")
    time.sleep(1.0)
    (asked,) = [one for one in ASKED if one.place == "Published grades"]
    said: dict[str, Any] = up.get(key, "/v1/programme")["grades"]["published"]
    assert {grade: count for (grade,), count in answered(prometheus, asked).items()} == said
    (asked,) = [one for one in ASKED if one.place == "On time in full by cluster"]
    found = {cluster: value for (cluster,), value in answered(prometheus, asked).items()}
    clusters = [one for one in up.get(key, "/v1/clusters")["clusters"] if one["cluster"]]
    assert len(clusters) == 4
    for one in clusters:
        assert found[one["cluster"]] == pytest.approx(one["kpis"]["otif"]["value"], rel=1e-12)


def test_the_supplier_dashboard_links_to_a_page_that_is_there(up: Up) -> None:
    (link,) = [one for one in dashboards()["rantai-supplier"]["links"] if one["type"] == "link"]
    address = expand(link["url"], {"scorecards_url": [up.url], "supplier": ["IKM-CPR-01"]}, PERIOD)
    there = httpx.get(address, follow_redirects=True)
    nowhere = httpx.get(address.replace("/suppliers/", "/nobody/"), follow_redirects=True)
    assert nowhere.status_code == 404
    assert there.status_code != 404, there.text[:300]
