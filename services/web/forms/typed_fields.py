"""Reads form fields as people type them. Pure.

A reader takes the text of a field and returns its value, or raises Unreadable, which tells what to
do. Readers accept several notations; a text that can be read in two ways is refused, not guessed.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Final, TypeVar

from schemas.fields import plain
from schemas.spelling import one_spelling
from services.text.language import Language, mark
from services.web.page_query import Unreadable

MOST_TEXT: Final = 2000
"""Most characters of a reason or note: more belongs in a document that `evidence` can link to."""

MOST_NUMBER: Final = 64
MOST_ITEMS: Final = 200
_MOST_DIGITS: Final = 12
_MOST_DECIMALS: Final = 6

_ISO_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_WRITTEN_DAY: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.][0-9]{2})?")
_BLANKS: Final = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " "))
_GROUPED: Final = (
    re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]+)?"),
    re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}"),
    re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){2,}"),
    re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"),
    re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+"),
)
"""Numbers whose groups of thousands can't be taken for decimals: 1 500, 1.234.567, 1.234,5."""

_TWO_READINGS: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_SIMPLE: Final = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
_ADDRESS: Final = re.compile(r"https?://[^\s]{1,2000}")

REQUIRED: Final = mark("Fill this in.")
_QUANTITY: Final = mark("Write a number such as 1500 or 12,5, without a unit.")
_EITHER: Final = mark(
    "%(typed)s can be read in two ways. Write thousands without a point (1500), "
    "or decimals that are not three digits (1,5)."
)
_TOO_FINE: Final = mark("A number has at most 12 digits before the comma and 6 after it.")
_NO_DAY: Final = mark("Write a day such as 2026-11-25 or 25/11/2026.")
_LONG: Final = mark("This is too long: at most %(most)s characters.")
_CONTROL: Final = mark("Write this on one line, with ordinary letters, digits and signs.")

Value = TypeVar("Value")
Read = Callable[[str], Value]


@dataclass(slots=True)
class Typed:
    """A form as typed. `faults`: what is wrong, by field; "" stands for the form as a whole."""

    fields: Mapping[str, str]
    faults: dict[str, Unreadable] = field(default_factory=dict)

    def take(self, name: str, read: Read[Value]) -> Value | None:
        """Return the value of a field; if it can't be read, note the fault and return None."""
        try:
            return read(self.fields.get(name, ""))
        except Unreadable as error:
            self.faults.setdefault(name, error)
            return None

    def fault(self, name: str, message: str, **values: str | int | date) -> None:
        """Note what is wrong with a field; only the first fault of a field is kept."""
        self.faults.setdefault(name, Unreadable(message, **values))

    def said(self, language: Language) -> dict[str, str]:
        """Return the faults in words, by field."""
        return {name: fault.said(language) for name, fault in self.faults.items()}


def optional(read: Read[Value]) -> Read[Value | None]:
    """Return a reader that returns None for an empty field, else what `read` returns."""
    return lambda text: read(text) if text else None


def day(first: date, last: date) -> Read[date]:
    """Return a reader of a day from `first` to `last`, as browsers send it or people write it."""

    def read(text: str) -> date:
        found = _day(text)
        if not first <= found <= last:
            raise Unreadable(
                mark("This day must be between %(first)s and %(last)s."), first=first, last=last
            )
        return found

    return read


def _day(text: str) -> date:
    if not text:
        raise Unreadable(REQUIRED)
    iso, written = _ISO_DAY.fullmatch(text), _WRITTEN_DAY.fullmatch(text)
    try:
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if written is not None:
            return date(int(written[3]), int(written[2]), int(written[1]))
    except ValueError:
        raise Unreadable(mark("This day is not in the calendar.")) from None
    raise Unreadable(_NO_DAY)


def clock(text: str) -> time:
    """Read a time of day, such as 14:30 or 14.30."""
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise Unreadable(mark("Write a time such as 14:30."))
    return time(int(found[1]), int(found[2]))


