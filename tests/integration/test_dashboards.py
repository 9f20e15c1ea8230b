"""Every query of every dashboard runs on the real engine and shows the figures of the API."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.assessment.coaching_effects import coaching_effects
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import FigureStore, Selection
from services.assessment.policy_in_force import put_in_force
from services.assessment.scorecard_reader import ScorecardReader
from services.assessment.standings import Standings
from services.http.service import install
from services.readiness.month_ends import month_end_before
from services.readiness.policy import DEFAULT_POLICY
from services.scorecards import programme_api, scorecard_api
from services.simulator import history
from services.store.client import ClickHouse
from services.store.migrate import migrate
from tests.conftest import NOT_SYNCED
from tests.integration.grafana import (
    ALL,
    CLICKHOUSE,
    ZONE,
    Asked,
    Choices,
    Period,
    dashboards,
    expand,
    queries,
    variables,
)
from tests.support.documented import documented
from tests.support.storing import store

UNTIL = datetime(2026, 10, 1, 9, 30, tzinfo=ZONE)
TODAY, DAYS = UNTIL.date(), 250
ASKED = list(queries(CLICKHOUSE))
PERIOD = Period.days(TODAY, 180)
STAGES = ("Pemula", "Madya", "Pra-Mandiri", "Mandiri")
Rows = list[dict[str, Any]]


def near(expected: float | None) -> Any:
    """Return a value that equals a number to within 1e-9, or None."""
    return None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)


@dataclass(frozen=True)
class World:
    """A store with the simulated world in it, and the API over it."""

    clickhouse: ClickHouse
    client: TestClient
    key: str

    def ask(self, asked: Asked, choices: Choices, period: Period = PERIOD) -> Rows:
        """Run a query of a dashboard as Grafana would."""
        return self.clickhouse.rows(expand(asked.text, self.chosen(asked, choices), period))

    def chosen(self, asked: Asked, choices: Choices) -> Choices:
        """Add variables that are not chosen: All, or the first value where All is not offered."""
        found: dict[str, Sequence[str]] = {}
        for name, variable in variables(dashboards()[asked.dashboard]).items():
            if name in choices:
                found[name] = choices[name]
            elif variable.get("includeAll"):
                found[name] = ALL
            elif variable["type"] == "query":
                rows = self.clickhouse.rows(expand(variable["query"], _everybody(found), PERIOD))
                found[name] = [next(iter(rows[0].values()))]
            elif variable["type"] == "custom":
                found[name] = [variable["query"].split(",")[0]]
        return found

    def api(self, path: str, **parameters: Any) -> Any:
        """Return what the API answers to a request with the programme's key."""
        answer = self.client.get(
            path, params=parameters, headers={"authorization": f"Bearer {self.key}"}
        )
        assert answer.status_code == 200, answer.text
        return documented(answer).json()


def _everybody(found: Choices) -> Choices:
    return {"buyer": ALL, "cluster": ALL, "supplier": ALL} | dict(found)


