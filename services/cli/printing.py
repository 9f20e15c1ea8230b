"""Makes text from files and records safe to print: control characters are shown, not obeyed.

A cell or an event may hold any character. Printed as it is, an escape sequence could clear the
screen, change what stands above it, or write to the clipboard; a text such as `[/x]` in a table
would be taken for rich's markup. Every command that prints data uses these functions.
"""

import json
from typing import Any

from rich.text import Text


def printable(text: str) -> str:
    """Return a text with each non-printable character written as an escape such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def cell(*lines: object) -> Text:
    """Return a table's cell or title that shows each of these values on a line, as it is."""
    return Text("\n".join(printable(str(line)) for line in lines))


def printable_json(value: Any, indent: int | None = None) -> str:
    """Return readable JSON of the same value, with non-printable characters as JSON escapes."""
    return escaped_json(json.dumps(value, ensure_ascii=False, indent=indent))


def escaped_json(text: str) -> str:
    """Return a JSON text with its non-printable characters as JSON escapes."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]
        for letter in text
    )
