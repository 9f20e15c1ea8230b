"""Read one cell as its column says: text, numbers, dates; exactly, and never by guessing."""

import hashlib
import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Final

from schemas.fields import plain
from schemas.spelling import one_spelling
from services.formats.columns import (
    CellColumn,
    CodeColumn,
    DateColumn,
    DecimalColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
    TimeColumn,
)
from services.formats.dates import Moment, UnreadableError, at_site, read_moment, zone_named
from services.formats.debris import debris_in
from services.formats.mapping import Defaults
from services.formats.rows import Cell, text_of

Value = str | int | Decimal | date | datetime | None

_LONGEST: Final = 64
_MIDNIGHT: Final = time(0)
_NOT_OF_AN_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SPACES: Final = str.maketrans("\u00a0\u202f\u2009", "   ")
"""Turns the spaces that software puts between thousands into the plain one that people type."""
_ROUNDING: Final = Context(prec=80)
# After a leading 0, or before more or fewer than three digits, a point separates no thousands.
_MAYBE_THOUSANDS: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+-?")
_ASKED: Final = (
    "can be read in two ways: with the point between thousands, as in Indonesia, or before the "
    'decimals; say which in [defaults] or for its column: thousands = "." with decimal = ",", '
    'or decimal = "."'
)
# More than any notation that the contract accepts; a longer number is not a quantity of anything.
_MOST_DIGITS: Final = 40


def has_no_value(column: CellColumn, cell: Cell, defaults: Defaults) -> bool:
    """Whether a cell is empty or has a word that means "nothing here"."""
    text = text_of(cell)
    if not text:
        return True
    folded = text.casefold()
    return any(folded == word.strip().casefold() for word in (*column.no_value, *defaults.no_value))


def read_cell(column: CellColumn, cell: Cell, defaults: Defaults) -> Value:
    """Read a cell that has a value. Raises UnreadableError if its column does not allow it."""
    if isinstance(column, DateColumn):
        return _read_date(column, cell, defaults)
    if isinstance(column, DecimalColumn):
        return _read_number(column, cell, defaults)
    text = text_of(cell)
    if isinstance(column, CodeColumn):
        text = one_spelling(text)
    if isinstance(column, (CodeColumn, IdentifierColumn)):
        refuse_debris(column, text)
    if column.strip_zeros:
        text = text.lstrip("0") or "0"
    if column.values is not None:
        text = _looked_up(column, text)
    if isinstance(column, IdentifierColumn):
        return _identifier(column, text)
    return _code(column, text) if isinstance(column, CodeColumn) else text


def written(value: Value) -> str | int | None:
    """Return a value as events have it: exact decimals as text, dates and times as RFC 3339."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value


def refuse_debris(column: TextColumn, text: str) -> None:
    """Raise UnreadableError if a text looks like what software leaves in place of a code.

    A text is accepted if the mapping vouches for it: by `literal`, in `values`, or by a template.
    """
    if column.literal or column.template is not None or text in (column.values or {}):
        return
    found = debris_in(text)
    if found is not None:
        raise UnreadableError(found)


def digest_of(text: str) -> str:
    """Return 8 hex digits that tell apart two long texts with the same beginning."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _looked_up(column: TextColumn, text: str) -> str:
    known = column.values or {}
    if text in known:
        return known[text]
    if column.unlisted == "keep":
        return text
    raise UnreadableError(
        f"is none of the 'values' of the mapping ({', '.join(known)}); add it there, "
        "or leave its rows out"
    )


def _identifier(column: IdentifierColumn, text: str) -> str:
    if len(text) <= _LONGEST and not _NOT_OF_AN_IDENTIFIER.search(text):
        return text
    if not column.slug:
        raise UnreadableError(
            "is not an identifier (1 to 64 of A-Z a-z 0-9 . _ -); set slug = true to make one of it"
        )
    # A name typed with two spaces is the same name, not a second supplier.
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    readable = _NOT_OF_AN_IDENTIFIER.sub("-", letters).strip("-.")[: _LONGEST - 9].rstrip("-.")
    return f"{readable}-{digest_of(name)}" if readable else digest_of(name)


