"""The font of papers: Open Sans, embedded in every PDF, and replacements for missing characters.

It has all letters of Latin-1 and Latin Extended-A, Vietnamese, Greek and Cyrillic. It has none of
Arabic, Javanese, Thai, Chinese, Japanese, Korean or emoji: each of these becomes a question mark.
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
    """Register the fonts with the drawing library, once in a process."""
    folder = files("ttf_opensans") / "ttf"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def drawable(text: str) -> str:
    """Return a text with all characters replaced that the font lacks; any text is accepted."""
    return "".join(_replaced(letter) for letter in unicodedata.normalize("NFC", text))


def width(text: str, font: str, size: float) -> float:
    """Return the width of a text, in points."""
    return float(pdfmetrics.stringWidth(text, font, size))


def cut(text: str, font: str, size: float, most: float) -> str:
    """Return a text cut to at most `most` points: an ellipsis replaces what is cut off."""
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
def _replaced(letter: str) -> str:
    known, kind = _known(), unicodedata.category(letter)
    if letter in "\t\r\n":
        return " "
    if kind in ("Cc", "Cf"):
        # Invisible characters, some of which would reverse the direction of the text after them.
        return ""
    if ord(letter) in known:
        return letter
    if kind.startswith("Z"):
        return " "
    if kind == "Mn":
        return ""
    # NFKC turns a full-width A into an A, and a ligature into its letters.
    plain = unicodedata.normalize("NFKC", letter)
    return plain if all(ord(one) in known for one in plain) else _MISSING


@cache
def _known() -> frozenset[int]:
    register()
    return frozenset.intersection(
        *(frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in _FILES)
    )
