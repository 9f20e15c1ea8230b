"""Detect what software leaves in place of a code: `4,50E+09`, `#N/A`, `########`, `1-Mar`, `NULL`.

When a spreadsheet opens a file of codes and saves it again, some codes are lost: a long number is
shortened, one that looks like a date becomes a date. The remains are text like any other, and two
documents with the same remains as their number would be taken for one. `values` and `row_readings`
check a text here before they accept it as a code.
"""

import re
from datetime import date
from typing import Final

from services.formats.dates import month_named

_ERROR: Final = re.compile(
    # The error values of Excel and LibreOffice in English; in other languages they end like these.
    r"#(?:N/?A|NV|GETTING_DATA|BUSY!|[A-Z0-9/ÄÖÜÉÑÇÃ]{2,12}[!?])|Err:[0-9]{3}",
    re.IGNORECASE,
)
_HASHES: Final = re.compile(r"#{2,}")
_SHORTENED: Final = re.compile(
    # "12E3" may well be a code; software writes a sign or a decimal.
    r"[+-]?[0-9]+(?:[.,][0-9]+)?E[+-][0-9]+|[+-]?[0-9]+[.,][0-9]+E[0-9]+",
    re.IGNORECASE,
)
_WITH_ZEROS: Final = re.compile(r"[0-9]+[.,]0+")
# By ="00123" and '00123 an export keeps a spreadsheet from turning a text into a number.
_MARKED: Final = re.compile(r"=.+|'[0-9=+@-].*", re.DOTALL)
_NOTHING: Final = re.compile(r"(?i:null|\(null\)|<null>)|NaN|nan|NaT|<NA>|None|undefined")
_CLOCK: Final = r"(?:[T ][0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2}(?:\.[0-9]+)?)?(?: ?[AP]M)?)?"
_DAY_FIRST: Final = re.compile(
    r"(?P<one>[0-9]{1,2})(?:(?P<mark>[-/.])(?P<other>[0-9]{1,2})(?P=mark)[0-9]{4}"
    rf"|/(?P<short>[0-9]{{1,2}})/[0-9]{{2}}){_CLOCK}",
    re.IGNORECASE,
)
_YEAR_FIRST: Final = re.compile(
    rf"[0-9]{{4}}(?P<mark>[-/.])(?P<one>[0-9]{{1,2}})(?P=mark)(?P<other>[0-9]{{1,2}}){_CLOCK}",
    re.IGNORECASE,
)
_DAY_AND_NAME: Final = re.compile(
    rf"(?P<day>[0-9]{{1,2}})[-/. ](?P<name>[A-Za-z]+)\.?(?:[-/. ](?:[0-9]{{2}}){{1,2}})?{_CLOCK}",
    re.IGNORECASE,
)
_NAME_AND_YEAR: Final = re.compile(r"(?P<name>[A-Za-z]+)\.?[-/. ](?:[0-9]{2}){1,2}")

_AGAIN: Final = (
    "export it again with the column as text, or set literal = true for the column if its codes "
    "really look like this"
)

_SAID: Final = (
    (_ERROR, f"is a spreadsheet's error value, not a code; {_AGAIN}"),
    (_HASHES, f"is what a spreadsheet shows where a column is too narrow; {_AGAIN}"),
    (
        _SHORTENED,
        f"looks like a number that a spreadsheet shortened: its digits are lost; {_AGAIN}",
    ),
    (_MARKED, f"is a formula, or a text that was marked for a spreadsheet, not a code; {_AGAIN}"),
    (
        _NOTHING,
        "is how a database or a program writes that nothing is there; add it to 'no_value', or set "
        "literal = true for the column if its codes really look like this",
    ),
    (_WITH_ZEROS, f"looks like a code that a spreadsheet turned into a number; {_AGAIN}"),
)


def debris_in(text: str) -> str | None:
    """Return what software made of a code, and what to do about it; None if it looks like a code.

    `text`: the cell without spaces around it.
    """
    for pattern, message in _SAID:
        if pattern.fullmatch(text):
            return message
    if _is_date(text):
        return f"looks like a code that a spreadsheet turned into a date; {_AGAIN}"
    return None


def _is_date(text: str) -> bool:
    numbers = _YEAR_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    if numbers is not None:
        found = numbers.groupdict()
        one, other = int(found["one"]), int(found["other"] or found.get("short") or 0)
        return _is_day(one, other) or _is_day(other, one)
    named = _DAY_AND_NAME.fullmatch(text)
    if named is not None:
        return _is_day(int(named["day"]), month_named(named["name"]) or 0)
    named = _NAME_AND_YEAR.fullmatch(text)
    return named is not None and month_named(named["name"]) is not None


def _is_day(day: int, month: int) -> bool:
    try:
        date(2024, month, day)  # A leap year, in which 29-Feb is a date.
    except ValueError:
        return False
    return True
