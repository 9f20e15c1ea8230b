"""Papers have the figures of the JSON API, and anyone who holds one can verify it by its code."""

import asyncio
import html
import io
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from schemas.catalogue import Role
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import Selection
from services.store.client import ClickHouse
from services.store.ledger import Ledger
from services.text.language import LANGUAGES
from services.web import kpi_words
from services.web.paper.issued import Codes
from tests.integration.pages_story import (
    BULK,
    BUYER,
    ENDS,
    OTHER,
    STEADY,
    STEADYS_BUYER,
    SUPPLIER,
    Site,
    Story,
    in_one_place,
    open_site,
    text,
)

TODAY = date(2026, 11, 22)
ENGLISH = LANGUAGES["en"]
PROGRAMME = "PG-YDBA"
TOOLS = [tool for tool in ("pdftoppm", "zbarimg") if shutil.which(tool) is None]
LIVE = f"/suppliers/{STEADY}/scorecard.pdf?as_of={TODAY}&lang=en"
FROZEN = f"/suppliers/{STEADY}/evaluations/{ENDS[-1]}.pdf?lang=en"


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(own_clickhouse, tmp_path_factory.mktemp("links") / "secret", TODAY)


def ask(site: Site, role: Role, partner: str, path: str) -> httpx.Response:
    """Open a link of a partner, then a path with the same browser; return the response to it."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get(f"/s/{site.token(role, partner)}?as_of={TODAY}")
            return await client.get(path)

    return asyncio.run(asked())


def paper(site: Site, role: Role, partner: str, path: str) -> bytes:
    response = ask(site, role, partner, path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    return response.content


def pages(content: bytes) -> list[str]:
    found = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    return [" ".join(one.split()) for one in found]


def address(content: bytes) -> str:
    """Return the address for verifying a paper: that of the link over its QR code."""
    read = PdfReader(io.BytesIO(content))
    notes: Any = read.pages[0]["/Annots"]
    (note,) = notes
    found = str(note.get_object()["/A"]["/URI"])
    assert found.startswith("http://test/verify/")
    return found


def verified(site: Site, content: bytes) -> str:
    return text(site.get(address(content) + "?lang=en"))


def in_english(score: Decimal) -> str:
    return in_one_place(score).replace(",", ".")


def assert_figures(page: str, kpis: Mapping[str, Mapping[str, Decimal]]) -> None:
    """Assert that a page has every figure, with its numerator and denominator beside it."""
    for key, figure in kpis.items():
        title, value = kpi_words.title(ENGLISH, key), kpi_words.value(ENGLISH, key, figure)
        expected = f"{title} {value}"
        if "numerator" in figure:
            counted = "–"
            if figure["numerator"] or figure["denominator"]:
                counted = f"{figure['numerator']:,} of {figure['denominator']:,}"
            expected += f" {counted}"
        assert expected in page


@pytest.mark.parametrize(("supplier", "window"), [(STEADY, 180), (SUPPLIER, 90), (BULK, 180)])
def test_a_paper_has_the_figures_of_the_interface(site: Site, supplier: str, window: int) -> None:
    path = f"/suppliers/{supplier}/scorecard.pdf?as_of={TODAY}&window_days={window}&lang=en"
    content = paper(site, Role.SUPPLIER, supplier, path)
    answer = site.reader.scorecard(supplier, Selection(TODAY, window, [supplier]))
    card = json.loads(answer, parse_float=Decimal)
    first, *annex = pages(content)
    assert_figures(first, card["kpis"])
    assert f"core {in_english(card['score']['value'])} of 100" in first
    grade = card["grade"]
    letter = None if grade["insufficient"] else grade["published"]
    assert re.findall(r"\b[ABCD]\b(?= Grade)", first) == ([] if letter is None else [letter])
    assert card["policy_version"] in first
    high_water = EvaluationStore(site.reader.store.clickhouse).high_water()
    assert f"{high_water.events:,} events" in first
    lines = site.reader.lines(supplier, Selection(TODAY, window, [supplier]), "", 300, 0)
    shown = "".join(annex)
    assert shown.count("line ") >= lines["total"] == len(lines["lines"]) > 0
    assert all(row["due_date"] is not None for row in lines["lines"])
    for row in lines["lines"]:
        assert row["order_no"][:8] in shown
        assert f"line {row['line_no']}, " in shown


def test_it_is_the_same_each_time_and_in_both_languages(site: Site) -> None:
    first = paper(site, Role.SUPPLIER, STEADY, LIVE)
    assert paper(site, Role.SUPPLIER, STEADY, LIVE) == first
    other = paper(site, Role.SUPPLIER, STEADY, LIVE.replace("lang=en", "lang=id"))
    page = pages(other)[0]
    assert "Kartu nilai pemasok" in page
    assert "Selang kepercayaan" in page
    assert address(other) == address(first)


def test_who_may_have_it(site: Site) -> None:
    paper(site, Role.PROGRAMME, PROGRAMME, LIVE)
    paper(site, Role.PROGRAMME, PROGRAMME, FROZEN)
    assert ask(site, Role.BUYER, STEADYS_BUYER, FROZEN).status_code == 403
    assert ask(site, Role.SUPPLIER, SUPPLIER, LIVE).status_code == 403
    assert ask(site, Role.SUPPLIER, SUPPLIER, FROZEN).status_code == 403
    assert ask(site, Role.BUYER, OTHER, LIVE).status_code == 404
    assert site.get(LIVE).status_code == 401
    assert site.get(FROZEN).status_code == 401


def test_a_buyers_paper_is_of_its_own_orders(site: Site) -> None:
    path = f"/suppliers/{SUPPLIER}/scorecard.pdf?as_of={TODAY}&lang=en&buyer_id={OTHER}"
    content = paper(site, Role.BUYER, BUYER, path.partition("&buyer_id")[0])
    shown = " ".join(pages(content))
    assert "From orders of PT Astra & Kawan" in shown
    assert "RAHASIA" not in shown
    assert OTHER not in shown
    answer = site.reader.scorecard(SUPPLIER, Selection(TODAY, 180, [SUPPLIER], [BUYER]))
    assert_figures(shown, json.loads(answer, parse_float=Decimal)["kpis"])
    # A buyer_id in the address must not make another buyer's orders count.
    assert OTHER not in " ".join(pages(paper(site, Role.BUYER, BUYER, path)))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/suppliers/{STEADY}/evaluations/2026-09-01.pdf", 404),
        (f"/suppliers/{STEADY}/evaluations/2026-11-02.pdf", 404),
        (f"/suppliers/{STEADY}/evaluations/yesterday.pdf", 400),
        (f"/suppliers/{STEADY}/scorecard.pdf?buyer_id=PG-NOBODY", 400),
        (f"/suppliers/{STEADY}/scorecard.pdf?as_of=2026-13-01", 400),
    ],
)
def test_what_there_is_not_is_said(site: Site, path: str, status: int) -> None:
    response = ask(site, Role.SUPPLIER, STEADY, path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")


def test_a_code_says_what_the_paper_must_say(site: Site) -> None:
    content = paper(site, Role.SUPPLIER, STEADY, LIVE)
    page, shown = pages(content)[0], verified(site, content)
    digest = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){3}", page)
    score = re.search(r"Score ([\d.]+) of 100", page)
    assert digest is not None
    assert score is not None
    for said in (
        "This paper was issued here", "CV Ajeg <i>Jaya</i>", STEADY, digest[0], score[0],
        "22 Nov 2026", "26 May 2026 to 21 Nov 2026", "all buyers", "2026-11-01", "B good",
    ):  # fmt: skip
        assert said in shown, said
    # The page needs no sign-in, so it shows no more than the paper: neither lines nor next steps.
    assert "PO\"'" not in shown
    assert "What to do next" not in shown
    response = site.get(address(content))
    assert "set-cookie" not in response.headers
    assert response.headers["x-robots-tag"] == "noindex, nofollow"


def test_a_code_that_was_touched_was_not_issued_here(site: Site) -> None:
    content = paper(site, Role.SUPPLIER, STEADY, LIVE)
    code = address(content).removeprefix("http://test/verify/")
    forged = Codes("not the secret").code(Codes(site.links.secret).read(code))
    for wrong in (forged, code[:-1], "A" + code[1:] if code[0] != "A" else "B" + code[1:], "x"):
        response = site.get(f"/verify/{wrong}?lang=en")
        assert response.status_code == 404
        assert "This paper was not issued here" in response.text
        assert "CV Ajeg" not in response.text


def test_a_frozen_paper_stands_until_its_day_looks_different(site: Site) -> None:
    content = paper(site, Role.SUPPLIER, STEADY, FROZEN)
    frozen = EvaluationStore(site.reader.store.clickhouse).frozen(STEADY, 12)[0]
    first, annex = pages(content)
    assert "Evaluation at a month's end, as it was frozen" in first
    assert_figures(first, frozen.scorecard["kpis"])
    assert f"{frozen.inputs.events:,} events" in first
    assert frozen.policy_version in first
    assert "nothing has changed the evaluation's figures" in annex
    assert "Yes. The evaluation stands as it was frozen" in verified(site, content)

    tell_late(site)
    restated = verified(site, content)
    assert "make the same day look different today" in restated
    for was, now in (("11 of 12", "11 of 13"), ("1,100 of 1,200", "1,100 of 1,300")):
        assert f"on the paper: {ENGLISH.percent(fraction(was))} ({was})" in restated
        assert f"today: {ENGLISH.percent(fraction(now))} ({now})" in restated
    assert "LATE-1" not in restated
    again = paper(site, Role.SUPPLIER, STEADY, FROZEN)
    assert address(again) == address(content)
    first_again, annex_again = pages(again)
    assert first_again == first
    assert "LATE-1" in annex_again
    assert "may not add up" in annex_again


def fraction(counted: str) -> Fraction:
    part, whole = (int(one.replace(",", "")) for one in counted.split(" of "))
    return Fraction(part, whole)


def tell_late(site: Site) -> None:
    """Store an order due in October that was not known when the month end was frozen."""
    story = Story()
    story.order(STEADYS_BUYER, STEADY, "LATE-1", date(2026, 10, 10))
    (record,) = story.records
    value = record.value.replace(b'"pages-0"', b'"late-0"')
    records = [record._replace(id="late-0", value=value, offset=9000)]
    Ledger(site.reader.store.clickhouse).append(records, uuid.uuid4())


@pytest.mark.skipif(
    bool(TOOLS) and os.environ.get("CI") != "true",
    reason="needs Debian's poppler-utils and zbar-tools",
)
@pytest.mark.parametrize("dots_per_inch", [100, 300])
def test_a_phone_reads_the_printed_code(site: Site, tmp_path: Path, dots_per_inch: int) -> None:
    content = paper(site, Role.SUPPLIER, STEADY, LIVE)
    file = tmp_path / "paper.pdf"
    file.write_bytes(content)
    subprocess.run(
        ["pdftoppm", "-gray", "-png", "-r", str(dots_per_inch), "-l", "1", file, tmp_path / "page"],
        check=True,
    )
    (picture,) = tmp_path.glob("page*.png")
    read = subprocess.run(["zbarimg", "-q", "--raw", picture], capture_output=True, check=True)
    assert read.stdout.decode().strip() == address(content)


@pytest.mark.parametrize("role", [Role.SUPPLIER, Role.BUYER])
def test_the_page_leads_to_its_papers(site: Site, role: Role) -> None:
    partner = STEADY if role is Role.SUPPLIER else STEADYS_BUYER
    page = ask(site, role, partner, f"/suppliers/{STEADY}?as_of={TODAY}").text
    found = re.findall(r'href="(/suppliers/[^"]*\.pdf[^"]*)"', page)
    offered = [html.unescape(address) for address in found]
    evaluations = [f"/suppliers/{STEADY}/evaluations/{day}.pdf" for day in ENDS]
    scorecard = f"/suppliers/{STEADY}/scorecard.pdf?as_of={TODAY}"
    if role is Role.SUPPLIER:
        assert offered == [scorecard, *evaluations]
    else:
        assert offered == [f"{scorecard}&buyer_id={STEADYS_BUYER}"]
    for path in offered:
        paper(site, role, partner, path)
