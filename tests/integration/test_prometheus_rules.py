"""Rules, alerts, routes and runbook, checked with the tools of Prometheus."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from services.telemetry import metrics
from services.telemetry.series import SERIES
from tests.integration.prometheus import DEPLOY, run_tool

PROMETHEUS = DEPLOY / "prometheus"
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
SECTIONS = ("**What it means.**", "**What to look at.**", "**What to do.**")
NAME = re.compile(r"\b(?:\w+:)?rantai[_:][\w:]+")


def rules() -> Iterator[dict[str, Any]]:
    for file in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def unit_tests() -> Iterator[dict[str, Any]]:
    for file in sorted((PROMETHEUS / "tests").glob("*.yml")):
        yield from yaml.safe_load(file.read_text())["tests"]


def exported() -> set[str]:
    """Return the name of every series that Rantai exposes to Prometheus."""
    names = {one.name for one in SERIES}
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            (family,) = one.describe()
            suffixes = {"counter": ("_total",), "histogram": ("", "_bucket", "_sum", "_count")}
            names |= {family.name + end for end in suffixes.get(family.type, ("",))}
    return names


def test_configuration_and_rules_are_valid() -> None:
    status, said = run_tool("promtool", "check", "config", "--lint-fatal", "prometheus.yml")
    assert status == 0, said
    assert said.count("SUCCESS") == 2 + len(list((PROMETHEUS / "rules").glob("*.yml")))


def test_every_service_is_scraped_by_its_name() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    jobs = {one["job_name"]: one for one in config["scrape_configs"]}
    assert set(jobs) == {"gateway", "processor", "scorecards", "exporter"}
    for name in ("gateway", "scorecards", "exporter"):
        assert jobs[name]["static_configs"] == [{"targets": [f"{name}:8080"]}]
    (found_by,) = jobs["processor"]["dns_sd_configs"]
    assert (found_by["names"], found_by["port"]) == (["processor"], 8080)


def test_rules_do_what_their_unit_tests_say() -> None:
    files = [str(file) for file in sorted((PROMETHEUS / "tests").glob("*.yml"))]
    assert len(files) >= 4
    status, said = run_tool("promtool", "test", "rules", *files)
    assert status == 0, said


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_tested_where_it_fires_and_where_it_must_not(name: str) -> None:
    cases = [
        case["exp_alerts"]
        for one in unit_tests()
        for case in one.get("alert_rule_test", [])
        if case["alertname"] == name
    ]
    assert any(cases), f"no unit test expects {name} to fire"
    assert [] in cases, f"no unit test expects {name} to be silent"


@pytest.mark.parametrize("name", alerts())
def test_an_alert_has_an_audience_and_a_page_of_the_runbook(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["audience"] in {"operators", "programme"}
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    assert anchor == name.lower()
    text = (DEPLOY.parent / page).read_text()
    section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for heading in SECTIONS:
        said = section.split(heading)[1].split("\n\n")[0]
        assert len(said) > 60, heading
    assert list(alert["annotations"]) == ["summary", "description", "runbook_url"]


def test_the_runbook_has_no_page_without_an_alert() -> None:
    pages = re.findall(r"^## (\w+)$", (PROMETHEUS / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(pages) == sorted(alerts())


def test_whatever_is_asked_for_is_exported_or_recorded() -> None:
    known = exported() | {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    assert len(asked) > 20
    assert asked <= known
    # The metrics that the runbook mentions have to exist too.
    pages = (PROMETHEUS / "runbook.md").read_text()
    assert set(re.findall(r"\brantai_[a-z_]+\b", pages)) <= exported()


def test_each_recorded_name_is_asked_for_in_a_unit_test() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    text = (PROMETHEUS / "tests" / "recording.yml").read_text()
    parts = {"cluster_kpi:rantai_figure_numerator:max", "cluster_kpi:rantai_figure_denominator:max"}
    assert {name for name in recorded - parts if name not in text} == set()


def test_alertmanager_takes_its_configuration_and_no_secret_is_in_it() -> None:
    status, said = run_tool("amtool", "check-config", str(ALERTMANAGER))
    assert status == 0, said
    text = ALERTMANAGER.read_text()
    assert not re.search(r"(?i)(password|token|secret|api_key|credentials)\s*:", text)
    assert re.search(r"_file: /run/secrets/", text)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("audience=operators", "severity=warning"), "operators"),
        (("audience=operators", "severity=critical"), "operators"),
        (("audience=programme", "severity=warning"), "programme"),
        (("audience=programme", "severity=info"), "programme"),
        (("audience=programme", "severity=critical"), "programme-urgent"),
        # An alert whose rule has no audience must still reach somebody.
        (("alertname=Forgotten",), "operators"),
    ],
)
def test_an_alert_goes_to_its_audience(labels: tuple[str, ...], receiver: str) -> None:
    status, said = run_tool(
        *("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}"),
        *(f"--verify.receivers={receiver}", *labels),
    )
    assert (status, said.split()[0]) == (0, receiver)


@pytest.mark.parametrize("name", alerts())
def test_every_alert_is_delivered(name: str) -> None:
    labels = alerts()[name]["labels"]
    urgent = labels["audience"] == "programme" and labels["severity"] == "critical"
    receiver = "programme-urgent" if urgent else labels["audience"]
    status, said = run_tool(
        *("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}"),
        *(f"--verify.receivers={receiver}", f"alertname={name}"),
        *(f"{label}={value}" for label, value in labels.items()),
    )
    assert status == 0, said


def test_the_page_of_metrics_is_made_of_their_declarations() -> None:
    # `python -m services.telemetry.table` writes the table.
    from services.telemetry.table import as_table

    page = (PROMETHEUS / "README.md").read_text()
    assert as_table() in page
    for name, alert in alerts().items():
        labels = alert["labels"]
        row = (
            f"| [{name}](runbook.md#{name.lower()}) | {labels['audience']} | {labels['severity']} |"
        )
        assert row in page


def test_a_tool_that_is_missing_skips_or_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install prometheus-alertmanager"):
        run_tool("amtool", "--version")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install prometheus"):
        run_tool("promtool", "--version")
