"""Dashboard files: up to date, complete, with data sources by variable and links that exist."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana import generate
from services.readiness.kpis import KPIS
from services.readiness.sums import FigureSums
from services.store.client import ClickHouse
from tests.integration.grafana import FOLDER, dashboards, panels, variables

BOARDS = dashboards()
UIDS = {"overview", "cluster", "supplier", "coaching", "pipeline"}


def test_dashboard_files_are_up_to_date_with_the_code(tmp_path: Path) -> None:
    assert generate.stale() == []
    for name, text in generate.dashboards().items():
        (tmp_path / name).write_text(text)
    assert generate.stale(tmp_path) == []
    (tmp_path / "cluster.json").write_text("{}")
    (tmp_path / "old.json").write_text("{}")
    assert generate.stale(tmp_path) == ["cluster.json", "old.json"]


def test_there_are_five_dashboards_with_known_uids() -> None:
    assert set(BOARDS) == {f"rantai-{name}" for name in UIDS}


def sources(value: Any) -> list[Any]:
    """Return every data source that a dashboard names."""
    if isinstance(value, dict):
        own = [value["datasource"]] if "datasource" in value else []
        return own + [one for part in value.values() for one in sources(part)]
    if isinstance(value, list):
        return [one for part in value for one in sources(part)]
    return []


@pytest.mark.parametrize("uid", BOARDS)
def test_data_sources_are_named_only_by_variables(uid: str) -> None:
    board = BOARDS[uid]
    found = {(one["type"], one["uid"]) for one in sources(board)}
    assert found
    known = {
        (one["query"], f"${{{name}}}")
        for name, one in variables(board).items()
        if one["type"] == "datasource"
    }
    assert found == known


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_says_what_it_shows_and_in_what_unit(uid: str) -> None:
    shown = panels(BOARDS[uid])
    assert len({one["title"] for one in shown}) == len(shown) >= 4
    for one in shown:
        assert len(one["description"]) > 20, one["title"]
        assert one["targets"], one["title"]
        if one["type"] != "table":
            assert one["fieldConfig"]["defaults"]["unit"], one["title"]


@pytest.mark.parametrize("uid", sorted(set(BOARDS) - {"rantai-pipeline"}))
def test_buyer_cluster_supplier_and_period_can_be_chosen(uid: str) -> None:
    board = BOARDS[uid]
    assert {"buyer", "cluster", "supplier", "zone"} <= set(variables(board))
    assert board["time"]["to"] == "now/d"
    for name, one in variables(board).items():
        if one.get("includeAll"):
            assert one["allValue"] == "''", name


def test_links_name_dashboards_and_variables_that_exist() -> None:
    found = 0
    for uid, board in BOARDS.items():
        text = json.dumps(board)
        for target, query in re.findall(r'"/d/([\w-]+)\?([^"]*)"', text):
            found += 1
            names = re.findall(r"var-(\w+)=", query)
            assert names, (uid, target)
            assert set(names) <= set(variables(BOARDS[target])), (uid, target)
    assert found >= 6
    (page,) = [one for one in BOARDS["rantai-supplier"]["links"] if one["type"] == "link"]
    assert page["url"] == "${scorecards_url}/suppliers/${supplier}"
    constant = variables(BOARDS["rantai-supplier"])["scorecards_url"]
    assert (constant["type"], constant["query"]) == ("constant", "http://127.0.0.1:8081")


def test_both_data_sources_are_provisioned_without_a_secret() -> None:
    text = (FOLDER / "provisioning" / "datasources" / "rantai.yml").read_text()
    given = {one["type"]: one for one in yaml.safe_load(text)["datasources"]}
    assert set(given) == {"grafana-clickhouse-datasource", "prometheus"}
    secrets = given["grafana-clickhouse-datasource"]["secureJsonData"]
    assert secrets == {"password": "$RANTAI_GRAFANA_CLICKHOUSE_PASSWORD"}
    assert given["grafana-clickhouse-datasource"]["jsonData"]["username"] == "rantai_grafana"
    folder = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "rantai.yml").read_text())
    assert folder["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"
    assert folder["providers"][0]["allowUiUpdates"] is False


def test_every_statement_is_used_and_states_its_question() -> None:
    whole = "".join(path.read_text() for path in FOLDER.glob("dashboards/*.json"))
    for path in FOLDER.glob("queries/*.sql"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("-- "), path.name
        assert "?" in first, path.name
        if path.stem != "at_month_ends":
            assert json.dumps(first)[1:-1] in whole, path.name


def test_the_view_of_figures_agrees_with_the_registry(clickhouse: ClickHouse) -> None:
    rows = clickhouse.rows("SELECT * FROM grafana_kpis ORDER BY place")
    ratios = FigureSums.of(date.min, []).ratios()
    assert [row["place"] for row in rows] == list(range(1, 17))
    for row in rows:
        known = KPIS[row["kpi"]]
        assert (row["unit"], row["better"]) == (known.unit, known.better)
        if row["kpi"] in ratios:
            assert bool(row["has_interval"]) == ratios[row["kpi"]].counts
            assert row["scale"] == ratios[row["kpi"]].scale
    assert set(ratios) <= {row["kpi"] for row in rows}
    titles = [row["title"] for row in rows]
    assert len(set(titles)) == len(titles)