@pytest.fixture(scope="module")
def world(
    new_database: Callable[[], ClickHouse], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    clickhouse = new_database()
    migrate(clickhouse, NOT_SYNCED)
    put_in_force(clickhouse, DEFAULT_POLICY)
    store(clickhouse, (one.event for one in history(11, UNTIL, DAYS)))
    _judge(clickhouse)
    keys = KeyStore(tmp_path_factory.mktemp("keys") / "keys.json")
    scorecards = scorecard_api.Scorecards(keys, ScorecardReader(clickhouse, DEFAULT_POLICY))
    app = FastAPI()
    install(app)
    app.include_router(scorecard_api.routes(scorecards))
    app.include_router(programme_api.routes(scorecards))
    with TestClient(app) as client:
        yield World(clickhouse, client, keys.create(Role.PROGRAMME, "YDBA"))


def _judge(clickhouse: ClickHouse) -> None:
    """Keep standings of all suppliers for today and the last month end, and freeze month ends."""
    standings = Standings(clickhouse, DEFAULT_POLICY)
    names = sorted(standings.assessor.store.first_days(Selection(TODAY, 180)))
    for day in (month_end_before(TODAY), TODAY):
        standings.summaries(Selection(day, 180, names))
    evaluations = EvaluationStore(clickhouse)
    ends = {name: [date(2026, month, 1) for month in (6, 7, 8, 9)] for name in names}
    asked = Selection(date(2026, 9, 1), 180, names)
    found = standings.assessor.assessed_at(asked, ends)
    evaluations.freeze(DEFAULT_POLICY.version, evaluations.high_water(), found)


def the(dashboard: str, place: str) -> Asked:
    """Return the query of a panel that has only one."""
    (found,) = [x for x in ASKED if (x.dashboard, x.place) == (f"rantai-{dashboard}", place)]
    return found


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_query_answers_with_rows_that_fit_its_panel(world: World, asked: Asked) -> None:
    rows = world.ask(asked, {}, Period.days(TODAY, 365) if "coaching" in str(asked) else PERIOD)
    assert rows, asked
    columns = {name: {type(row[name]) for row in rows} - {type(None)} for name in rows[0]}
    numbers = [name for name, types in columns.items() if types and types <= {int, float, bool}]
    texts = [name for name, types in columns.items() if types == {str}]
    if asked.type == "variable":
        assert len(columns) <= 2
        assert texts == list(columns)
    elif asked.type == "stat":
        assert (len(rows), len(columns), len(numbers)) == (1, 1, 1)
    elif asked.type == "barchart":
        assert texts == list(columns)[:1]
        assert numbers == list(columns)[1:]
    elif asked.type == "timeseries":
        assert asked.kind == "timeseries"
        assert next(iter(columns)) == "time"
        assert columns["time"] == {datetime}
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert len(texts) <= 1
        assert len(numbers) == len(columns) - 1 - len(texts) > 0
        keys = [(row["time"], *(row[name] for name in texts)) for row in rows]
        assert len(set(keys)) == len(keys), "a series has two values at one time"
    else:
        assert asked.type == "table"
        assert not {name for name, types in columns.items() if types & {list, tuple, dict}}


SELECTIONS: list[tuple[int, dict[str, Any]]] = [
    (180, {}),
    (180, {"cluster": ["ceper-casting"]}),
    (90, {"cluster": ["bekasi-stamping"]}),
    (30, {"buyer": "first"}),
    (180, {"buyer": "last", "cluster": ["ceper-casting"]}),
]


def chosen_buyer(world: World, wish: dict[str, Any]) -> dict[str, Any]:
    if "buyer" not in wish:
        return wish
    rows = world.clickhouse.rows("SELECT buyer_id FROM grafana_buyers ORDER BY buyer_id")
    return wish | {"buyer": [rows[0 if wish["buyer"] == "first" else -1]["buyer_id"]]}


def as_asked(wish: dict[str, Any]) -> dict[str, str]:
    names = {"buyer": "buyer_id", "cluster": "cluster"}
    return {names[name]: values[0] for name, values in wish.items() if name in names}


def same_figures(rows: Rows, kpis: dict[str, Any], titles: dict[str, str]) -> None:
    found = {row["Figure"]: row for row in rows}
    assert set(found) == set(titles.values())
    for kpi, title in titles.items():
        row, said = found[title], kpis[kpi]
        if "numerator" not in said:
            assert row["Value"] == said["value"], kpi
            continue
        assert row["Numerator"] == near(said["numerator"]), kpi
        assert row["Denominator"] == near(said["denominator"]), kpi
        assert row["Value"] == near(said["value"]), kpi
        low, high = said.get("ci95") or (None, None)
        assert row["Low 95 %"] == near(low), kpi
        assert row["High 95 %"] == near(high), kpi
        assert (row["Units mixed"] == "yes") == said.get("mixed_units", False), kpi


@pytest.fixture(scope="module")
def titles(world: World) -> dict[str, str]:
    rows = world.clickhouse.rows("SELECT kpi, title FROM grafana_kpis")
    return {row["kpi"]: row["title"] for row in rows}


@pytest.mark.parametrize(("days", "wish"), SELECTIONS, ids=str)
def test_pooled_figures_are_those_of_the_api(
    world: World, titles: dict[str, str], days: int, wish: dict[str, Any]
) -> None:
    choices = chosen_buyer(world, wish)
    period = Period.days(TODAY, days)
    rows = world.ask(the("overview", "Every figure, with what it is made of"), choices, period)
    said = world.api("/v1/programme", as_of=TODAY, window_days=days, **as_asked(choices))
    same_figures(rows, said["kpis"], titles)
    ratios = [one for one in said["kpis"].values() if one.get("denominator")]
    assert len(ratios) >= 9
    (count,) = world.ask(the("overview", "Suppliers"), choices, period)
    assert count["suppliers"] == said["suppliers"]
    (otif,) = world.ask(the("overview", "On time in full"), choices, period)
    assert otif["value"] == near(said["kpis"]["otif"]["value"])


def some_suppliers(world: World) -> list[str]:
    rows = world.clickhouse.rows("SELECT supplier_id FROM grafana_suppliers(buyers = [])")
    return sorted(row["supplier_id"] for row in rows)[::9]


def test_a_suppliers_figures_are_those_of_its_scorecard(
    world: World, titles: dict[str, str]
) -> None:
    for supplier in some_suppliers(world):
        choices: dict[str, Any] = {"supplier": [supplier]}
        said = world.api(f"/v1/suppliers/{supplier}/scorecard", as_of=TODAY)
        whole = the("supplier", "Every figure, with what it is made of")
        same_figures(world.ask(whole, choices), said["kpis"], titles)
        (stands,) = world.ask(the("supplier", "How it stands (all buyers)"), choices)
        assert stands["Score"] == near(said["score"]["value"])
        assert stands["At"] == (said["grade"]["value"] or "")
        assert stands["Published"] == (said["grade"]["published"] or "")
        assert stands["Held by"] == ", ".join(said["grade"]["gates"])
        times = world.ask(the("supplier", "Times and load (all buyers)"), choices)
        expected = [
            said["kpis"][kpi]["value"]
            for kpi in ("lead_time_days_p90", "capacity_load", "lead_time_cv")
        ]
        expected.append(said["kpis"]["lead_time_days_p50"]["value"])
        expected.append(said["kpis"]["confirmation_hours_median"]["value"])
        assert [row["Value"] for row in times] == expected
        by_buyer = world.ask(the("supplier", "By buyer"), choices)
        for buyer in {row["Buyer"] for row in by_buyer}:
            own = world.api(f"/v1/suppliers/{supplier}/scorecard", as_of=TODAY, buyer_id=buyer)
            for row in by_buyer:
                kpi = {title: kpi for kpi, title in titles.items()}[row["Figure"]]
                if row["Buyer"] == buyer:
                    assert row["Value"] == near(own["kpis"][kpi]["value"])
                    assert row["Numerator"] == near(own["kpis"][kpi]["numerator"])


def test_month_ends_are_those_of_the_api(world: World, titles: dict[str, str]) -> None:
    choices = {"cluster": ["ceper-casting"]}
    rows = world.ask(the("cluster", "Month by month"), choices)
    days = sorted({row["time"].date() for row in rows})
    assert len(days) == 6
    named = {title: kpi for kpi, title in titles.items()}
    for day in days[-2:]:
        on = day + timedelta(days=1) if day.day != 1 else day
        said = world.api("/v1/clusters/ceper-casting", as_of=on)
        for row in rows:
            if row["time"].date() == day:
                assert row["value"] == near(said["kpis"][named[row["title"]]]["value"])


def test_clusters_grades_stages_and_moves_are_those_of_the_api(world: World) -> None:
    said = {one["cluster"]: one for one in world.api("/v1/clusters", as_of=TODAY)["clusters"]}
    side_by_side = world.ask(the("overview", "Clusters side by side"), {})
    assert {row["Cluster"] for row in side_by_side} == set(said)
    for row in side_by_side:
        kpis = said[row["Cluster"]]["kpis"]
        assert row["Lines due"] == kpis["otif"]["denominator"]
        assert row["On time in full"] == near(kpis["otif"]["value"])
        assert row["Rejects per million"] == near(kpis["ppm"]["value"])
        assert row["Line stops"] == kpis["line_stops"]["value"]
    for row in world.ask(the("overview", "Published grades (all buyers)"), {}):
        counted = {letter: row[letter] for letter in "ABCD"} | {"none": row["none yet"]}
        assert counted == said[row["Cluster"]]["grades"]["published"]
    programme = world.api("/v1/programme", as_of=TODAY)
    stages = world.ask(the("overview", "Stage of independence, by assessor"), {})
    assert {row["Assessor"]: {stage: row[stage] for stage in STAGES} for row in stages} == {
        one["assessor"]: one["stages"] for one in programme["stages"]
    }
    moved = world.ask(the("overview", "Who moved since the month end before (all buyers)"), {})
    assert (
        {(row["Supplier"], row["From"], row["To"]) for row in moved}
        == {
            (one["supplier_id"], one["from"] or "", one["to"] or "")
            for one in programme["moved"]["suppliers"]
        }
        != set()
    )


def test_members_and_their_capacity_are_those_of_the_api(world: World) -> None:
    choices = {"cluster": ["bekasi-stamping"]}
    said = world.api("/v1/clusters/bekasi-stamping", as_of=TODAY, limit=100)["members"]
    members = world.ask(the("cluster", "Members, by score"), choices)
    assert {
        (row["Supplier"], row["At"], row["Published"], row["Weakest pillar"], row["Lines judged"])
        for row in members
    } == {
        (
            one["supplier_id"], one["grade"] or "", one["published"] or "",
            one["weakest_pillar"] or "", one["matured_lines"],
        )
        for one in said
    }  # fmt: skip
    loads: dict[str, dict[str, Any]] = {}
    for row in world.ask(the("cluster", "By supplier and process"), choices):
        loads.setdefault(row["Supplier"], {})[row["Process"]] = row
    assert len(loads) >= 5
    for one in said:
        card = world.api(f"/v1/suppliers/{one['supplier_id']}/scorecard", as_of=TODAY)
        processes = card["kpis"]["capacity_load"]["processes"]
        found = loads.get(one["supplier_id"], {})
        assert set(found) == set(processes)
        for process, figure in processes.items():
            assert found[process]["Demand"] == near(figure["numerator"])
            assert found[process]["Capacity a month"] == near(figure["denominator"])
            assert found[process]["Load"] == near(figure["value"])
    by_process = world.ask(the("cluster", "By process"), choices)
    assert sum(row["Demand"] for row in by_process) == pytest.approx(
        sum(row["Demand"] for of in loads.values() for row in of.values())
    )


@pytest.mark.parametrize("status", ["all", "late", "open", "overdue"])
def test_the_line_explorer_shows_the_lines_of_the_api(world: World, status: str) -> None:
    supplier = some_suppliers(world)[1]
    rows = world.ask(the("supplier", "Line explorer"), {"supplier": [supplier], "status": [status]})
    said = world.api(
        f"/v1/suppliers/{supplier}/lines",
        as_of=TODAY, limit=1000, status="any" if status == "all" else status,
    )["lines"]  # fmt: skip
    assert {
        (r["Buyer"], r["Order"], r["Line"], r["Due"].isoformat(), r["Ordered"], r["Received"],
         r["Status"], r["On time in full"])
        for r in rows
    } == {
        (one["buyer_id"], one["order_no"], one["line_no"], one["due_date"], one["ordered"],
         one["received"], ", ".join(one["status"]),
         "not judged" if not one["judged"] else "yes" if one["on_time_in_full"] else "no")
        for one in said
    }  # fmt: skip


def test_the_effect_of_coaching_is_what_the_service_reads(world: World) -> None:
    period = Period.days(TODAY, 240)
    since = TODAY - timedelta(days=240)
    effects = coaching_effects(FigureStore(world.clickhouse, DEFAULT_POLICY), since, TODAY)
    assert len(effects) > 3
    (count,) = world.ask(the("coaching", "Coached suppliers"), {}, period)
    assert count["coached"] == len(effects)
    title = "Each coached supplier, beside the uncoached: ${figure:text}"
    rows = {
        row["Supplier"]: row
        for row in world.ask(the("coaching", title), {"figure": ["otif"]}, period)
    }
    for one in effects:
        row, change = rows[one.supplier_id], one.figures["otif"]
        assert (row["Coached on"], row["Days after"]) == (one.held_on, one.after_days)
        assert row["Uncoached suppliers"] == one.uncoached
        for name, figure in (
            ("before", change.before),
            ("after", change.after),
            ("uncoached before", change.uncoached_before),
            ("uncoached after", change.uncoached_after),
        ):
            assert row[name.capitalize()] == figure.numerator
            assert row[f"of ({name})"] == figure.denominator
            assert row[f"Value {name}"] == near(figure.value)
    together = world.ask(the("coaching", "All coached together, every figure"), {}, period)
    (otif,) = [row for row in together if row["Figure"] == "On time in full"]
    assert otif["Before"] == sum(one.figures["otif"].before.numerator for one in effects)
    assert otif["of (after)"] == sum(one.figures["otif"].after.denominator for one in effects)


def test_without_a_policy_in_force_nothing_is_shown(new_database: Callable[[], ClickHouse]) -> None:
    clickhouse = new_database()
    migrate(clickhouse, NOT_SYNCED)
    assert clickhouse.rows("SELECT * FROM grafana_policy") == []
    assert put_in_force(clickhouse, DEFAULT_POLICY)
    assert not put_in_force(clickhouse, DEFAULT_POLICY)
    other = DEFAULT_POLICY.with_zone("Asia/Jayapura")
    assert put_in_force(clickhouse, other)
    (row,) = clickhouse.rows("SELECT zone FROM grafana_policy")
    assert row["zone"] == "Asia/Jayapura"
