"""The languages of the pages: their catalogue of sentences, their numbers and their dates.

A sentence is written in English where it is used, and looked up in the catalogue of the reader's
language: `locale/<code>/LC_MESSAGES/rantai.po`. What stands in the text as `%(name)s` is filled in,
so a percent sign is written twice. A number is rounded once, from the exact quotient, and never to
a whole that it is not: 999 of 1,000 lines are not 100 %.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

INDONESIAN: Final = "id"
ENGLISH: Final = "en"
_CATALOGUES: Final = files("services.text") / "locale"
_DATE: Final = "d MMM y"


def mark(message: str) -> str:
    """Mark a sentence for the catalogue where it is not used yet; return it as it is."""
    return message


class Language:
    """One language. `code`: as in HTML's `lang`; `decimal`: the sign before a number's parts."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale(code)
        self.translations = _translations(code)
        symbols = self.locale.number_symbols["latn"]
        self.decimal: str = symbols["decimal"]
        # A spreadsheet parts the fields of a CSV file by a semicolon where a comma is in numbers.
        self.list_separator = ";" if self.decimal == "," else ","
        self._signs = str.maketrans({",": symbols["group"], ".": self.decimal})

    def text(self, message: str, **values: object) -> str:
        """Return a sentence in this language, with values filled in."""
        return self.translations.gettext(message) % values

    def texts(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the sentence that goes with a count, which is filled in as `%(count)s`."""
        words = self.translations.ngettext(one, many, count)
        return words % {"count": self.number(count), **values}

    def day(self, value: date) -> str:
        """Return a date, as `22 Nov 2026`."""
        return format_date(value, _DATE, locale=self.locale)

    def day_of_year(self, value: date) -> str:
        """Return a date without its year, as `22 Nov`."""
        return format_date(value, "d MMM", locale=self.locale)

    def month(self, value: str) -> str:
        """Return a month that is given as `2026-11`, as `Nov 2026`."""
        year, number = value.split("-")
        return format_date(date(int(year), int(number), 1), "MMM y", locale=self.locale)

    def moment(self, value: datetime, zone: str) -> str:
        """Return an instant as the clock of a zone shows it: `22 Nov 2026 pukul 14.05 WIB`."""
        local = value.astimezone(ZoneInfo(zone))
        return self.text(
            "%(day)s at %(time)s %(zone)s",
            day=self.day(local),
            time=f"{local:%H.%M}" if self.code == INDONESIAN else f"{local:%H:%M}",
            zone=local.tzname(),
        )

    def number(self, value: Fraction | Decimal | int, places: int | None = None) -> str:
        """Return a number as it is written here: `1.234,5`, in English `1,234.5`.

        With `places` it is rounded to so many decimals at most, half up; without, to the 6 that a
        quantity may have.
        """
        text = f"{_rounded(Fraction(value), 6 if places is None else places):,f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text.translate(self._signs)

    def percent(self, share: Fraction) -> str:
        """Return a share as a percentage with one decimal; only a whole is 100 %, nothing 0 %."""
        if 0 < share < Fraction(1, 2000):
            return self.text("less than %(number)s %%", number=self.number(Fraction(1, 10), 1))
        if Fraction(9995, 10000) <= share < 1:
            return self.text("more than %(number)s %%", number=self.number(Fraction(999, 10), 1))
        return f"{self.number(share * 100, 1)} %"


def _translations(code: str) -> NullTranslations:
    """Return a catalogue; English is what the sentences are written in."""
    if code == ENGLISH:
        return NullTranslations()
    source = _CATALOGUES / code / "LC_MESSAGES" / "rantai.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _rounded(value: Fraction, places: int) -> Decimal:
    # By whole numbers, so that neither a double nor a decimal context decides a half.
    scaled = value * 10**places
    whole = (abs(scaled.numerator) * 2 + scaled.denominator) // (2 * scaled.denominator)
    negative = int(scaled < 0)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((negative, digits, -places))


LANGUAGES: Final[Mapping[str, Language]] = {code: Language(code) for code in (INDONESIAN, ENGLISH)}
"""By code; the first is what a reader sees who has not chosen."""
