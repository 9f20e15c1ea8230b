"""Papers as PDF: one page whatever is on it, an annex of any length, the same bytes each time."""

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader
from reportlab.lib.units import mm

from services.assessment.evaluations import HighWater
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import Supplier
from services.readiness.policy import DEFAULT_POLICY
from services.text.language import LANGUAGES
from services.web.paper import paper_words
from services.web.paper.fonts import BOLD, PLAIN, cut, drawable, register, width
from services.web.paper.measures import MARGIN
from services.web.paper.paper_pages import code_contents
from services.web.paper.paper_words import Paper, PaperFacts, verdict
from services.web.paper.pdf import pdf

DAY = date(2026, 11, 22)
FOOT = MARGIN - 3 * mm
ADDRESS = "https://rantai.example.go.id/verify/" + "AbC_" * 30
MADE = {
    "policy_version": DEFAULT_POLICY.version,
    "edition": 2,
    "computed_at": "2026-11-22T05:07:09Z",
}
RATIO = {"value": Decimal("0.9"), "numerator": 9, "denominator": 10, "ci95": [Decimal("0.6"), 1]}
TITLED = (
    "otif", "otif_requested", "on_time_quantity", "fill_rate", "mean_days_late", "ppm",
    "lot_acceptance", "confirmation_in_time", "order_acceptance", "despatch_notice_rate",
    "complaint_response",
)  # fmt: skip


def card(**more: Any) -> dict[str, Any]:
    return {
        "kpis": dict.fromkeys(TITLED, RATIO)
        | {"line_stops": {"value": 0}, "lead_time_cv": {"value": Decimal("0.25")}},
        "score": {
            "value": Decimal("81.3055"),
            "provisional": False,
            "pillars": {"quality": Decimal("92.5"), "delivery": 0, "responsiveness": None},
        },
        "grade": {"value": "B", "published": "B", "gates": [], "insufficient": False},
        "stage": [],
        "supplier_id": "S1",
        "next_steps": [],
        **more,
    }


def line(number: int, **more: Any) -> dict[str, Any]:
    return {
        "buyer_id": "PT-1",
        "order_no": f"PO-{number:04}",
        "line_no": "10",
        "item_no": "BRK",
        "uom": "H87",
        "ordered": 100,
        "due_date": "2026-10-10",
        "out_because": None,
        "cancelled_by": None,
        "received": 100,
        "returned": 0,
        "receipts": [{"received_on": "2026-10-10", "quantity": 100, "receipt_no": "R"}],
        "on_time_in_full": True,
        "status": [],
        "quantity_inspected": 0,
        "quantity_rejected": 0,
        "complaints": 0,
        "dispute_open": False,
        **more,
    }


def facts(lines: int = 2, name: str = "CV Maju", shown: dict[str, Any] | None = None) -> PaperFacts:
    shown = shown or card()
    inputs = HighWater(1234, datetime(2026, 11, 21, 3, tzinfo=UTC))
    return PaperFacts(
        issued=code_contents(Selection(DAY, 180, ["IKM-1"]), shown, MADE, inputs),
        card=shown,
        months=5,
        supplier=Supplier("IKM-1", name, None, "Kab. Tegal", "logam", None, ("PT-1",)),
        names={"PT-1": "PT Satu"},
        lines=[line(number) for number in range(lines)],
        lines_total=lines,
    )


def paper(code: str = "id", **more: Any) -> Paper:
    return paper_words.paper(LANGUAGES[code], facts(**more), DEFAULT_POLICY, ADDRESS)


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def lowest(content: bytes) -> float:
    """Return the height of the lowest baseline on the first page, without its footer, in points."""
    bases: list[float] = []

    def see(text: str, cm: list[float], tm: list[float], _font: Any, _size: float) -> None:
        base = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        if text.strip() and abs(base - FOOT) > 1:
            bases.append(base)

    PdfReader(io.BytesIO(content)).pages[0].extract_text(visitor_text=see)
    return min(bases)


def test_the_same_paper_gives_the_same_bytes() -> None:
    content = pdf(paper())
    assert pdf(paper()) == content
    program = "from tests.unit.web.test_pdf import *; sys.stdout.buffer.write(pdf(paper()))"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        )
        assert run.stdout == content


@pytest.mark.parametrize(("code", "title"), [("id", "Kartu nilai"), ("en", "Supplier's scorecard")])
def test_the_file_has_a_title_a_language_and_its_fonts(code: str, title: str) -> None:
    read = PdfReader(io.BytesIO(pdf(paper(code))))
    assert read.metadata is not None
    assert str(read.metadata.title).startswith(title)
    assert str(read.metadata.title).endswith("CV Maju")
    root: Any = read.trailer["/Root"]
    assert root["/Lang"] == code
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] is not None
    fonts: Any = read.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for one in fonts.values():
        font = one.get_object()
        if "OpenSans" in font["/BaseFont"]:
            assert "/FontFile2" in font["/FontDescriptor"]


def test_the_first_page_says_everything() -> None:
    first = " ".join(pages(pdf(paper("en")))[0].split())
    for expected in (
        "CV Maju", "IKM-1 · Kab. Tegal · logam", "22 Nov 2026", "26 May 2026 to 21 Nov 2026",
        "all buyers", "good", "Score 81.3 of 100", "92.5", "no data yet", "9 of 10",
        "60 % to 100 %", DEFAULT_POLICY.version, "1,234 events",
        "21 Nov 2026 at 10:00 WIB", "22 Nov 2026 at 12:07 WIB", facts().issued.digest_words,
        "https://rantai.example.go.id", "Page 1 / 2",
    ):  # fmt: skip
        assert expected in first, expected