def _code(column: CodeColumn, text: str) -> str:
    if len(text) <= _LONGEST and text.isprintable():
        return text
    if not column.shorten:
        raise UnreadableError(
            "is not the number of a document, line or item (1 to 64 printable characters); "
            "set shorten = true to cut it"
        )
    readable = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"{readable[: _LONGEST - 9].rstrip()}~{digest_of(text)}"


def _says_separators(column: DecimalColumn, defaults: Defaults) -> bool:
    """Whether the mapping says what a point means; if not, it may be either separator."""
    named = {"decimal", "thousands"}
    return bool(named & column.model_fields_set or named & defaults.model_fields_set)


@lru_cache(maxsize=64)
def _notation(decimal: str, thousands: str) -> re.Pattern[str]:
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
    fraction = rf"(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?" if decimal else ""
    return re.compile(rf"(?P<sign>[+-]?)(?P<whole>{grouped}[0-9]*){fraction}(?P<trailing>-?)")


def read_decimal(text: str, decimal: str, thousands: str) -> Decimal:
    """Read a number that is written with these separators. Raises UnreadableError.

    Thousands must come in groups of three digits: `1.5` with a point between thousands is a mistake
    that must not become 15. A minus may be in front or, as SAP writes it, at the end.
    """
    bare = text.translate(_SPACES).replace("\u2212", "-").strip()
    match = _notation(decimal, thousands.translate(_SPACES)).fullmatch(bare)
    whole = match["whole"] if match else ""
    fraction = (match.groupdict().get("fraction") or "") if match else ""
    digits = re.sub(r"[^0-9]", "", whole) + fraction
    if match is None or not digits or (match["sign"] and match["trailing"]):
        raise UnreadableError(
            f"is not a number with {decimal or 'no character'!r} before the decimals and "
            f"{thousands or 'no character'!r} between thousands; correct it, or set 'decimal' "
            "and 'thousands' of its column"
        )
    if len(digits) > _MOST_DIGITS:
        raise UnreadableError(f"has {len(digits)} digits; an event takes 18 at most")
    number = Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{fraction or '0'}")
    return -number if "-" in (match["sign"], match["trailing"]) else number


def _read_number(column: DecimalColumn, cell: Cell, defaults: Defaults) -> Decimal | int:
    if isinstance(cell, (int, Decimal)):
        number = Decimal(cell)
    else:
        text = text_of(cell)
        for word in column.remove:
            text = text.replace(word, "")
        decimal = defaults.decimal if column.decimal is None else column.decimal
        thousands = defaults.thousands if column.thousands is None else column.thousands
        if not _says_separators(column, defaults) and _MAYBE_THOUSANDS.fullmatch(text.strip()):
            raise UnreadableError(_ASKED)
        number = read_decimal(text, decimal, thousands)
    if column.absolute:
        number = abs(number)
    if column.places is not None:
        number = number.quantize(Decimal(1).scaleb(-column.places), ROUND_HALF_UP, _ROUNDING)
    if not isinstance(column, IntegerColumn):
        return number
    if number != number.to_integral_value():
        raise UnreadableError("is not a whole number")
    return int(number)


def _read_date(column: DateColumn, cell: Cell, defaults: Defaults) -> date | datetime:
    if isinstance(cell, datetime):
        moment = Moment(cell.date(), cell.time())
        if cell.tzinfo is not None:
            in_utc = cell.astimezone(UTC)
            moment = Moment(in_utc.date(), in_utc.time(), UTC)
    elif isinstance(cell, date):
        moment = Moment(cell)
    else:
        formats = column.formats or defaults.formats
        moment = read_moment(formats, text_of(cell), column.century_from)
    site = zone_named(defaults.site)
    try:
        if isinstance(column, TimeColumn):
            # A date without a time of day is a business date at the site, wherever the file was
            # written.
            zone = site if moment.clock is None else zone_named(column.zone or defaults.zone)
            return at_site(moment, column.at or defaults.at, zone)
        if moment.offset is not None:
            zone = zone_named(column.zone) if column.zone else site
            return at_site(moment, defaults.at, zone).astimezone(zone).date()
        zone = zone_named(defaults.zone)
        if moment.clock in (None, _MIDNIGHT) or zone == site:
            # Many ERPs write a date as midnight, which is then not a time of their clock.
            return moment.day
        return at_site(moment, defaults.at, zone).astimezone(site).date()
    except OverflowError:
        raise UnreadableError("is outside the years 1 to 9999") from None
