"""Draws a paper as PDF: A4, one page and an annex of order lines.

Nothing depends on colour, so that it can be printed and copied in black. The same paper gives the
same bytes: the file contains no time stamp and no random id.
"""

from collections.abc import Sequence
from io import BytesIO
from threading import Lock
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Frame, KeepInFrame, Paragraph, Spacer, Table, TableStyle

from services.web.paper.annex import draw_annex, pages_of
from services.web.paper.fonts import BOLD, PLAIN, cut, drawable, register
from services.web.paper.measures import (
    HEIGHT,
    INNER,
    LINE,
    MARGIN,
    QUIET,
    SHADE,
    WIDTH,
)
from services.web.paper.paper_words import FigureRow, Paper, PillarBar

_QR: Final = 35 * mm
_LETTER: Final = 25 * mm
_LOCK: Final = Lock()
"""The drawing library has global state, so papers are drawn one after the other."""


def _style(name: str, size: float, font: str = PLAIN, **more: Any) -> ParagraphStyle:
    leading = more.pop("leading", size * 1.32)
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, **more)


_TEXT: Final = _style("text", 8.6)
_SMALL: Final = _style("small", 7.4, textColor=QUIET)
_NAME: Final = _style("name", 19, BOLD, leading=22.5)
_HEADING: Final = _style("heading", 10.5, BOLD, spaceBefore=7, spaceAfter=2.5)
_WORD: Final = _style("word", 15, BOLD)
_CELL: Final = _style("cell", 8, leading=10)
_CELL_BOLD: Final = _style("cell-bold", 8, BOLD, leading=10)
_RIGHT: Final = _style("right", 8, leading=10, alignment=2)
_HEAD: Final = _style("head", 7.2, textColor=QUIET, leading=9)
_HEAD_RIGHT: Final = _style("head-right", 7.2, textColor=QUIET, leading=9, alignment=2)


def pdf(paper: Paper) -> bytes:
    """Return a paper as PDF."""
    with _LOCK:
        register()
        return _drawn(paper)


def _drawn(paper: Paper) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, lang=paper.language, pageCompression=1)
    canvas.setTitle(f"{drawable(paper.title)}: {drawable(paper.name)}")
    canvas.setAuthor("Rantai")
    canvas.setSubject(drawable("; ".join(f"{name}: {value}" for name, value in paper.facts)))
    canvas.setViewerPreference("DisplayDocTitle", "true")
    pages = 1 + pages_of(paper.annex)
    _title_strip(canvas, paper)
    _footer(canvas, paper, 1, pages)
    frame = Frame(
        MARGIN, MARGIN + 4 * mm, INNER, HEIGHT - 2 * MARGIN - 10 * mm,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    # However long names and texts are, they are shrunk to fit on one page.
    story = KeepInFrame(INNER, frame.height, _first_page(paper), mode="shrink")
    frame.addFromList([story], canvas)
    canvas.showPage()
    for number in draw_annex(canvas, paper):
        _footer(canvas, paper, number, pages)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _title_strip(canvas: Canvas, paper: Paper) -> None:
    top = HEIGHT - MARGIN
    canvas.setFont(BOLD, 9)
    canvas.drawString(MARGIN, top, "RANTAI")
    canvas.setFont(PLAIN, 9)
    canvas.drawRightString(WIDTH - MARGIN, top, drawable(paper.title))
    canvas.setLineWidth(1.4)
    canvas.line(MARGIN, top - 2.2 * mm, WIDTH - MARGIN, top - 2.2 * mm)


def _footer(canvas: Canvas, paper: Paper, number: int, pages: int) -> None:
    canvas.setFont(PLAIN, 7.4)
    canvas.setFillColor(QUIET)
    left = " · ".join([paper.name, paper.facts[0][1], paper.origin[-1][1]])
    canvas.drawString(MARGIN, MARGIN - 3 * mm, cut(drawable(left), PLAIN, 7.4, INNER * 0.8))
    shown = paper.page_of % {"page": number, "pages": pages}
    canvas.drawRightString(WIDTH - MARGIN, MARGIN - 3 * mm, drawable(shown))
    canvas.setFillColor(black)


def _first_page(paper: Paper) -> list[Flowable]:
    return [
        _name_and_code(paper),
        Spacer(1, 3 * mm),
        _grade_and_score(paper),
        *(_paragraph(f"• {sentence}", _TEXT) for sentence in paper.grade.sentences),
        _paragraph(paper.figures_heading, _HEADING),
        _figures(paper),
        Spacer(1, 2 * mm),
        _counts(paper.counts),
        *([_paragraph(f"* {paper.caution}", _SMALL)] if paper.caution else []),
        *_steps(paper),
        *_stages(paper),
        Spacer(1, 3 * mm),
        _origin(paper.origin),
    ]


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(drawable(text)), style)


