"""The API's routes for groups: what each role sees, paging, and refusals."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import install
from services.readiness.policy import DEFAULT_POLICY
from services.scorecards import programme_api, scorecard_api
from services.store.client import ClickHouse, StoreUnavailable
from tests.integration.asking import problem
from tests.reference.cases import Event, about, order, receive
from tests.support.documented import documented
from tests.support.storing import empty, store

PATHS = ("/v1/programme", "/v1/clusters", "/v1/clusters/Ceper%2FBatur")
AS_OF = date(2026, 4, 1)


@dataclass
class Site:
    """The JSON API, requested with the API keys of several partners."""

    app: FastAPI
    keys: dict[str, str]
    reader: ScorecardReader

    def get(self, path: str, partner: str = "YDBA", **parameters: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            headers = {"authorization": f"Bearer {self.keys.get(partner, '')}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return documented(await client.get(path, params=parameters, headers=headers))

        return asyncio.run(ask())

    def json(self, path: str, partner: str = "YDBA", **parameters: Any) -> dict[str, Any]:
        answer = self.get(path, partner, as_of=AS_OF, **parameters)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Serve the API over four suppliers: two in one cluster, one in another, one in none."""
    empty(own_clickhouse)
    store(own_clickhouse, told())
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    held = {
        "YDBA": keys.create(Role.PROGRAMME, "YDBA"),
        "B1": keys.create(Role.BUYER, "B1"),
        "B2": keys.create(Role.BUYER, "B2"),
        "S1": keys.create(Role.SUPPLIER, "S1"),
    }
    app, reader = FastAPI(), ScorecardReader(own_clickhouse, DEFAULT_POLICY)
    install(app)
    app.include_router(programme_api.routes(scorecard_api.Scorecards(keys, reader)))
    return Site(app, held, reader)


def told() -> list[Event]:
    """Return events: for each pair of supplier and buyer, a line on time and one not received.

    All suppliers but one are registered too.
    """
    events: list[Event] = []
    for supplier, place, buyers in (
        ("S1", ("Jawa Tengah", "Klaten", "Ceper/Batur"), ("B1", "B2")),
        ("S2", ("Jawa Tengah", "Klaten", "Ceper/Batur"), ("B2",)),
        ("S3", ("Jawa Barat", "Bekasi", "babelan"), ("B1",)),
        ("S4", None, ("B1",)),
    ):
        for buyer in buyers:
            parties = {"buyer_id": buyer, "supplier_id": supplier}
            lines = [{"order_no": "P", "line_no": "10", "quantity": 4}]
            events += [order("03-01", 4, "03-10", line, **parties) for line in ("10", "20")]
            events[-1]["data"]["order_no"] = "P2"
            events.append(receive("03-09", lines=lines, **parties))
        if place is not None:
            named = dict(zip(("province", "regency", "cluster"), place, strict=True))
            registered = {"partner_id": supplier, "role": "supplier", "name": f"CV {supplier}"}
            event = about("registered", "03-01", **registered, **named, sector="logam")
            del event["data"]["supplier_id"]
            events.append(event)
    return events


def otif(summary: dict[str, Any]) -> tuple[int, int]:
    """Return numerator and denominator: 1 and 2 for each pair of supplier and buyer."""
    figure = summary["kpis"]["otif"]
    return figure["numerator"], figure["denominator"]


def test_the_programme_sees_all(site: Site) -> None:
    answer = site.json("/v1/programme")
    assert (answer["suppliers"], otif(answer)) == (4, (5, 10))
    assert answer["window"] == {"from": "2025-10-03", "to": "2026-04-01"}
    assert (answer["as_of"], answer["buyer_id"]) == ("2026-04-01", None)
    assert answer["policy_version"] == DEFAULT_POLICY.version
    assert answer["computed_at"].endswith("Z")
    assert answer["kpis"]["overdue_lines"] == {"value": 5}
    assert answer["grades"]["at_as_of"]["insufficient"] == 4
    assert answer["grades"]["published"]["none"] == 4
    assert answer["moved"] == {"since": "2026-03-01", "suppliers": []}


@pytest.mark.parametrize(
    ("asked", "suppliers", "orders"),
    [
        ({"region": "Jawa Tengah"}, 2, 3),
        ({"region": "Bekasi"}, 1, 1),
        ({"sector": "logam"}, 3, 4),
        ({"cluster": "babelan"}, 1, 1),
        ({"cluster": "babelan", "region": "Klaten"}, 0, 0),
        ({"region": "jawa"}, 0, 0),
        ({"buyer_id": "B2"}, 2, 2),
        ({"buyer_id": "nobody"}, 0, 0),
        ({"window_days": 5}, 4, 0),
    ],
)
def test_what_is_asked_for(site: Site, asked: dict[str, Any], suppliers: int, orders: int) -> None:
    answer = site.json("/v1/programme", **asked)
    assert (answer["suppliers"], otif(answer)) == (suppliers, (orders, 2 * orders))


