"""The letters of papers: Open Sans, put into every document, and what stands for a missing letter.

It has all letters of Latin-1 and Latin Extended-A, Vietnamese, Greek and Cyrillic. It has none of
Arabic, Javanese, Thai, Chinese, Japanese, Korean or emoji: each of their letters becomes a mark.
"""

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN: Final = "OpenSans"
BOLD: Final = "OpenSans-Bold"
_FILES: Final = {PLAIN: "OpenSans-Regular.ttf", BOLD: "OpenSans-Bold.ttf"}
_MISSING: Final = "?"


@cache
def register() -> None:
    """Make the letters known to the drawing library, once in a process."""
    folder = files("ttf_opensans") / "ttf"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def drawable(text: str) -> str:
    """Return a text of letters that can be drawn; any text is taken."""
    return "".join(_letter(letter) for letter in unicodedata.normalize("NFC", text))


def width(text: str, font: str, size: float) -> float:
    """Return how wide a text is, in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def cut(text: str, font: str, size: float, most: float) -> str:
    """Return a text that is no wider than `most` points: what is too much becomes an ellipsis."""
    if width(text, font, size) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle] + "…", font, size) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


@cache
def _letter(letter: str) -> str:
    known, kind = _known(), unicodedata.category(letter)
    if letter in "\t\r\n":
        return " "
    if kind in ("Cc", "Cf"):
        # Nothing to see, and some turn the order of what follows.
        return ""
    if ord(letter) in known:
        return letter
    if kind.startswith("Z"):
        return " "
    if kind == "Mn":
        return ""
    # A full-width A is an A, a ligature its letters.
    plain = unicodedata.normalize("NFKC", letter)
    return plain if all(ord(one) in known for one in plain) else _MISSING


@cache
def _known() -> frozenset[int]:
    register()
    return frozenset.intersection(
        *(frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in _FILES)
    )