def _name_and_code(paper: Paper) -> Table:
    """Return the supplier and what the paper covers, with the QR code beside them."""
    facts = [
        [_paragraph(name, _SMALL), _paragraph(value, _CELL_BOLD)] for name, value in paper.facts
    ]
    wide = INNER - _QR - 6 * mm
    left = [
        _paragraph(paper.name, _NAME),
        _paragraph(paper.place, _SMALL),
        Spacer(1, 1.6 * mm),
        Table(facts, [34 * mm, wide - 34 * mm], style=_tight(), hAlign="LEFT"),
        Spacer(1, 1.4 * mm),
        _paragraph(paper.verify_heading, _CELL_BOLD),
        _paragraph(paper.verify_text, _SMALL),
    ]
    # Shrunk if necessary: a long name must not move the code.
    kept = KeepInFrame(wide, _QR, left, mode="shrink")
    return Table(
        [[kept, _Code(paper.verify_address)]],
        [INNER - _QR, _QR],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ]
        ),
    )


class _Code(Flowable):  # type: ignore[misc]
    """A QR code of an address, which is also a link for readers on a screen."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.width = self.height = _QR
        self._address = address

    def draw(self) -> None:
        """Draw it without a border: the white page around it is wide enough for scanners."""
        widget = QrCodeWidget(self._address, barLevel="M", barWidth=_QR, barHeight=_QR, barBorder=0)
        drawing = Drawing(_QR, _QR)
        drawing.add(widget)
        renderPDF.draw(drawing, self.canv, 0, 0)
        self.canv.linkURL(self._address, (0, 0, _QR, _QR), relative=1)


def _grade_and_score(paper: Paper) -> Table:
    """Return the grade in a frame, the score, and the pillars as bars."""
    grade = paper.grade
    middle: list[Flowable] = [
        _paragraph(paper.grade_heading, _SMALL),
        _paragraph(grade.word, _WORD),
        Spacer(1, 1.5 * mm),
    ]
    if grade.score is not None:
        score = escape(drawable(grade.score))
        label, rest = (escape(drawable(one)) for one in (grade.score_label, paper.out_of))
        middle.append(
            Paragraph(f'{label} <font name="{BOLD}" size="13">{score}</font> {rest}', _TEXT)
        )
    return Table(
        [[_Letter(grade.letter), middle, _Bars(paper.pillars)]],
        [_LETTER + 6 * mm, 62 * mm, INNER - _LETTER - 68 * mm],
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        ),
    )


class _Letter(Flowable):  # type: ignore[misc]
    """The grade in a frame; a dash if there is none."""

    def __init__(self, letter: str | None) -> None:
        super().__init__()
        self.width = self.height = _LETTER
        self._letter = letter

    def draw(self) -> None:
        """Draw it."""
        self.canv.setLineWidth(2.2)
        self.canv.roundRect(1.1, 1.1, _LETTER - 2.2, _LETTER - 2.2, 5)
        self.canv.setFont(BOLD, 50 if self._letter else 30)
        base = 18 if self._letter else 26
        self.canv.drawCentredString(_LETTER / 2, base, self._letter or "–")


class _Bars(Flowable):  # type: ignore[misc]
    """The pillars of the score, a bar each, whose length needs no colour to be read."""

    _STEP: Final = 8 * mm

    def __init__(self, pillars: Sequence[PillarBar]) -> None:
        super().__init__()
        self._pillars = pillars
        self.width, self.height = INNER - _LETTER - 68 * mm, len(pillars) * self._STEP

    def draw(self) -> None:
        """Draw them, the first on top."""
        for place, one in enumerate(self._pillars):
            bottom = self.height - (place + 1) * self._STEP
            self.canv.setFont(PLAIN, 8)
            self.canv.drawString(0, bottom + 4.4 * mm, drawable(one.name))
            self.canv.setFont(BOLD, 8)
            self.canv.drawRightString(self.width, bottom + 4.4 * mm, drawable(one.points))
            self.canv.setLineWidth(0.6)
            self.canv.setFillColor(white)
            self.canv.rect(0, bottom + 1 * mm, self.width, 2.2 * mm, fill=1)
            self.canv.setFillColor(black)
            if one.filled:
                self.canv.rect(0, bottom + 1 * mm, self.width * one.filled, 2.2 * mm, fill=1)


def _figures(paper: Paper) -> Table:
    name, value, counted, interval = paper.figure_columns
    head = [
        _paragraph(name, _HEAD),
        _paragraph(value, _HEAD_RIGHT),
        _paragraph(counted, _HEAD_RIGHT),
        _paragraph(interval, _HEAD_RIGHT),
    ]
    rows = [head, *(_figure(one) for one in paper.figures)]
    widths = [INNER * share for share in (0.33, 0.17, 0.30, 0.20)]
    style = [
        *_tight_commands(),
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
    ]
    return Table(rows, widths, style=TableStyle(style), repeatRows=1)


def _figure(one: FigureRow) -> list[Paragraph]:
    value = Paragraph(f"<b>{escape(drawable(one.value))}</b>", _RIGHT)
    return [
        _paragraph(one.name, _CELL),
        value,
        _paragraph(one.counted, _RIGHT),
        _paragraph(one.interval, _RIGHT),
    ]


def _counts(counts: Sequence[tuple[str, str]]) -> Table:
    """Return the figures that are single numbers, in two columns."""
    half = -(-len(counts) // 2)
    left, right = counts[:half], counts[half:]
    rows = [
        [
            *_pair(one),
            _paragraph("", _CELL),
            *(_pair(right[place]) if place < len(right) else ["", ""]),
        ]
        for place, one in enumerate(left)
    ]
    gap = 8 * mm
    column = (INNER - gap) / 2
    style = [
        *_tight_commands(),
        ("FONTSIZE", (0, 0), (-1, -1), 1),
        ("LINEBELOW", (0, 0), (1, -1), 0.3, LINE),
        ("LINEBELOW", (3, 0), (4, len(right) - 1), 0.3, LINE),
    ]
    widths = [column * 0.7, column * 0.3, gap, column * 0.7, column * 0.3]
    return Table(rows, widths, style=TableStyle(style))


def _pair(pair: tuple[str, str]) -> list[Paragraph]:
    return [_paragraph(pair[0], _CELL), Paragraph(f"<b>{escape(drawable(pair[1]))}</b>", _RIGHT)]


def _steps(paper: Paper) -> list[Flowable]:
    found: list[Flowable] = [_paragraph(paper.steps_heading, _HEADING)]
    if not paper.steps:
        return [*found, _paragraph(paper.no_steps, _TEXT)]
    for number, step in enumerate(paper.steps, start=1):
        what, gain = (escape(drawable(one)) for one in (step.what, step.gain))
        found.append(Paragraph(f"{number}. {what} <b>{gain}</b>", _TEXT))
        if step.cases:
            found.append(_paragraph("; ".join(case.what for case in step.cases), _CASES))
    return found


_CASES: Final = _style("cases", 7.4, textColor=QUIET, leftIndent=10)


def _stages(paper: Paper) -> list[Flowable]:
    found: list[Flowable] = [_paragraph(paper.stages_heading, _HEADING)]
    if not paper.stages:
        return [*found, _paragraph(paper.no_stages, _TEXT)]
    for one in paper.stages:
        value, by = (escape(drawable(text)) for text in (one.value, one.assessor))
        said = f"<b>{value}</b> · {by}: {escape(drawable(one.sentence))}"
        if one.limits:
            limits = paper.limited % {"limits": one.limits}
            said += f" {escape(drawable(limits))}"
        found.append(Paragraph(said, _TEXT))
    if paper.more_stages:
        found.append(_paragraph(paper.more_stages, _SMALL))
    return found


def _origin(origin: Sequence[tuple[str, str]]) -> Table:
    """Return by which policy and from which data the paper was made, in a shaded band."""
    rows = [
        [_paragraph(name, _HEAD) for name, _ in origin],
        [_paragraph(text, _CELL) for _, text in origin],
    ]
    widths = [INNER * share for share in (0.12, 0.46, 0.23, 0.19)]
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), SHADE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, 0), 4),
        ("TOPPADDING", (0, 1), (-1, 1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, 0), 1),
        ("BOTTOMPADDING", (0, 1), (-1, 1), 5),
        ("LEFTPADDING", (0, 0), (-1, -1), 5),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
    return Table(rows, widths, style=TableStyle(style))


def _tight_commands() -> list[Any]:
    return [
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
    ]


def _tight() -> TableStyle:
    return TableStyle(_tight_commands())
