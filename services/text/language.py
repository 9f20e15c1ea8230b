"""The languages of the pages: translated sentences, numbers and dates.

Code writes a sentence in English where it is used; it is looked up in the catalogue of the reader's
language, `locale/<code>/LC_MESSAGES/rantai.po`. Placeholders such as `%(name)s` are filled in, so a
literal percent sign is written twice. A number is rounded once, from the exact quotient, and a
share is never rounded up to 100 %: 9,999 of 10,000 lines are "more than 99.9 %".
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
    """Return a sentence unchanged, and mark it for extraction into the catalogue.

    For sentences in constants, which `Language.text` translates where they are used.
    """
    return message


class Language:
    """A language of the pages. `code`: as in HTML's `lang`; `decimal`: its decimal sign."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale(code)
        self.translations = _translations(code)
        symbols = self.locale.number_symbols["latn"]
        self.decimal: str = symbols["decimal"]
        # Spreadsheets expect semicolons between CSV fields where the decimal sign is a comma.
        self.list_separator = ";" if self.decimal == "," else ","
        self._signs = str.maketrans({",": symbols["group"], ".": self.decimal})

    def text(self, message: str, **values: object) -> str:
        """Return the translation of a sentence, with values filled in."""
        return self.translations.gettext(message) % values

    def texts(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the translated singular or plural for a count, which fills in `%(count)s`."""
        words = self.translations.ngettext(one, many, count)
        return words % {"count": self.number(count), **values}

    def day(self, value: date) -> str:
        """Return a date, such as `22 Nov 2026`."""
        return format_date(value, _DATE, locale=self.locale)

    def day_of_year(self, value: date) -> str:
        """Return a date without its year, such as `22 Nov`."""
        return format_date(value, "d MMM", locale=self.locale)

    def month(self, value: str) -> str:
        """Return a month, such as `Nov 2026`. `value`: such as `2026-11`."""
        year, number = value.split("-")
        return format_date(date(int(year), int(number), 1), "MMM y", locale=self.locale)

    def moment(self, value: datetime, zone: str) -> str:
        """Return an instant in the local time of a zone: `22 Nov 2026 pukul 14.05 WIB`."""
        local = value.astimezone(ZoneInfo(zone))
        return self.text(
            "%(day)s at %(time)s %(zone)s",
            day=self.day(local),
            time=f"{local:%H.%M}" if self.code == INDONESIAN else f"{local:%H:%M}",
            zone=local.tzname(),
        )

    def number(self, value: Fraction | Decimal | int, places: int | None = None) -> str:
        """Return a number as the language writes it: `1.234,5`, in English `1,234.5`.

        It is rounded half up to at most `places` decimals; by default to 6, the most that a
        quantity may have.
        """
        text = f"{_rounded(Fraction(value), 6 if places is None else places):,f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text.translate(self._signs)

    def percent(self, share: Fraction) -> str:
        """Return a share, 1 for the whole, as a percentage with one decimal.

        A share just below 1 does not round to 100 %, nor one just above 0 to 0 %.
        """
        if 0 < share < Fraction(1, 2000):
            return self.text("less than %(number)s %%", number=self.number(Fraction(1, 10), 1))
        if Fraction(9995, 10000) <= share < 1:
            return self.text("more than %(number)s %%", number=self.number(Fraction(999, 10), 1))
        return f"{self.number(share * 100, 1)} %"


def _translations(code: str) -> NullTranslations:
    """Return the catalogue of a language; English needs none, as sentences are written in it."""
    if code == ENGLISH:
        return NullTranslations()
    source = _CATALOGUES / code / "LC_MESSAGES" / "rantai.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _rounded(value: Fraction, places: int) -> Decimal:
    # In whole numbers, so that neither a double nor a decimal context decides how a half rounds.
    scaled = value * 10**places
    whole = (abs(scaled.numerator) * 2 + scaled.denominator) // (2 * scaled.denominator)
    negative = int(scaled < 0)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((negative, digits, -places))


LANGUAGES: Final[Mapping[str, Language]] = {code: Language(code) for code in (INDONESIAN, ENGLISH)}
"""By code. The first is the default of readers who have not chosen a language."""
