"""Date formats as people write them (`DD-MMM-YY`), and reading a text by one of several formats.

The parts of a format:

| part | reads |
| --- | --- |
| `YYYY`, `YY` | the year in four digits, in two |
| `MM`, `M` | the month in two digits, in one or two |
| `MMM` | the month's name, short or long, English or Indonesian: `Jun`, `Agustus`, `Okt.` |
| `DD`, `D` | the day in two digits, in one or two |
| `hh`, `h`, `mm`, `ss`, `f` | hours, minutes, seconds, fraction of a second |
| `A` | AM or PM |
| `Z` | offset: `Z`, `+07:00`, `+0700` |

Any other character stands for itself; `T` is the only letter that may. Python's own `%d-%b-%y` is
not used because its month names follow the machine's locale.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo


class UnreadableError(ValueError):
    """A cell cannot be read as its column requires; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, with a time of day and an offset if the text has them."""

    day: date
    clock: time | None = None
    offset: timezone | None = None


_PARTS: Final = re.compile(r"YYYY|YY|MMM|MM|M|DD|D|hh|h|mm|ss|f|A|Z")
_PATTERNS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<year>[0-9]{2})",
    "MMM": r"(?P<name>[A-Za-z]+)\.?",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "hh": r"(?P<hour>[0-9]{2})",
    "h": r"(?P<hour>[0-9]{1,2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "f": r"(?P<fraction>[0-9]{1,9})",
    "A": r"(?P<half>[AaPp][Mm])",
    "Z": r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})",
}
_MONTH_NAMES: Final = (
    "jan january januari",
    "feb february februari peb pebruari febr",
    "mar march maret mrt",
    "apr april",
    "may mei",
    "jun june juni",
    "jul july juli",
    "aug august agu ags agt agst agus agust agustus",
    "sep sept september",
    "oct october okt oktober",
    "nov november nop nopember",
    "dec december des desember",
)
_MONTHS: Final = {
    name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()
}


def month_named(name: str) -> int | None:
    """Return the number of a month by its name, or None.

    The name may be English or Indonesian, short or long, in upper or lower case.
    """
    return _MONTHS.get(name.casefold())


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a date format to a regular expression. Raises ValueError if the format is wrong."""
    parts, position = [], 0
    for part in _PARTS.finditer(pattern):
        parts.append(_literal(pattern, pattern[position : part.start()]))
        parts.append(_PATTERNS[part[0]])
        position = part.end()
    parts.append(_literal(pattern, pattern[position:]))
    try:
        expression = re.compile("".join(parts))
    except re.error:
        raise ValueError(f"date format {pattern!r} names a part twice") from None
    names = expression.groupindex
    if not {"year", "day"} <= names.keys() or ("month" in names) == ("name" in names):
        raise ValueError(f"date format {pattern!r} needs a year, one month and a day: DD/MM/YYYY")
    if "half" in names and "hour" not in names:
        raise ValueError(f"date format {pattern!r} has AM/PM (A), but no hour (h)")
    return expression


def _literal(pattern: str, text: str) -> str:
    for character in text:
        if character.isalpha() and character != "T":
            raise ValueError(
                f"date format {pattern!r} has {character!r}, which is not part of a date; "
                "use YYYY YY MMM MM M DD D hh h mm ss f A Z"
            )
    return re.escape(text)


@lru_cache(maxsize=65536)
def read_moment(formats: tuple[str, ...], text: str, century_from: int) -> Moment:
    """Read a text by the formats that fit it. Raises UnreadableError if none does.

    It is also raised if two formats read the text as different moments: where both DD/MM/YYYY and
    MM/DD/YYYY are accepted, the date of `01/02/2014` would be a guess.
    """
    found: dict[Moment, str] = {}
    impossible: str | None = None
    for pattern in formats:
        match = compiled(pattern).fullmatch(text)
        if match is None:
            continue
        try:
            found.setdefault(_moment(match, century_from), pattern)
        except ValueError:
            impossible = pattern
    if len(found) > 1:
        (one, its), (other, others) = list(found.items())[:2]
        raise UnreadableError(
            f"is {one.day} by {its} and {other.day} by {others}; "
            "keep only the format in the mapping that this column is written in"
        )
    if found:
        return next(iter(found))
    if impossible is not None:
        raise UnreadableError(
            f"fits {impossible}, but the calendar has no such day, or the clock no such time"
        )
    raise UnreadableError(
        f"is not a date as {_listed(formats)}; correct it, add its format to 'formats', or add "
        "the word to 'no_value' if it means that there is no date"
    )


def _listed(formats: Sequence[str]) -> str:
    return " or ".join(formats)


def _moment(match: re.Match[str], century_from: int) -> Moment:
    parts = {name: text for name, text in match.groupdict().items() if text is not None}
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += century_from - century_from % 100
        year += 100 if year < century_from else 0
    month = (month_named(parts["name"]) or 0) if "name" in parts else int(parts["month"])
    day = date(year, month, int(parts["day"]))
    if "hour" not in parts:
        return Moment(day)
    fraction = parts.get("fraction", "0").ljust(6, "0")[:6]
    minute, second = int(parts.get("minute", 0)), int(parts.get("second", 0))
    clock = time(_hour(parts), minute, second, int(fraction))
    return Moment(day, clock, _offset(parts["offset"]) if "offset" in parts else None)


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts["hour"])
    if "half" not in parts:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("a 12-hour clock has the hours 1 to 12")
    return hour % 12 + (12 if parts["half"].casefold() == "pm" else 0)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo:
    """Return a time zone: `Asia/Jakarta`, `UTC`, `+07:00`. Raises ValueError for an unknown one."""
    try:
        if re.fullmatch(r"[+-][0-9]{2}:[0-9]{2}", name):
            return _offset(name)
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"unknown zone {name!r}; write Asia/Jakarta, UTC or +07:00") from None


def at_site(moment: Moment, clock: time, zone: tzinfo) -> datetime:
    """Return a moment as an instant.

    `clock`: its time of day if it has none. `zone`: its time zone if it has no offset.
    Raises UnreadableError for a time of day that the clocks of the zone skipped on that day.
    """
    instant = datetime.combine(moment.day, moment.clock or clock, tzinfo=moment.offset or zone)
    if moment.clock is not None and moment.offset is None:
        shown = instant.astimezone(UTC).astimezone(zone)
        if shown.replace(tzinfo=None) != instant.replace(tzinfo=None):
            raise UnreadableError(
                f"is a time that no clock in {zone} showed: the clocks were put forward past it; "
                "set 'zone' to the zone of the ERP's clock"
            )
    return instant
