"""The dashboards' queries over HTTP, a protocol that Grafana's ClickHouse plugin can be set to."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from services.assessment.figure_store import Selection
from services.assessment.policy_in_force import put_in_force
from services.assessment.standings import Standings
from services.readiness.policy import DEFAULT_POLICY
from services.simulator import history
from services.store.client import ClickHouse
from services.store.migrate import migrate
from tests.conftest import NOT_SYNCED
from tests.integration.grafana import ALL, CLICKHOUSE, ZONE, Period, expand, queries
from tests.integration.separate import ClickHouseProcess
from tests.support.storing import store

UNTIL = datetime(2026, 10, 1, 9, 30, tzinfo=ZONE)
PERIOD = Period.days(UNTIL.date(), 150)


@pytest.fixture(scope="module")
def over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    endpoint = ClickHouseProcess(Path(tmp_path_factory.mktemp("endpoint")))
    endpoint.start()
    try:
        clickhouse = ClickHouse(url=endpoint.url)
        migrate(clickhouse, NOT_SYNCED)
        put_in_force(clickhouse, DEFAULT_POLICY)
        store(clickhouse, (one.event for one in history(11, UNTIL, 150)))
        standings = Standings(clickhouse, DEFAULT_POLICY)
        names = sorted(standings.assessor.store.first_days(Selection(UNTIL.date(), 180)))
        for day in (date(2026, 9, 1), UNTIL.date()):
            standings.summaries(Selection(day, 180, names))
        yield clickhouse
        clickhouse.close()
    finally:
        endpoint.process.kill()


def test_every_query_is_answered(over_http: ClickHouse) -> None:
    (supplier,) = over_http.rows(
        "SELECT min(supplier_id) AS id FROM grafana_suppliers(buyers = [])"
    )
    given = {
        "buyer": ALL, "cluster": ALL, "supplier": ALL, "zone": ["Asia/Jakarta"],
        "status": ["all"], "figure": ["otif"],
    }  # fmt: skip
    empty = set()
    for one in queries(CLICKHOUSE):
        of = {"supplier": [supplier["id"]]} if one.dashboard == "rantai-supplier" else {}
        if not over_http.rows(expand(one.text, given | of, PERIOD)):
            empty.add(one.place)
    # No evaluation is frozen here, and the history is too short for published grades.
    assert empty <= {
        "Published grades at month ends (all buyers)",
        "Who moved since the month end before (all buyers)",
    }
