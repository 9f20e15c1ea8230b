"""The policy document: the content of the packaged one, and the errors of a wrong one."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.readiness.kpis import KPIS
from services.readiness.policy import DEFAULT_POLICY, Policy, PolicyError, packaged_text
from services.readiness.policy_diff import differences, flat

PACKAGED = packaged_text()


def changed(old: str, new: str) -> str:
    """Return the packaged policy with one text replaced, which must occur exactly once."""
    assert PACKAGED.count(old) == 1, old
    return PACKAGED.replace(old, new)


def with_overrides(*rows: str) -> str:
    """Return the packaged policy with overrides of tolerances."""
    return PACKAGED.replace(
        "# Confirming an order.",
        "".join(f"[[tolerances.overrides]]\n{row}\n" for row in rows) + "# Confirming an order.",
    )


def problems(text: str) -> list[str]:
    """Return the problems of a policy that is refused."""
    with pytest.raises(PolicyError) as wrong:
        Policy.load_text(text, "ours.toml")
    assert str(wrong.value).startswith("ours.toml is not a usable policy")
    assert all(problem in str(wrong.value) for problem in wrong.value.problems)
    return wrong.value.problems


# The default weights and points, written as in docs/figures.md.
DEFINED = """
ppm 25 0:100, 500:90, 2000:70, 10000:40, 50000:0
lot_acceptance 15 0.80:0, 0.95:70, 1:100
otif 15 0.5:0, 0.8:60, 0.95:90, 1:100
otif_requested 10 0.5:0, 0.8:60, 0.95:90, 1:100
mean_days_late 15 0:100, 1:85, 3:50, 10:0
confirmation_in_time 6 0.5:0, 0.9:80, 1:100
order_acceptance 4 0.5:0, 0.9:80, 1:100
despatch_notice_rate 4 0.3:0, 0.9:90, 1:100
complaint_response 6 0.5:0, 0.9:80, 1:100
"""


def test_the_packaged_weights_and_points_are_those_of_the_definition() -> None:
    found = DEFAULT_POLICY.scales
    rows = [row.split(" ", 2) for row in DEFINED.split("\n") if row]
    assert list(found) == [key for key, _, _ in rows]
    for key, weight, pairs in rows:
        assert found[key].weight == Decimal(weight)
        points = [tuple(map(Decimal, pair.split(":"))) for pair in pairs.split(", ")]
        assert list(found[key].points) == points
    pillars = {
        name: sum(one.weight for one in figures.values())
        for name, figures in DEFAULT_POLICY.pillars.items()
    }
    assert pillars == {"quality": 40, "delivery": 40, "responsiveness": 20}


def test_the_packaged_settings_are_those_of_the_definition() -> None:
    rest = {path: one for path, one in flat(DEFAULT_POLICY).items() if "pillars" not in path}
    assert rest == {
        "version": "2026-11-01",
        "base_currency": "IDR",
        "zone": "Asia/Jakarta",
        "next_steps": 3,
        "tolerances.early_days": 7,
        "tolerances.late_days": 0,
        "tolerances.under": 0,
        "tolerances.over": Decimal("0.05"),
        "tolerances.notice_days": 3,
        "confirmation.sla_hours": 48,
        "complaints.containment_days": 2,
        "complaints.corrective_action_days": 14,
        "complaints.closing_days": 60,
        "lead_time.min_lines": 5,
        "concentration.days": 365,
        "capacity.horizon_days": 30,
        "grade.A": 90,
        "grade.B": 80,
        "grade.C": 60,
        "grade.min_lines": 10,
        "grade.min_months": 3,
        "grade.months_up": 2,
        "grade.months_down": 2,
        "grade.gates.line_stops": "C",
        "grade.gates.overdue_complaint_step": "B",
        "stage.madya": 25,
        "stage.pra_mandiri": 50,
        "stage.mandiri": 75,
        "stage.five_r_minimum": 60,
        "stage.concentration_limit": Decimal("0.6"),
        "stage.mandatory_certificates": ["NIB"],
    }
    policy = DEFAULT_POLICY
    assert (policy.early_days, policy.late_days, policy.notice_days) == (7, 0, 3)
    assert (policy.under, policy.over) == (Decimal(0), Decimal("0.05"))


def test_a_policy_is_immutable() -> None:
    with pytest.raises(ValidationError):
        DEFAULT_POLICY.zone = "UTC"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        DEFAULT_POLICY.grade.A = Decimal(1)  # type: ignore[misc]


def test_every_setting_is_required_and_the_packaged_policy_has_no_other() -> None:
    document = tomllib.loads(PACKAGED)
    for path in flat(DEFAULT_POLICY):
        *tables, name = path.split(".")
        if tables[:1] == ["pillars"]:
            continue
        where = rf"(?ms)^(\[{re.escape('.'.join(tables))}\].*?)" if tables else r"(?ms)\A(.*?)"
        text, times = re.subn(rf"{where}^{name} = [^\n]*\n", r"\1", PACKAGED, count=1)
        assert times == 1, path
        found = problems(text)
        assert len(found) == 1
        assert found[0].startswith(f"{path}: is required; ")
    assert set(document) == set(Policy.model_fields)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "early_days = 7",
            "early_days = -1",
            "tolerances.early_days: must be 0 or more (it is -1)",
        ),
        ("early_days = 7", "early_days = 7.5", "tolerances.early_days: must be a whole number"),
        ("early_days = 7", "early_days = true", "tolerances.early_days: must be a whole number"),
        ("early_days = 7", "early_day = 7", "tolerances.early_day: is not a policy setting"),
        ("\nover = 0.05", '\nover = "0.05"', "tolerances.over: must be a number, without quotes"),
        ("\nover = 0.05", "\nover = nan", "tolerances.over: "),
        ("\nover = 0.05", "\nover = inf", "tolerances.over: "),
        ("\nover = 0.05", "\nover = 1e-999999", "tolerances.over: "),
        ("\nover = 0.05", "\nover = 1e999999", "tolerances.over: "),
        ("\nover = 0.05", "\nover = 1e9999999999999999999", "is not TOML: "),
        ("\nunder = 0", "\nunder = 1", "tolerances.under: must be less than 1 (it is 1)"),
        ("sla_hours = 48", "sla_hours = 0", "confirmation.sla_hours: must be 1 or more"),
        ('zone = "Asia/Jakarta"\n\n', 'zone = "Asia/Djakarta"\n\n', "zone: must be an IANA"),
        ('zone = "Asia/Jakarta"\n\n', 'zone = "Asia"\n\n', "zone: must be an IANA time zone"),
        ('zone = "Asia/Jakarta"\n\n', 'zone = "../UTC"\n\n', "zone: must be an IANA time zone"),
        ("[sites]\n", '[sites]\nAHM = "Mars"\n', "sites.AHM: must be an IANA time zone"),
        ("[sites]\n", '[sites]\n"a b" = "UTC"\n', "sites.a b: "),
        ('= "IDR"', '= "RP"', "base_currency: must be a currency code of ISO 4217"),
        ('= "2026-11-01"', '= ""', "version: "),
        ("next_steps = 3", "next_steps = 0", "next_steps: must be 1 or more (it is 0)"),
        ("quality.ppm]", "quality.pmp]", "pillars.quality.pmp: must be the key of a figure"),
        (
            "quality.ppm]",
            "quality.lead_time_days_p50]",
            "pillars.quality.lead_time_days_p50: is not a ratio and can't be scored",
        ),
        ("quality.ppm]", "quallity.ppm]", 'pillars.quallity: must be one of "quality", "del'),
        (
            "quality.lot_acceptance]",
            "delivery.ppm]",
            "pillars.delivery.ppm: is in pillars.quality too",
        ),
        ("weight = 25", "weight = 25.5", "pillars: the weights of all figures add up to 100.5"),
        ("weight = 25", "weight = 0", "pillars.quality.ppm.weight: must be more than 0 (it"),
        ("[0.80, 0]", "[0.95, 0]", "pillars.quality.lot_acceptance.points: the values (first"),
        ("[0.80, 0]", "[80, 0]", "pillars.quality.lot_acceptance.points: the values of lot_acc"),
        ("[0.95, 70], [1,", "[0.95, 70], [1.01,", "pillars.quality.lot_acceptance.points: the v"),
        ("[0.95, 70]", "[0.95, 7], [0.96, 6]", "pillars.quality.lot_acceptance.points: a higher"),
        ("[2000, 70]", "[2000, 91]", "pillars.quality.ppm.points: a lower ppm is better; its po"),
        ("[2000, 70]", "[2000, 101]", "pillars.quality.ppm.points[3][2]: must be 100 or less"),
        ("[2000, 70]", "[2000]", "pillars.quality.ppm.points[3][2]: is required"),
        ("[2000, 70]", "[-2000, 70]", "pillars.quality.ppm.points[3][1]: must be 0 or more"),
        ("A = 90", "A = 80", "grade: A, B and C must fall"),
        ("C = 60", "C = 80.5", "grade: A, B and C must fall"),
        ("A = 90", "A = 100.5", "grade.A: must be 100 or less (it is 100.5)"),
        ('line_stops = "C"', 'line_stops = "E"', 'grade.gates.line_stops: must be one of "A"'),
        ("\nmandiri = 75", "\nmandiri = 50", "stage: madya, pra_mandiri and mandiri must"),
        ("limit = 0.6", "limit = 60", "stage.concentration_limit: must be 1 or less"),
        ('["NIB"]', '["NIB", "NIB"]', "stage.mandatory_certificates: names a certificate twice"),
        ('["NIB"]', '"NIB"', "stage.mandatory_certificates: must be a list"),
        ("next_steps = 3", "next_steps = ", "is not TOML: "),
        ("next_steps = 3", "next_steps = 3\nnext_steps = 4", "is not TOML: "),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(old: str, new: str, problem: str) -> None:
    assert [one for one in problems(changed(old, new)) if one.startswith(problem)]


def test_a_pillar_that_is_missing_is_named() -> None:
    start = PACKAGED.index("[pillars.responsiveness.confirmation")
    text = PACKAGED[:start] + PACKAGED[PACKAGED.index("# The grade, of the unrounded") :]
    assert problems(text) == [
        "pillars.responsiveness: is required, with at least one figure",
        "pillars: the weights of all figures add up to 80; they must add up to 100",
    ]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["over = 0"], "tolerances.overrides[1]: give it a buyer_id, an item_no, or both"),
        (['buyer_id = "B"'], "tolerances.overrides[1]: sets nothing; give it early_days,"),
        (
            ['buyer_id = "B"\nover = 0', 'item_no = "I"\nover = 0', 'buyer_id = "B"\nunder = 0.1'],
            "tolerances.overrides[3]: is for the same buyer and item as [1]; merge them",
        ),
        (['buyer_id = "B B"\nover = 0'], "tolerances.overrides[1].buyer_id: "),
        (
            ['buyer_id = "B"\nnotice_days = 1'],
            "tolerances.overrides[1].notice_days: is not a policy sett",
        ),
        (['buyer_id = "B"\nover = -1'], "tolerances.overrides[1].over: must be 0 or more"),
    ],
)
def test_a_wrong_override_is_named_by_its_number_from_1(rows: list[str], problem: str) -> None:
    found = problems(with_overrides(*rows))
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_all_wrong_settings_are_named_at_once() -> None:
    text = changed("early_days = 7", "early_days = -1").replace("sla_hours = 48", "sla_hours = 0")
    assert [one.split(":")[0] for one in problems(text)] == [
        "tolerances.early_days",
        "confirmation.sla_hours",
    ]


def test_each_tolerance_is_that_of_the_most_specific_override() -> None:
    policy = Policy.load_text(
        with_overrides(
            'buyer_id = "B"\nitem_no = "I"\nearly_days = 1',
            'item_no = "I"\nearly_days = 2\nunder = 0.2\nlate_days = 2',
            'buyer_id = "B"\nearly_days = 3\nunder = 0.3',
        )
    )

    def found(buyer_id: str, item_no: str) -> tuple[int, int, Decimal, Decimal]:
        one = policy.tolerances_for(buyer_id, item_no)
        return one.early_days, one.late_days, one.under, one.over

    own = Decimal("0.05")
    assert found("B", "I") == (1, 2, Decimal("0.3"), own)
    assert found("B", "other") == (3, 0, Decimal("0.3"), own)
    assert found("other", "I") == (2, 2, Decimal("0.2"), own)
    assert found("other", "other") == (7, 0, Decimal(0), own)
    # Compared letter by letter.
    assert found("b", "i") == found("other", "other")


@given(st.permutations(range(4)), st.sampled_from("BX"), st.sampled_from("IX"))
def test_the_order_of_overrides_does_not_matter(order: list[int], buyer: str, item: str) -> None:
    rows = [
        'buyer_id = "B"\nover = 0.1\nunder = 0.01',
        'item_no = "I"\nover = 0.2\nlate_days = 2',
        'buyer_id = "B"\nitem_no = "I"\nover = 0.3',
        'buyer_id = "X"\nearly_days = 9',
    ]
    straight = Policy.load_text(with_overrides(*rows))
    mixed = Policy.load_text(with_overrides(*(rows[index] for index in order)))
    assert mixed.tolerances_for(buyer, item) == straight.tolerances_for(buyer, item)
    assert differences(straight, mixed) == []


def test_the_zone_of_a_buyers_sites() -> None:
    policy = Policy.load_text(changed("[sites]\n", '[sites]\nYARD = "Asia/Makassar"\n'))
    assert policy.zone_of("YARD") == "Asia/Makassar"
    assert policy.zone_of("AHM") == "Asia/Jakarta"
    moved = policy.with_zone("Asia/Jayapura")
    assert (moved.zone, moved.zone_of("YARD")) == ("Asia/Jayapura", "Asia/Makassar")
    with pytest.raises(PolicyError, match="zone: must be an IANA time zone"):
        policy.with_zone("Mars")


def test_tolerances_that_are_set_in_code_are_checked_too() -> None:
    lenient = DEFAULT_POLICY.with_tolerances(late_days=2, under=Decimal("0.1"))
    assert (lenient.late_days, lenient.under, lenient.early_days) == (2, Decimal("0.1"), 7)
    assert DEFAULT_POLICY.late_days == 0
    with pytest.raises(PolicyError, match=r"tolerances\.late_days: must be 0 or more"):
        DEFAULT_POLICY.with_tolerances(late_days=-1)
    with pytest.raises(PolicyError, match=r"tolerances\.lateness: is not a policy setting"):
        DEFAULT_POLICY.with_tolerances(lateness=1)


def test_files_are_read_as_editors_write_them(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_bytes(b"\xef\xbb\xbf" + PACKAGED.replace("\n", "\r\n").encode())
    assert Policy.load(file) == DEFAULT_POLICY
    file.write_bytes(PACKAGED.encode("utf-16"))
    with pytest.raises(PolicyError, match="is not UTF-8: byte 0 is wrong; save it as UTF-8"):
        Policy.load(file)
    with pytest.raises(FileNotFoundError):
        Policy.load(tmp_path / "absent.toml")
    assert Policy.load_text("\ufeff" + PACKAGED) == DEFAULT_POLICY
    for blank in ("", "\ufeff", "\ufeff \r\n"):
        with pytest.raises(PolicyError, match="version: is required"):
            Policy.load_text(blank)


def test_a_key_of_many_parts_is_refused_before_the_toml_is_parsed() -> None:
    deep = ".".join(["a"] * 100_000)
    for line in (f"{deep} = 1", f"[{deep}]", f"x = {{{deep} = 1}}"):
        with pytest.raises(PolicyError, match="line 1: a key has more than 50 parts"):
            Policy.load_text(line)
    assert Policy.load_text(f"# {deep}\n{PACKAGED}") == DEFAULT_POLICY


def test_many_decimals_on_a_line_are_not_mistaken_for_a_deep_key() -> None:
    points = ", ".join(f"[{x / 100}, {x / 2}]" for x in range(100))
    line = f"otif = {{weight = 1, points = [{points}]}}"
    with pytest.raises(PolicyError) as refused:
        Policy.load_text(line)
    assert "parts" not in str(refused.value)


@given(st.decimals(0, 100, places=6), st.decimals(0, "0.999999", places=6))
def test_numbers_are_read_exactly(over: Decimal, under: Decimal) -> None:
    text = PACKAGED.replace("\nover = 0.05", f"\nover = {over:f}")
    policy = Policy.load_text(text.replace("\nunder = 0\n", f"\nunder = {under:f}\n"))
    assert (policy.over, policy.under) == (over, under)


def test_a_policy_as_a_document_is_the_policy() -> None:
    document: dict[str, Any] = DEFAULT_POLICY.as_document()
    assert Policy.model_validate(document) == DEFAULT_POLICY
    assert document["tolerances"]["over"] == Decimal("0.05")
    assert document["pillars"]["quality"]["ppm"]["points"][1] == [500, 90]


def test_differences_by_path() -> None:
    text = with_overrides('buyer_id = "A.B"\nitem_no = "I"\nover = 0', 'item_no = "I"\nunder = 0.1')
    text = text.replace("[sites]\n", '[sites]\n"A.B" = "UTC"\n').replace("A = 90", "A = 91.5")
    new = Policy.load_text(text)
    found = [(one.path, one.old, one.new) for one in differences(DEFAULT_POLICY, new)]
    assert found == [
        ('sites."A.B"', None, "UTC"),
        ("tolerances.overrides[buyer_id=A.B, item_no=I].over", None, 0),
        ("tolerances.overrides[item_no=I].under", None, Decimal("0.1")),
        ("grade.A", 90, Decimal("91.5")),
    ]
    back = {(one.path, one.new, one.old) for one in differences(new, DEFAULT_POLICY)}
    assert back == set(found)
    assert differences(new, new) == []


def test_every_scored_figure_is_a_known_figure() -> None:
    assert set(DEFAULT_POLICY.scales) <= set(KPIS)
