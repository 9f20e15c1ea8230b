"""The exact words about a supplier's standing: grade, next steps, month ends, stage, load."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from services.readiness.kpis import SCORABLE
from services.readiness.policy import DEFAULT_POLICY, Policy, packaged_text
from services.text import standing_words
from services.text.language import LANGUAGES
from services.web import next_step_words

ID = LANGUAGES["id"]
TIGHT = Policy.load_text(
    packaged_text()
    .replace('line_stops = "C"', 'line_stops = "D"')
    .replace("months_up = 2", "months_up = 1")
    .replace("months_down = 2", "months_down = 3")
    .replace("sla_hours = 48", "sla_hours = 24")
    .replace("containment_days = 2", "containment_days = 1")
    .replace("min_lines = 10", "min_lines = 25")
)


def card(**changes: Any) -> dict[str, Any]:
    """Return the scorecard of a supplier with grade B, as read from its JSON, with changes."""
    whole = {
        "supplier_id": "S1",
        "as_of": "2026-11-22",
        "kpis": {
            "otif": {"value": 0.9, "numerator": 27, "denominator": 30, "ci95": [0.74, 0.97]},
            "ppm": {"value": 250.0, "numerator": 1.5, "denominator": 6000, "mixed_units": True},
            "line_stops": {"value": 0},
            "capacity_load": {"value": None, "processes": {}},
        },
        "score": {
            "value": 84.25,
            "provisional": False,
            "pillars": {"quality": 92.0, "delivery": 84.04, "responsiveness": None},
        },
        "grade": {"value": "B", "published": "B", "gates": [], "insufficient": False},
        "stage": [],
        "next_steps": [],
        **changes,
    }
    read: dict[str, Any] = json.loads(json.dumps(whole, default=float), parse_float=Decimal)
    return read


def grade(value: str | None, published: str | None, gates: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "value": value,
        "published": published,
        "gates": list(gates),
        "insufficient": value is None,
    }


def grade_words(
    policy: Policy = DEFAULT_POLICY, months: int = 3, **changes: Any
) -> standing_words.GradeWords:
    return standing_words.grade(ID, card(**changes), policy, months)


def of_lines(count: int) -> dict[str, Any]:
    """Return the figures of a scorecard whose OTIF has `count` matured lines and no value."""
    return {
        **card()["kpis"],
        "otif": {"value": None, "numerator": 0, "denominator": count, "ci95": None},
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (Decimal("0.04"), "kurang dari 0,1"),
        (Decimal("0.1"), "0,1"),
        (Decimal("84.25"), "84,2"),
        (Decimal("84.299999999999"), "84,2"),
        (Decimal("89.97"), "89,9"),
        (Decimal("90.0"), "90"),
        (Decimal("99.94"), "99,9"),
        (Decimal("99.99999999999999"), "99,9"),
        (Decimal("100.0"), "100"),
        (100, "100"),
    ],
)
def test_points_are_cut_off_and_never_rounded_up(value: Decimal | int, text: str) -> None:
    assert standing_words.points(ID, value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4.2", "+4,2 poin"),
        ("12.05", "+12 poin"),
        ("3.0", "+3 poin"),
        ("0.049", "kurang dari +0,1 poin"),
    ],
)
def test_the_gain_of_a_step_in_points(value: str, text: str) -> None:
    assert next_step_words.gained(ID, Decimal(value)) == text


@pytest.mark.parametrize(
    ("letter", "word"),
    [("A", "sangat baik"), ("B", "baik"), ("C", "cukup"), ("D", "perlu perbaikan")],
)
def test_a_grade_has_a_letter_and_a_word(letter: str, word: str) -> None:
    words = grade_words(grade=grade(letter, letter))
    assert (words.letter, words.word, words.sentences) == (letter, word, ())


def test_the_score_and_its_pillars() -> None:
    words = grade_words()
    assert (words.score_label, words.score) == ("Skor", "84,2")
    assert [(one.key, one.name, one.score) for one in words.pillars] == [
        ("quality", "Mutu", "92"),
        ("delivery", "Pengiriman", "84"),
        ("responsiveness", "Tanggapan", "belum ada data"),
    ]


@pytest.mark.parametrize(
    ("policy", "at", "published", "sentence"),
    [
        (
            DEFAULT_POLICY,
            "C",
            "B",
            "Menurut angka terakhir nilainya C (cukup); "
            "nilai di atas baru turun setelah 2 akhir bulan berturut-turut.",
        ),
        (
            TIGHT,
            "A",
            "D",
            "Menurut angka terakhir nilainya A (sangat baik); "
            "nilai di atas baru naik setelah 1 akhir bulan.",
        ),
        (
            TIGHT,
            "D",
            "C",
            "Menurut angka terakhir nilainya D (perlu perbaikan); "
            "nilai di atas baru turun setelah 3 akhir bulan berturut-turut.",
        ),
    ],
)
def test_a_grade_of_the_day_that_differs_is_explained(
    policy: Policy, at: str, published: str, sentence: str
) -> None:
    words = grade_words(policy, grade=grade(at, published))
    assert (words.letter, words.sentences) == (published, (sentence,))


def test_before_the_first_month_end_there_is_no_letter() -> None:
    words = grade_words(grade=grade("B", None))
    assert (words.letter, words.word) == (None, "belum ditetapkan")
    assert words.sentences == (
        "Menurut angka terakhir nilainya B (baik); nilai pertama ditetapkan pada akhir bulan.",
    )


@pytest.mark.parametrize(
    ("policy", "lines", "months", "sentence"),
    [
        (
            DEFAULT_POLICY,
            4,
            2,
            "Ada 4 baris jatuh tempo dalam 2 bulan; "
            "untuk diberi nilai perlu paling sedikit 10 baris dalam 3 bulan.",
        ),
        (
            TIGHT,
            12,
            3,
            "Ada 12 baris jatuh tempo dalam 3 bulan; "
            "untuk diberi nilai perlu paling sedikit 25 baris dalam 3 bulan.",
        ),
        (DEFAULT_POLICY, 10, 3, "Belum ada angka yang bisa dinilai."),
    ],
)
def test_too_few_lines_give_no_letter_whatever_was_published_before(
    policy: Policy, lines: int, months: int, sentence: str
) -> None:
    score = {**card()["score"], "value": 71.5, "provisional": True, "pillars": {}}
    words = grade_words(
        policy,
        months,
        kpis={**of_lines(lines), "line_stops": {"value": 0}},
        grade=grade(None, "B"),
        score=score,
    )
    assert (words.letter, words.word, words.sentences) == (None, "belum cukup data", (sentence,))
    assert (words.score_label, words.score) == ("Skor sementara", "71,5")


def test_without_any_data_there_is_no_score() -> None:
    words = grade_words(
        score={"value": None, "provisional": True, "pillars": {}}, grade=grade(None, None)
    )
    assert words.score is None


@pytest.mark.parametrize(("policy", "cap"), [(DEFAULT_POLICY, "C"), (TIGHT, "D")])
def test_gates_name_the_best_grade_that_the_policy_allows(policy: Policy, cap: str) -> None:
    kpis = {**card()["kpis"], "line_stops": {"value": 2}}
    both = ("line_stops", "overdue_complaint_step")
    words = standing_words.grade(
        ID,
        {**card(), "kpis": kpis, "grade": grade(cap, cap, both)},
        policy,
        3,
    )
    assert words.sentences == (
        "Jalur produksi pembeli berhenti atau keselamatan terancam "
        f"(2 keluhan dalam jangka waktu ini), nilai paling tinggi {cap}.",
        "Ada langkah keluhan yang lewat waktu, nilai paling tinggi B.",
    )


def test_every_figure_that_can_be_scored_has_advice_of_its_own() -> None:
    sentences = next_step_words.to_do(ID, DEFAULT_POLICY)
    assert sentences.keys() == set(SCORABLE)
    assert len(set(sentences.values())) == len(SCORABLE)
    assert all(one.endswith(".") for one in sentences.values())


def test_advice_follows_the_policy() -> None:
    assert "dalam 48 jam" in next_step_words.to_do(ID, DEFAULT_POLICY)["confirmation_in_time"]
    assert "dalam 24 jam" in next_step_words.to_do(ID, TIGHT)["confirmation_in_time"]
    assert "dalam 2 hari, " in next_step_words.to_do(ID, DEFAULT_POLICY)["complaint_response"]
    assert "dalam 1 hari, " in next_step_words.to_do(ID, TIGHT)["complaint_response"]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ({"order_no": "PO1", "line_no": "10"}, "Pesanan PO1 baris 10, PT Astra"),
        ({"inspection_no": "QI-1"}, "Pemeriksaan QI-1, PT Astra"),
        ({"receipt_no": "R1"}, "Penerimaan R1, PT Astra"),
        ({"complaint_no": "K1"}, "Keluhan K1, PT Astra"),
        (
            {"complaint_no": "K1", "step": "containment"},
            "Keluhan K1, langkah pengamanan barang, PT Astra",
        ),
        (
            {"complaint_no": "K1", "step": "corrective_action"},
            "Keluhan K1, langkah perbaikan sebabnya, PT Astra",
        ),
        ({"complaint_no": "K1", "step": "closing"}, "Keluhan K1, langkah penyelesaian, PT Astra"),
    ],
)
def test_cases_are_named_by_their_numbers_and_buyer(case: dict[str, str], text: str) -> None:
    step = {"kpi": "otif", "gain": 4.2, "cases": [{"buyer_id": "AHM", **case}]}
    (words,) = next_step_words.next_steps(
        ID, card(next_steps=[step]), DEFAULT_POLICY, {"AHM": "PT Astra"}
    )
    assert [one.what for one in words.cases] == [text]
    line = "/suppliers/S1/line?buyer=AHM&order=PO1&line=10"
    assert words.cases[0].address == (line if "order_no" in case else None)


def test_the_best_step_comes_first_with_five_cases_at_most() -> None:
    cases = [{"buyer_id": "X", "order_no": f"P{n}", "line_no": "1"} for n in range(7)]
    steps = [
        {"kpi": "otif", "gain": 4.25, "cases": cases},
        {"kpi": "ppm", "gain": 0.5, "cases": []},
    ]
    first, second = next_step_words.next_steps(ID, card(next_steps=steps), DEFAULT_POLICY, {})
    assert (first.gain, second.gain) == ("+4,2 poin", "+0,5 poin")
    assert first.what == next_step_words.to_do(ID, DEFAULT_POLICY)["otif"]
    assert [one.what for one in first.cases] == [f"Pesanan P{n} baris 1, X" for n in range(5)]
    assert (first.kpi, second.kpi) == ("otif", "ppm")
    assert next_step_words.next_steps(ID, card(), DEFAULT_POLICY, {}) == []


@pytest.mark.parametrize(
    ("score", "why"),
    [
        (None, ", karena belum ada data."),
        (100.0, ": semua angka sudah baik."),
        (0, ": membereskan beberapa kasus saja belum menaikkan skor."),
        (99.99, ": membereskan beberapa kasus saja belum menaikkan skor."),
    ],
)
def test_why_there_is_no_next_step_depends_on_the_score(score: float | None, why: str) -> None:
    shown: dict[str, Any] = {"value": score, "provisional": False, "pillars": {}}
    assert next_step_words.nothing_to_do(ID, card(score=shown)).startswith(
        "Tidak ada yang menonjol" + why
    )


def test_month_ends_are_named_by_the_month_that_ended() -> None:
    few = {"value": 99.97, "provisional": True, "pillars": {}}
    none: dict[str, Any] = {"value": None, "provisional": True, "pillars": {}}
    ends = standing_words.month_ends(
        ID,
        [
            (date(2026, 1, 1), card(grade=grade(None, None), score=none)),
            (date(2026, 2, 1), card(grade=grade(None, None), score=few)),
            (date(2026, 3, 1), card()),
            (date(2026, 4, 1), card(grade=grade("C", "B"))),
        ],
    )
    assert [(one.name, one.grade, one.note, one.score) for one in ends] == [
        ("Des 2025", "belum cukup data", "", "belum ada data"),
        ("Jan 2026", "belum cukup data", "", "99,9 (sementara)"),
        ("Feb 2026", "B, baik", "", "84,2"),
        ("Mar 2026", "B, baik", "menurut angkanya C", "84,2"),
    ]


def test_stages_say_mean_day_and_limits() -> None:
    stage = {
        "assessor": "YDBA",
        "value": "Pra-Mandiri",
        "mean": 76.25,
        "assessed_on": "2026-09-01",
        "limits": ["NIB", "five_r", "buyer_concentration"],
    }
    limited, free = standing_words.stages(
        ID, card(stage=[stage, {**stage, "assessor": "Dinas", "value": "Madya", "limits": []}])
    )
    assert (limited.assessor, limited.value) == ("YDBA", "Pra-Mandiri")
    assert limited.sentence == "Rata-rata 76,2 dari 100, dinilai 1 Sep 2026."
    assert limited.limits == (
        "NIB sudah habis masa berlakunya; nilai 5R di bawah batas; "
        "terlalu bergantung pada satu pembeli"
    )
    assert free.limits == ""


@pytest.mark.parametrize(
    ("ordered", "capacity", "load", "sentence"),
    [
        (1200, 1000, "120 %", "pesanan melebihi kapasitas (1.200 dari 1.000 sebulan)"),
        (
            100001,
            100000,
            "lebih dari 100 %",
            "pesanan melebihi kapasitas (100.001 dari 100.000 sebulan)",
        ),
        (1000, 1000, "100 %", "kapasitas terpakai penuh (1.000 dari 1.000 sebulan)"),
        (9999, 10000, "lebih dari 99,9 %", "masih dalam kapasitas (9.999 dari 10.000 sebulan)"),
        (12.5, 1000, "1,3 %", "masih dalam kapasitas (12,5 dari 1.000 sebulan)"),
        (0, 10, "0 %", "tidak ada pesanan yang menunggu (0 dari 10 sebulan)"),
        (5, 0, "belum ada data", "belum ada data"),
    ],
)
def test_the_load_of_a_process(ordered: float, capacity: int, load: str, sentence: str) -> None:
    shown = {"value": None, "numerator": ordered, "denominator": capacity}
    kpis = {**card()["kpis"], "capacity_load": {"value": None, "processes": {"Bubut": shown}}}
    (words,) = standing_words.capacity(ID, card(kpis=kpis))
    assert (words.process, words.load, words.sentence) == ("Bubut", load, sentence)
    assert standing_words.capacity(ID, card()) == []


def test_a_figure_is_read_back_from_a_scorecard() -> None:
    otif, ppm = standing_words.figure(card(), "otif"), standing_words.figure(card(), "ppm")
    assert (otif.counts, otif.scale, otif.mixed_units, otif.value) == (True, 1, False, 0.9)
    assert (ppm.counts, ppm.scale, ppm.mixed_units, ppm.value) == (False, 1_000_000, True, 250)
    assert (ppm.numerator, ppm.denominator) == (Fraction("1.5"), Fraction(6000))