def test_a_buyer_sees_its_own_orders_alone(site: Site) -> None:
    answer = site.json("/v1/programme", "B2")
    assert (answer["suppliers"], otif(answer), answer["buyer_id"]) == (2, (2, 4), "B2")
    assert answer["suppliers"] == site.json("/v1/programme", "B2", buyer_id="B2")["suppliers"]
    assert [one["cluster"] for one in site.json("/v1/clusters", "B2")["clusters"]] == [
        "Ceper/Batur"
    ]
    one = site.json(PATHS[2], "B1")
    assert (one["suppliers"], otif(one)) == (1, (1, 2))
    assert [member["supplier_id"] for member in one["members"]] == ["S1"]
    problem(site.get("/v1/clusters/babelan", "B2"), 404, "of suppliers you buy from")


@pytest.mark.parametrize("path", PATHS)
def test_what_is_refused(site: Site, path: str) -> None:
    problem(site.get(path, "S1"), 403, "role programme or buyer")
    problem(site.get(path, "B1", buyer_id="B2"), 403, "own orders only")
    problem(site.get(path, "nobody"), 401, "valid key")
    problem(site.get(path, as_of="yesterday"), 400, "as_of")
    problem(site.get(path, as_of="1900-02-01", window_days=40), 400, "would begin before")
    problem(site.get(path, window_days=0), 400, "window_days")
    problem(site.get(path, top=101), 400, "top")
    problem(site.get(path, buyer_id=""), 400, "buyer_id")
    problem(site.get(path, unheard_of=1), 400, "unheard_of")
    assert site.get(path, as_of="1900-01-03", window_days=1).status_code == 200
    assert site.get(path, as_of="2200-01-01", window_days=36500).status_code == 200


def test_clusters_by_name_and_by_pages(site: Site) -> None:
    whole = site.json("/v1/clusters")
    assert [(one["cluster"], one["suppliers"], otif(one)) for one in whole["clusters"]] == [
        ("babelan", 1, (1, 2)),
        ("Ceper/Batur", 2, (3, 6)),
        (None, 1, (1, 2)),
    ]
    assert (whole["total"], whole["next_offset"]) == (3, None)
    pages, offset = [], 0
    while offset is not None:
        page = site.json("/v1/clusters", limit=1, offset=offset)
        assert page["total"] == 3
        pages += page["clusters"]
        offset = page["next_offset"]
    assert pages == whole["clusters"]
    past = site.json("/v1/clusters", offset=9)
    assert (past["clusters"], past["total"], past["next_offset"]) == ([], 3, None)
    klaten = site.json("/v1/clusters", region="Klaten", sector="logam")
    assert [one["cluster"] for one in klaten["clusters"]] == ["Ceper/Batur"]


def test_one_cluster_and_its_members(site: Site) -> None:
    whole = site.json(PATHS[2])
    assert (whole["cluster"], whole["total"], whole["next_offset"]) == ("Ceper/Batur", 2, None)
    first, second = whole["members"]
    assert (first["supplier_id"], first["matured_lines"]) == ("S1", 4)
    assert (second["supplier_id"], second["matured_lines"]) == ("S2", 2)
    assert (first["name"], first["regency"]) == ("CV S1", "Klaten")
    assert (first["provisional"], first["grade"], first["published"]) == (True, None, None)
    page = site.json(PATHS[2], limit=1, offset=0)
    assert (page["members"], page["next_offset"], page["suppliers"]) == ([first], 1, 2)
    assert page["kpis"] == whole["kpis"]
    for nowhere in ("Ceper", "", "null", "%00"):
        problem(site.get(f"/v1/clusters/{nowhere}"), 404, "no cluster")


def test_a_store_that_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(ClickHouse, "rows", away)
    for path in PATHS:
        answer = site.get(path)
        problem(answer, 503, "try again")
        assert answer.headers["retry-after"] == "5"


def test_what_needs_too_much_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {**site.reader.store.clickhouse._read_limits, "max_memory_usage": 1000}
    monkeypatch.setattr(site.reader.store.clickhouse, "_read_limits", limits)
    for path in PATHS:
        answer = site.get(path)
        problem(answer, 422, "ask for less: a shorter window, fewer suppliers")
        assert "retry-after" not in answer.headers


def test_openapi_has_a_summary_and_a_true_example_of_each(site: Site) -> None:
    paths = site.app.openapi()["paths"]
    assert set(paths) == {"/v1/programme", "/v1/clusters", "/v1/clusters/{cluster}"}
    for path, asked in zip(paths, PATHS, strict=True):
        operation = paths[path]["get"]
        assert operation["summary"]
        assert operation["description"]
        example = operation["responses"]["200"]["content"]["application/json"]["example"]
        same_shape(example, site.json(asked))


def same_shape(example: Any, answer: Any) -> None:
    """Assert that an example has the keys of an answer; of lists, compare the first elements."""
    if isinstance(example, dict) and isinstance(answer, dict):
        if "otif" in example:  # The example shows only some of the many figures.
            assert set(example) <= set(answer)
        else:
            assert list(example) == list(answer)
        for key in example:
            same_shape(example[key], answer[key])
    elif isinstance(example, list) and example and isinstance(answer, list) and answer:
        same_shape(example[0], answer[0])