@pytest.mark.parametrize(("lines", "expected"), [(0, 2), (1, 2), (28, 2), (60, 4), (300, 12)])
def test_the_annex_takes_as_many_pages_as_it_needs(lines: int, expected: int) -> None:
    found = pages(pdf(paper("en", lines=lines)))
    assert abs(len(found) - expected) <= (lines > 28)
    for number, text in enumerate(found, start=1):
        assert f"Page {number} / {len(found)}" in text
    if not lines:
        assert "There are no order lines" in found[1]
        return
    assert all("Ordered" in text and "Annex" in text for text in found[1:])
    shown = "".join(found[1:])
    assert all(f"PO-{number:04}" in shown for number in range(lines))


def test_the_annex_says_how_many_lines_it_leaves_out() -> None:
    some = replace(facts(lines=3), lines_total=1234)
    content = pdf(paper_words.paper(LANGUAGES["en"], some, DEFAULT_POLICY, ADDRESS))
    assert "the 3 due last of 1,234" in pages(content)[1]


@pytest.mark.parametrize(
    "name",
    [
        "PT " + "Sangat Panjang " * 30,
        "x" * 400,
        "",
        "株式会社 山田 🏭",
        "مصنع",
        "A\0B\x07\u202eC",
        "<b>&",
    ],
)
def test_any_name_stays_on_its_page(name: str) -> None:
    stages = [
        {
            "assessor": name or "?",
            "value": "Mandiri",
            "mean": 80,
            "assessed_on": "2026-01-01",
            "limits": ["five_r", "NIB"],
        }
    ] * 6
    case = {"order_no": name or "?", "line_no": "10", "buyer_id": name or "?"}
    steps = [{"kpi": key, "gain": 4, "cases": [case] * 9} for key in TITLED[:3]]
    shown = card(stage=stages, next_steps=steps)
    found = facts(name=name, shown=shown)
    rows = [line(1, order_no=name, item_no=name, line_no=name, buyer_id=name)]
    found = replace(found, lines=rows, names={"PT-1": name})
    content = pdf(paper_words.paper(LANGUAGES["id"], found, DEFAULT_POLICY, ADDRESS))
    read = pages(content)
    assert len(read) == 2
    assert "Halaman 1 / 2" in read[0]
    assert found.issued.digest_words in read[0]
    assert lowest(content) >= MARGIN


def test_a_frozen_paper_is_not_explained_by_a_later_policy() -> None:
    some = facts()
    old = replace(some.issued, frozen=True, policy_version="2020-01-01")
    gated = {**card(), "grade": {**card()["grade"], "gates": ["line_stops"]}}
    shown = paper_words.paper(
        LANGUAGES["en"], replace(some, issued=old, card=gated), DEFAULT_POLICY, ADDRESS
    )
    assert shown.grade.letter == "B"
    assert shown.grade.sentences == ()
    assert shown.steps == []
    same = replace(some, issued=replace(some.issued, frozen=True), card=gated)
    assert paper_words.paper(LANGUAGES["en"], same, DEFAULT_POLICY, ADDRESS).grade.sentences


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "yes"),
        (
            {
                "on_time_in_full": False,
                "receipts": [{"received_on": "2026-10-13", "quantity": 100, "receipt_no": "R"}],
            },
            "3 days late",
        ),
        ({"on_time_in_full": False, "receipts": []}, "not complete, 43 days late by now"),
        (
            {
                "on_time_in_full": False,
                "receipts": [{"received_on": "2026-09-01", "quantity": 100, "receipt_no": "R"}],
            },
            "no: came too early",
        ),
        ({"on_time_in_full": False, "received": 130}, "no: more than ordered"),
        (
            {"on_time_in_full": None, "due_date": "2026-12-01", "receipts": []},
            "not complete, not due yet",
        ),
        (
            {"on_time_in_full": None, "out_because": "cancelled"},
            "not judged: cancelled by the buyer before anything came",
        ),
    ],
)
def test_a_line_says_why_it_missed(more: dict[str, Any], expected: str) -> None:
    assert verdict(LANGUAGES["en"], line(1, **more), DAY, DEFAULT_POLICY) == expected


def test_letters_that_the_font_lacks_are_marked() -> None:
    names = "Jönköping Łódź Đà Nẵng Ωμέγα Завод œ"
    assert drawable(names) == names
    assert drawable("e\u0301") == "é"
    assert drawable("Ａ１ﬁ") == "A1ﬁ"
    assert drawable("山🏭") == "??"
    assert drawable("a\tb\nc\0\u200bd") == "a b cd"


def test_text_that_is_too_wide_is_cut() -> None:
    register()
    text = "PT Perkakas Besar dan Rekan"
    assert cut(text, PLAIN, 8, 1000) == text
    short = cut(text, BOLD, 8, 50)
    assert short.endswith("…")
    assert 40 < width(short, BOLD, 8) <= 50


def test_the_libraries_of_papers_and_workbooks_are_not_loaded_at_start() -> None:
    program = (
        "import sys, services.cli, services.web.site_routes;"
        "print([one for one in ('reportlab', 'xlsxwriter', 'PIL') if one in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert run.stdout.strip() == "[]"
