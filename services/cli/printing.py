"""Makes text from files and records safe to print: control characters are shown, not obeyed.

A cell or an event may hold any character. Printed as it is, an escape sequence could clear the
screen, change what stands above it, or write to the clipboard. Every command that prints data uses
these functions.
"""

import json
from typing import Any


def printable(text: str) -> str:
    """Return a text with each non-printable character written as an escape such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def printable_json(value: Any, indent: int | None = None) -> str:
    """Return readable JSON of the same value, with non-printable characters as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
        for letter in text
    )
