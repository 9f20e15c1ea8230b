"""Draws the annex of a paper: its order lines, on as many pages as needed, each with a heading.

Rows are drawn directly on the canvas: a table that lays out every cell as a paragraph takes seconds
for a few hundred lines.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from reportlab.lib.colors import black
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from services.web.paper.fonts import BOLD, PLAIN, cut, drawable
from services.web.paper.measures import HEIGHT, INNER, LINE, MARGIN, QUIET, WIDTH
from services.web.paper.paper_words import Annex, LineRow, Paper

_SIZE: Final = 7.6
_SMALL: Final = 6.8
_ROW: Final = 8.2 * mm
_GAP: Final = 3.5 * mm
_INTRO: Final = HEIGHT - MARGIN - 13 * mm
_INTRO_LINE: Final = 3.4 * mm
_SHARES: Final = (0.22, 0.17, 0.14, 0.125, 0.125, 0.22)
_RIGHT: Final = (False, False, True, True, True, False)


def pages_of(annex: Annex) -> int:
    """Return the number of pages of an annex; without lines it is one page that says so."""
    return max(1, -(-len(annex.rows) // _rows(annex)))


def _top(annex: Annex) -> float:
    """Return the top of the first row, under the heading, the intro and the column titles."""
    return float(_INTRO - len(_intro(annex)) * _INTRO_LINE - 6 * mm)


def _rows(annex: Annex) -> int:
    return int((_top(annex) - MARGIN - 3 * mm) / _ROW)


def _intro(annex: Annex) -> list[str]:
    return _wrapped(annex.intro, INNER, 4)


def draw_annex(canvas: Canvas, paper: Paper) -> Iterator[int]:
    """Draw the pages of an annex, and yield the number of each, from 2 on, once it is drawn.

    The caller then draws the footer and ends the page.
    """
    annex = paper.annex
    top, most = _top(annex), _rows(annex)
    for page in range(pages_of(annex)):
        _heading(canvas, paper)
        rows = annex.rows[page * most : (page + 1) * most]
        if rows:
            _columns(canvas, annex.columns, top)
        else:
            canvas.setFont(PLAIN, 9)
            canvas.drawString(MARGIN, top, drawable(annex.nothing))
        for place, row in enumerate(rows):
            _row(canvas, row, top - place * _ROW)
        yield page + 2


def _heading(canvas: Canvas, paper: Paper) -> None:
    top = HEIGHT - MARGIN
    canvas.setFillColor(black)
    canvas.setFont(BOLD, 9)
    canvas.drawString(MARGIN, top, "RANTAI")
    canvas.setFont(PLAIN, 9)
    canvas.drawRightString(WIDTH - MARGIN, top, cut(drawable(paper.name), PLAIN, 9, INNER * 0.75))
    canvas.setLineWidth(1.4)
    canvas.line(MARGIN, top - 2.2 * mm, WIDTH - MARGIN, top - 2.2 * mm)
    canvas.setFont(BOLD, 12)
    canvas.drawString(MARGIN, top - 8.5 * mm, drawable(paper.annex.heading))
    canvas.setFillColor(QUIET)
    canvas.setFont(PLAIN, _SIZE)
    for number, line in enumerate(_intro(paper.annex)):
        canvas.drawString(MARGIN, _INTRO - number * _INTRO_LINE, line)
    canvas.setFillColor(black)


def _columns(canvas: Canvas, columns: Sequence[str], top: float) -> None:
    base = top + 1.6 * mm
    canvas.setFillColor(QUIET)
    for text, (left, right, wide) in zip(columns, _column_places(), strict=True):
        _put(canvas, text, (left, wide) if not right else (left, -wide), base, PLAIN, 7.2)
    canvas.setFillColor(black)
    canvas.setLineWidth(0.9)
    canvas.line(MARGIN, top, WIDTH - MARGIN, top)


def _column_places() -> list[tuple[float, bool, float]]:
    """Return for each column: its left edge, whether it is right-aligned, its width."""
    found, left = [], MARGIN
    for share, right in zip(_SHARES, _RIGHT, strict=True):
        found.append((left, right, INNER * share - _GAP))
        left += INNER * share
    return found


def _row(canvas: Canvas, row: LineRow, top: float) -> None:
    first, second = top - 3.4 * mm, top - 6.6 * mm
    order, item, ordered, due, received, verdict = (
        (left, -wide if right else wide) for left, right, wide in _column_places()
    )
    _put(canvas, row.order, order, first, BOLD, _SIZE)
    _put(canvas, row.item, item, first, PLAIN, _SIZE)
    _put(canvas, row.ordered, ordered, first, PLAIN, _SIZE)
    _put(canvas, row.due, due, first, PLAIN, _SIZE)
    _put(canvas, row.received, received, first, PLAIN, _SIZE)
    font = BOLD if row.missed else PLAIN
    for base, text in zip(
        (first, second), _wrapped(row.verdict, verdict[1], 2, font), strict=False
    ):
        _put(canvas, text, verdict, base, font, _SIZE)
    canvas.setFillColor(QUIET)
    _put(canvas, row.line, (order[0], order[1] + item[1]), second, PLAIN, _SMALL)
    _put(canvas, row.last, received, second, PLAIN, _SMALL)
    canvas.setFillColor(black)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.3)
    canvas.line(MARGIN, top - _ROW, WIDTH - MARGIN, top - _ROW)
    canvas.setStrokeColor(black)


def _put(  # noqa: PLR0913, PLR0917 - all that drawing a text needs
    canvas: Canvas, text: str, place: tuple[float, float], base: float, font: str, size: float
) -> None:
    """Draw a text in a column. `place`: left edge and width; a negative width right-aligns it."""
    left, wide = place
    if not text:
        return
    canvas.setFont(font, size)
    shown = cut(drawable(text), font, size, abs(wide))
    if wide < 0:
        canvas.drawRightString(left - wide, base, shown)
    else:
        canvas.drawString(left, base, shown)


def _wrapped(text: str, wide: float, most: int, font: str = PLAIN) -> list[str]:
    """Return a text wrapped into at most `most` lines; what exceeds the last one is cut off."""
    lines = simpleSplit(drawable(text), font, _SIZE, wide)
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), font, _SIZE, wide)]
