"""Bring identifiers and the numbers of documents, lines and items to one spelling.

The same number comes from one system with a trailing blank and from another without, or with its
letters in other code points. Every way in brings such a text to one spelling first: the models of
events do, and addresses, forms and commands use `one_spelling`.
"""

import re
import unicodedata
from typing import Final

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Unicode calls white space. Python's `strip` also removes four control characters."""

LONGEST: Final = 64
"""The most characters of an identifier or number, in its one spelling."""

_LONGEST_AS_WRITTEN: Final = 4 * LONGEST
"""No character takes more than four code points, so a longer text is too long in any spelling.
It is left as it is, because NFC takes minutes to sort thousands of combining accents."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def one_spelling(text: str) -> str:
    """Return an identifier or number without white space at its ends, in Unicode NFC.

    For everything that is compared with the content of events: path and query parameters, forms,
    arguments of commands. Checks nothing, and does not normalise a text that is too long.
    """
    text = text.strip(WHITE_SPACE)
    if text.isascii() or len(text) > _LONGEST_AS_WRITTEN:
        return text
    return unicodedata.normalize("NFC", text)


def identifier(text: str) -> str:
    """Return an identifier in its one spelling.

    Called for each identifier of an event; white space at the ends may have been stripped before.
    Raises ValueError if the text is not an identifier.
    """
    if _IDENTIFIER.fullmatch(text):
        return text
    text = one_spelling(text)
    if _IDENTIFIER.fullmatch(text):
        return text
    if not text:
        raise ValueError("must not be empty; white space at its ends does not count")
    raise ValueError("must have 1 to 64 characters, of A-Z a-z 0-9 . _ - only")


def number(text: str) -> str:
    """Return the number of a document, line or item in its one spelling.

    Called for each such number of an event, with white space at the ends already stripped.
    Raises ValueError if the text is not such a number.
    """
    if text.isascii() and text.isprintable() and 0 < len(text) <= LONGEST:
        return text
    text = one_spelling(text)
    if not text:
        raise ValueError("must not be empty; white space at its ends does not count")
    if len(text) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    if not text.isprintable():
        place, character = next(
            (place, one) for place, one in enumerate(text) if not one.isprintable()
        )
        raise ValueError(
            f"must have printable characters only; character {place + 1} is "
            f"U+{ord(character):04X} ({_name(character)})"
        )
    return text


def _name(character: str) -> str:
    name = unicodedata.name(character, "")
    if name:
        return name.lower()
    return "a control character" if unicodedata.category(character) == "Cc" else "no letter or sign"
