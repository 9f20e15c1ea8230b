"""Every answer about figures, over a history of events of every type, is as OpenAPI says."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.assessment.evaluations import EvaluationStore
from services.assessment.explanation import EXPLAINED
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import install
from services.readiness.policy import DEFAULT_POLICY
from services.scorecards import programme_api, quality_api, scorecard_api
from services.store.client import ClickHouse
from services.store.migrate import migrate
from tests.conftest import NOT_SYNCED
from tests.reference.cases import receive
from tests.reference.histories import history, supplier_ids
from tests.support.documented import documented
from tests.support.storing import store

AS_OF = "2026-11-01"
ENDS = [date(2026, month, 1) for month in (9, 10, 11)]
SUPPLIER = supplier_ids(1)[0]
SUPPLIER_PATH = f"/v1/suppliers/{SUPPLIER}"


@dataclass
class Api:
    """The JSON API of figures, asked with the programme's key."""

    client: TestClient

    def get(self, path: str, **parameters: Any) -> Any:
        answer = documented(self.client.get(path, params=parameters))
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def api(new_database: Callable[[], ClickHouse], tmp_path_factory: pytest.TempPathFactory) -> Api:
    """Serve a history whose month ends are frozen, and some of whose events came later."""
    clickhouse = new_database()
    migrate(clickhouse, NOT_SYNCED)
    events = history(
        random.Random(6), suppliers=2, buyers=2, lines=80, start=date(2026, 1, 1), days=300
    )
    late = [one for at, one in enumerate(events) if at % 9 == 0]
    store(clickhouse, [one for at, one in enumerate(events) if at % 9])
    reader, evaluations = ScorecardReader(clickhouse, DEFAULT_POLICY), EvaluationStore(clickhouse)
    selection = Selection(ENDS[-1], 180, [SUPPLIER])
    found = reader.assessor.assessed_at(selection, {SUPPLIER: ENDS})
    evaluations.freeze(DEFAULT_POLICY.version, evaluations.high_water(), found)
    orphan = receive("10-01", 4, lines=[{"order_no": "X", "line_no": "1", "quantity": 4}])
    store(clickhouse, [*late, orphan])
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    app, scorecards = FastAPI(), scorecard_api.Scorecards(keys, reader)
    install(app)
    for module in (scorecard_api, programme_api, quality_api):
        app.include_router(module.routes(scorecards))
    key = keys.create(Role.PROGRAMME, "YDBA")
    return Api(TestClient(app, headers={"authorization": f"Bearer {key}"}))


def test_suppliers_and_scorecards(api: Api) -> None:
    assert api.get("/v1/suppliers")["total"] >= 2
    for supplier in supplier_ids(2):
        card = api.get(f"/v1/suppliers/{supplier}/scorecard", as_of=AS_OF)
        assert card["next_steps"]
        assert set(card["kpis"]) == set(EXPLAINED)
    assert api.get(f"{SUPPLIER_PATH}/lines", as_of=AS_OF, status="any")["total"] > 10


@pytest.mark.parametrize("kpi", EXPLAINED)
def test_every_figure_explained(api: Api, kpi: str) -> None:
    asked = {"kpi": kpi, "as_of": AS_OF, "window_days": 365}
    assert api.get(f"{SUPPLIER_PATH}/scorecard/explain", **asked)["kpi"] == kpi


def test_evaluations_and_what_was_restated(api: Api) -> None:
    found = api.get(f"{SUPPLIER_PATH}/evaluations")["evaluations"]
    assert len(found) == len(ENDS)
    assert any(one["restated"] for one in found)


def test_groups(api: Api) -> None:
    assert api.get("/v1/programme", as_of=AS_OF)["suppliers"] >= 2
    clusters = api.get("/v1/clusters", as_of=AS_OF)["clusters"]
    named = [one["cluster"] for one in clusters if one["cluster"]]
    for name in named:
        assert api.get(f"/v1/clusters/{name}", as_of=AS_OF)["members"]


def test_findings(api: Api) -> None:
    assert api.get("/v1/data-quality", as_of=AS_OF)["findings"]


def test_a_field_that_is_not_in_the_model_is_noticed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.dumps({**api.get(f"{SUPPLIER_PATH}/scorecard", as_of=AS_OF), "more": 1}).encode()
    monkeypatch.setattr(ScorecardReader, "scorecard", lambda *_: card)
    with pytest.raises(ValueError, match="more"):
        api.get(f"{SUPPLIER_PATH}/scorecard", as_of=AS_OF)
