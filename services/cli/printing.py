"""Text of files and records on its way to a terminal: what a terminal would obey is shown instead.

A cell or an event may hold any character. Sent as it is, an escape sequence would clear the screen,
change what stands above it, or write to the clipboard. Every command that prints data asks here.
"""

import json
from typing import Any


def printable(text: str) -> str:
    """Return a text with each character that is not to be seen written as an escape: `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def printable_json(value: Any, indent: int | None = None) -> str:
    """Return JSON that a person can read and a terminal does not obey; it says the same."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
        for letter in text
    )
