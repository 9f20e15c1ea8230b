"""One spelling: identifiers and the numbers of documents, lines and items, whoever typed them.

The same number comes with a blank behind it from one system and without from another, or with its
letters in other code points. Whatever takes such a text brings it to one spelling first: the
events' models, and every other way in (addresses, forms, commands) by `one_spelling`.
"""

import re
import unicodedata
from typing import Final

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Unicode calls white space. Python's `strip` takes four control characters more."""

LONGEST: Final = 64
"""Characters of an identifier or a number, once it is spelled."""

_LONGEST_AS_WRITTEN: Final = 4 * LONGEST
"""No character is written in more than four code points: what is longer is so in any spelling.
It stays as it is, because to sort thousands of accents takes minutes."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def one_spelling(text: str) -> str:
    """Return an identifier or number without white space at its ends, in Unicode NFC.

    For everything that is compared with what events say: path and query parameters, forms,
    arguments of commands. Checks nothing else, and leaves what is too long as it is.
    """
    text = text.strip(WHITE_SPACE)
    if text.isascii() or len(text) > _LONGEST_AS_WRITTEN:
        return text
    return unicodedata.normalize("NFC", text)


def identifier(text: str) -> str:
    """Return an identifier in its one spelling; ValueError where it is none.

    Called for each identifier of an event. White space at the ends may be off already.
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
    """Return the number of a document, line or item in its one spelling; ValueError if it is none.

    Called for each such number of an event, without white space at its ends.
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
