"""`rantai policy`, and how services use the policy that the settings name."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.readiness.chosen import policy_of
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.readiness.policy_diff import flat
from services.settings import Settings, SettingsError


def rantai(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(
        app,
        list(map(str, arguments)),
        env={"COLUMNS": "80", "RANTAI_POLICY": None, "RANTAI_ZONE": None, **environment},
    )


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    file = tmp_path / "ours.toml"
    text = packaged_text().replace('"2026-11-01"', '"ours-1"').replace("A = 90", "A = 91.5")
    file.write_text(text.replace("[sites]\n", '[sites]\nYARD = "Asia/Makassar"\n'))
    return file


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    file = tmp_path / "wrong.toml"
    file.write_text(packaged_text().replace("early_days = 7", "early_days = -1"))
    return file


def test_check_of_a_good_and_of_a_wrong_policy(ours: Path, wrong: Path) -> None:
    good = rantai("policy", "check", ours)
    assert (good.exit_code, good.stdout) == (0, f"{ours}: usable, version ours-1\n")
    assert good.stderr == ""
    bad = rantai("policy", "check", wrong)
    assert (bad.exit_code, bad.stdout) == (1, "")
    assert f"{wrong} is not a usable policy" in bad.stderr
    assert "tolerances.early_days: must be 0 or more (it is -1)" in bad.stderr


def test_check_for_scripts(ours: Path, wrong: Path) -> None:
    good = rantai("policy", "check", ours, "--json")
    assert json.loads(good.stdout) == {"ok": True, "version": "ours-1", "problems": []}
    bad = rantai("policy", "check", wrong, "--json")
    assert bad.exit_code == 1
    answer = json.loads(bad.stdout)
    assert (answer["ok"], answer["version"], len(answer["problems"])) == (False, None, 1)


def test_two_policies_must_not_share_a_version(tmp_path: Path, ours: Path) -> None:
    file = tmp_path / "careless.toml"
    file.write_text(ours.read_text().replace('"ours-1"', '"2026-11-01"'))
    found = rantai("policy", "check", file)
    assert found.exit_code == 0
    assert f"Careful: {file} and the packaged policy differ" in found.stderr
    assert "both have version '2026-11-01'" in rantai("policy", "diff", "packaged", file).stderr
    file.write_text("# Only a comment more.\n" + packaged_text())
    assert rantai("policy", "check", file).stderr == ""


def test_show_has_every_setting(ours: Path) -> None:
    shown = rantai("policy", "show", ours).stdout
    for path in flat(Policy.load(ours)):
        assert f" {path} " in shown
    for value in ("91.5", "Asia/Makassar", "0.8:0, 0.95:70, 1:100", "NIB"):
        assert value in shown


def test_show_as_json_is_exact(ours: Path) -> None:
    found = json.loads(rantai("policy", "show", ours, "--json").stdout, parse_float=Decimal)
    assert Policy.model_validate(found) == Policy.load(ours)
    assert found["tolerances"]["over"] == Decimal("0.05")


def test_show_reads_the_file_else_the_setting_else_the_packaged_policy(ours: Path) -> None:
    def version(*arguments: str | Path, **environment: str) -> object:
        result = rantai("policy", "show", *arguments, "--json", **environment)
        return json.loads(result.stdout)["version"]

    assert version() == "2026-11-01"
    assert version(RANTAI_POLICY="") == "2026-11-01"
    assert version(RANTAI_POLICY=str(ours)) == "ours-1"
    assert version("packaged", RANTAI_POLICY=str(ours)) == "2026-11-01"


def test_show_toml_writes_a_file_to_start_from(tmp_path: Path) -> None:
    written = rantai("policy", "show", "packaged", "--toml").stdout
    assert written == packaged_text()
    file = tmp_path / "own.toml"
    file.write_text(written)
    assert rantai("policy", "show", file, "--toml").stdout == written


def test_diff_by_path(ours: Path) -> None:
    found = rantai("policy", "diff", "packaged", ours)
    assert found.exit_code == 1
    rows = [
        [cell.strip() for cell in row.strip("│").split("│")]
        for row in found.stdout.splitlines()
        if row.startswith("│")
    ]
    assert rows == [
        ["version", "2026-11-01", "ours-1"],
        ["sites.YARD", "", "Asia/Makassar"],
        ["grade.A", "90", "91.5"],
    ]
    back = json.loads(rantai("policy", "diff", ours, "packaged", "--json").stdout)
    assert back["same"] is False
    assert {"path": "grade.A", "old": 91.5, "new": 90} in back["differences"]
    assert {"path": "sites.YARD", "old": "Asia/Makassar", "new": None} in back["differences"]


def test_diff_of_equal_policies_exits_with_0(ours: Path) -> None:
    same = rantai("policy", "diff", ours, ours)
    assert (same.exit_code, same.stdout) == (0, "The same.\n")
    same = rantai("policy", "diff", ours, ours, "--json")
    assert json.loads(same.stdout) == {"same": True, "differences": []}


def test_an_override_is_named_by_its_buyer_and_item(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    row = '[[tolerances.overrides]]\nbuyer_id = "AHM"\nitem_no = "[red]BRK"\nover = 0.1\n'
    file.write_text(packaged_text().replace("# Confirming an order.", row))
    found = rantai("policy", "diff", "packaged", file, COLUMNS="120").stdout
    assert "tolerances.overrides[buyer_id=AHM, item_no=[red]BRK].over" in found


@pytest.mark.parametrize("command", [["check"], ["show"], ["diff", "packaged"]])
def test_an_unreadable_or_invalid_file_is_explained_and_exits_with_2(
    command: list[str], wrong: Path, tmp_path: Path
) -> None:
    absent = rantai("policy", *command, tmp_path / "absent.toml")
    assert (absent.exit_code, absent.stdout) == (2, "")
    assert "absent.toml can't be read: No such file or directory" in absent.stderr
    assert rantai("policy", *command, tmp_path).exit_code == 2
    if command != ["check"]:
        assert rantai("policy", *command, wrong).exit_code == 2


@pytest.mark.parametrize("command", ["check", "show", "diff"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: rantai policy {command} " in rantai("policy", command, "--help").stdout


def test_services_use_the_policy_that_the_settings_name(ours: Path) -> None:
    assert policy_of(Settings()) is DEFAULT_POLICY
    assert policy_of(Settings(policy=ours)) == Policy.load(ours)
    empty = Settings.from_environment({"RANTAI_POLICY": "", "RANTAI_ZONE": ""})
    assert policy_of(empty) is DEFAULT_POLICY
    moved = Settings.from_environment({"RANTAI_POLICY": str(ours), "RANTAI_ZONE": "UTC"})
    assert policy_of(moved) == Policy.load(ours).with_zone("UTC")
    with pytest.raises(SettingsError, match=r"^RANTAI_ZONE: must be an IANA time zone"):
        policy_of(Settings(zone="Mars"))


@pytest.mark.parametrize("service", ["up", "scorecards"])
def test_a_wrong_policy_ends_a_service_before_anything_starts(
    service: str, wrong: Path, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    found = rantai(service, RANTAI_POLICY=str(wrong), RANTAI_DATA_DIR=str(data_dir))
    assert found.exit_code == 2
    assert f"RANTAI_POLICY: {wrong} is not a usable policy" in found.stderr
    assert "tolerances.early_days: must be" in found.stderr
    assert not data_dir.exists()
    absent = rantai(service, RANTAI_POLICY="absent.toml", RANTAI_DATA_DIR=str(data_dir))
    assert absent.exit_code == 2
    assert "RANTAI_POLICY: absent.toml can't be read (No such file" in absent.stderr