def quantity(text: str) -> Decimal:
    """Read a quantity above 0, in Indonesian or English notation if it is unambiguous.

    `1.500` may be one and a half or fifteen hundred: an order must not depend on a guess.
    """
    found = quantity_or_none(text)
    if found == 0:
        raise Unreadable(mark("This must be more than 0."))
    return found


def quantity_or_none(text: str) -> Decimal:
    """Read a quantity of 0 or more, as `quantity` does."""
    text = text.translate(_BLANKS)
    if not text:
        raise Unreadable(REQUIRED)
    if text.startswith("-"):
        raise Unreadable(mark("This must be 0 or more."))
    if len(text) > MOST_NUMBER:
        raise Unreadable(_QUANTITY)
    if _TWO_READINGS.fullmatch(text):
        raise Unreadable(_EITHER, typed=text)
    if any(grouped.fullmatch(text) for grouped in _GROUPED):
        text = _without_groups(text)
    simple = _SIMPLE.fullmatch(text)
    if simple is None:
        raise Unreadable(_QUANTITY)
    whole, decimals = simple[1].lstrip("0"), (simple[2] or "").rstrip("0")
    if len(whole) > _MOST_DIGITS or len(decimals) > _MOST_DECIMALS:
        raise Unreadable(_TOO_FINE)
    return Decimal(f"{whole or 0}.{decimals or 0}")


def _without_groups(text: str) -> str:
    text = text.replace(" ", "")
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text
    if text.count(text[last]) > 1:
        return text.replace(text[last], "")
    return re.sub(r"[.,]", "", text[:last]) + "." + text[last + 1 :]


def written(value: Decimal) -> str:
    """Return the text of a quantity for a field, from which `quantity` reads the same value."""
    text = plain(value).replace(".", ",")
    # Three decimals after a comma could be thousands and would be refused: add a fourth.
    return f"{text}0" if _TWO_READINGS.fullmatch(text) else text


def number(text: str) -> str:
    """Read the number of a document, or another short text on one line."""
    text = one_spelling(text)
    if not text:
        raise Unreadable(REQUIRED)
    if len(text) > MOST_NUMBER:
        raise Unreadable(_LONG, most=MOST_NUMBER)
    if not text.isprintable():
        raise Unreadable(_CONTROL)
    return text


def numbers(text: str) -> list[str]:
    """Read document or item numbers, one on a line; duplicates are dropped."""
    found = dict.fromkeys(number(line) for line in text.splitlines() if line.strip())
    if len(found) > MOST_ITEMS:
        raise Unreadable(mark("At most %(most)s."), most=MOST_ITEMS)
    return list(found)


def words(text: str) -> str:
    """Read a text of one or more lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise Unreadable(REQUIRED)
    if len(text) > MOST_TEXT:
        raise Unreadable(_LONG, most=MOST_TEXT)
    if not all(sign.isprintable() or sign in "\n\t" for sign in text):
        raise Unreadable(mark("Write this with ordinary letters, digits and signs."))
    return text


def address(text: str) -> str:
    """Read a web address."""
    if not _ADDRESS.fullmatch(text) or not text.isprintable():
        raise Unreadable(
            mark("Write an address that begins with https:// or http://, without blanks.")
        )
    return text


def one_of(among: Collection[str]) -> Read[str]:
    """Return a reader of a choice among these values."""

    def read(text: str) -> str:
        if text not in among:
            raise Unreadable(mark("Choose one of these."))
        return text

    return read


def names_in(text: str) -> list[str] | None:
    """Return the names in a hidden field, a JSON list of strings; None if it is no such list.

    It is JSON because an order number may contain any sign, so none could serve as separator.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    return found if all(isinstance(one, str) and is_name(one) for one in found) else None


def is_name(text: str) -> bool:
    """Return whether a text can be the number of a document, a line or an item."""
    return 1 <= len(text) <= MOST_NUMBER and text.isprintable()
