"""The page that verifies a paper: whether it was issued here, and what it must say.

Anybody who holds a paper may open it without signing in, so it discloses nothing that the paper
does not show.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.scorecards.scorecard_api import run_query
from services.text import standing_words
from services.text.language import Language
from services.web import kpi_words
from services.web.paper import paper_pages, paper_words
from services.web.paper.issued import Codes, Issued, NotIssued, digest_of
from services.web.rendering import html
from services.web.site import Site, frame_without_visitor, guarded, language_of


def routes(site: Site) -> APIRouter:
    """Return the route to which the QR code of a paper leads."""
    router = APIRouter(include_in_schema=False)
    codes = Codes(site.links.secret)

    @router.get("/verify/{code}")
    async def verify(request: Request, code: str) -> Response:
        """Show what the paper with this code must say, or that it was not issued here."""
        return await guarded(request, lambda: _page(site, codes, request, code))

    return router


async def _page(site: Site, codes: Codes, request: Request, code: str) -> Response:
    language = language_of(request)
    frame = frame_without_visitor(request, language)
    try:
        issued = codes.read(code)
    except NotIssued:
        return html(language, "verify.html", {**frame, "issued": None}, 404)
    reader = site.reader
    supplier = await run_query(lambda: reader.supplier(issued.supplier_id))
    buyers = [issued.buyer_id] if issued.buyer_id else []
    names = await run_query(lambda: reader.names(buyers)) if buyers else {}
    since = await run_query(lambda: _since(site, issued)) if issued.frozen else {}
    context = {
        "issued": issued,
        "title": paper_words.title(language, frozen=issued.frozen),
        "supplier": supplier,
        "facts": paper_words.facts(language, issued, names),
        "letter": issued.letter,
        "word": _word(language, issued.letter, insufficient=issued.insufficient),
        "score": None if issued.score is None else standing_words.points(language, issued.score),
        "origin": paper_words.origin(language, issued, reader.policy),
        "since": since,
        "changed": _changed(language, since.get("restated")),
    }
    return html(language, "verify.html", {**frame, **context})


def _since(site: Site, issued: Issued) -> dict[str, Any]:
    """Return what became of a frozen evaluation since the paper was issued.

    `kept`: it is stored as on the paper; `restated`: how it would differ today, None if not at all.
    """
    reader = site.reader
    found = paper_pages.frozen_at(reader, site.evaluations, issued.supplier_id, issued.as_of)
    if found is None or digest_of(found.scorecard) != issued.digest:
        return {"kept": False, "restated": None}
    return {"kept": True, "restated": paper_pages.restated_today(reader, issued.supplier_id, found)}


def _changed(language: Language, restated: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return what would differ today, in words: `what`, `then` (on the paper) and `now`."""
    if restated is None:
        return []
    found = []
    for part, say in (("grade", _grade), ("score", _score)):
        if part in restated:
            then, now = (say(language, restated[part][when]) for when in ("frozen", "now"))
            name = language.text("Grade") if part == "grade" else language.text("Score")
            if then != now:
                found.append({"what": name, "then": then, "now": now})
    for key, pair in restated["kpis"].items():
        then, now = (_figure(language, key, pair[when]) for when in ("frozen", "now"))
        if then != now:
            found.append({"what": kpi_words.title(language, key), "then": then, "now": now})
    if "stage" in restated:
        then, now = (_stages(language, restated["stage"][when]) for when in ("frozen", "now"))
        if then != now:
            found.append({"what": language.text("Independence"), "then": then, "now": now})
    return found


def _grade(language: Language, shown: Mapping[str, Any]) -> str:
    letter = None if shown["insufficient"] else shown["published"]
    word = _word(language, letter, insufficient=shown["insufficient"])
    return word if letter is None else f"{letter}, {word}"


def _word(language: Language, letter: str | None, *, insufficient: bool) -> str:
    if letter is not None:
        return language.text(standing_words.LETTER_WORDS[letter])
    without = standing_words.TOO_LITTLE if insufficient else standing_words.NOT_YET
    return language.text(without)


def _score(language: Language, shown: Mapping[str, Any]) -> str:
    if shown["value"] is None:
        return "–"
    said = standing_words.points(language, Fraction(shown["value"]))
    if shown["provisional"]:
        return language.text("%(score)s (provisional)", score=said)
    return said


def _figure(language: Language, key: str, shown: Mapping[str, Any] | None) -> str:
    if shown is None:
        return "–"
    value = kpi_words.value(language, key, shown)
    counted = kpi_words.counted(language, shown)
    return f"{value} ({counted})" if counted else value


def _stages(language: Language, shown: list[Mapping[str, Any]]) -> str:
    stages = standing_words.stages(language, {"stage": shown})
    return "; ".join(f"{one.value}, {one.assessor}" for one in stages) or "–"
