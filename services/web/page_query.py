"""Reads the view that a page's address asks for: day, window, buyer, cluster, page of a list.

It is lenient, and explains what it can't read in plain words: its users are in workshops.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from schemas.spelling import one_spelling
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.scorecards.scorecard_api import EARLIEST, LATEST
from services.text import line_words
from services.text.language import Language, mark

WINDOWS: Final = (30, 90, 180, 365)
_LONGEST_WINDOW: Final = 36_500
_LAST_PAGE: Final = 100_000
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_DAYS: Final = mark("The number of days must be a number from 1 to %(most)s.")
_PAGES: Final = mark("The page must be a number from 1 to %(most)s.")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Unreadable(ValueError):
    """Something in the address can't be understood.

    `message`: a sentence of the catalogue; `values`: what it names.
    """

    def __init__(self, message: str, **values: str | int | date) -> None:
        super().__init__(message)
        self._message, self._values = message, values

    def said(self, language: Language) -> str:
        """Return what is wrong, in words; days and numbers as the language writes them."""
        return language.text(
            self._message,
            **{name: _written(language, value) for name, value in self._values.items()},
        )


def _written(language: Language, value: str | int | date) -> str:
    if isinstance(value, date):
        return language.day(value)
    return language.number(value) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows: figures as of a day over a window, and a page of its lists.

    `day_given`: the address names the day; otherwise it is today.
    """

    as_of: date
    window_days: int = WINDOW_DAYS
    buyer_id: str | None = None
    cluster: str = ""
    page: int = 1
    day_given: bool = False

    @property
    def windows(self) -> list[int]:
        """The windows to choose from, in days, including the one shown."""
        return sorted({*WINDOWS, self.window_days})

    def selection(self, suppliers: list[str], buyers: list[str]) -> Selection:
        """Return the selection of these partners over the day and window of this view."""
        return Selection(self.as_of, self.window_days, suppliers, buyers)

    def with_changes(self, **changes: str | int) -> str:
        """Return the query string of this view, with `?`, with some parameters changed.

        The day is included only if the address named it: otherwise a saved link shows the day on
        which it is opened.
        """
        view = replace(self, **changes)  # type: ignore[arg-type]
        parts = {
            "as_of": view.as_of.isoformat() if view.day_given else "",
            "window_days": view.window_days if view.window_days != WINDOW_DAYS else "",
            "buyer_id": view.buyer_id or "",
            "cluster": view.cluster,
            "page": view.page if view.page > 1 else "",
        }
        return "?" + urlencode({name: value for name, value in parts.items() if value != ""})


def read(query: Mapping[str, str], today: date) -> View:
    """Return the view that a query string asks for. Raises Unreadable.

    Empty parameters count as absent. Unknown ones are ignored: messengers add their own to links.
    """
    as_of = _day(query.get("as_of", ""), today)
    window_days = _whole_number(query, "window_days", WINDOW_DAYS, _LONGEST_WINDOW, _DAYS)
    if as_of.toordinal() - window_days < EARLIEST.toordinal():
        raise Unreadable(mark("That time begins before %(day)s."), day=EARLIEST)
    buyer_id = one_spelling(query.get("buyer_id", ""))
    if buyer_id and not _IDENTIFIER.fullmatch(buyer_id):
        raise Unreadable(mark("That buyer is not known."))
    return View(
        as_of=as_of,
        window_days=window_days,
        buyer_id=buyer_id or None,
        cluster=query.get("cluster", ""),
        page=_whole_number(query, "page", 1, _LAST_PAGE, _PAGES),
        day_given=bool(query.get("as_of", "")),
    )


def heading(
    language: Language, view: View, reader: ScorecardReader, newest: datetime | None
) -> dict[str, Any]:
    """Return what every page says about its figures: day, window, policy, how recent they are.

    `newest`: when the newest event behind them happened; None if there is none.
    """
    zone = reader.policy.zone
    return {
        "view": view,
        "window": line_words.window(language, view.selection([], []).start, view.as_of),
        "future": view.as_of > reader.today(),
        "policy_version": reader.policy.version,
        "newest": None if newest is None else language.moment(newest, zone),
        "computed": language.moment(datetime.now(UTC), zone),
    }


def _day(text: str, today: date) -> date:
    if not text:
        return today
    try:
        # Only YYYY-MM-DD, as in events: fromisoformat() would accept week dates too.
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise Unreadable(
            mark(
                "A date must be written year-month-day, as in %(example)s, and be in the calendar."
            ),
            example=today.isoformat(),
        )
    if not EARLIEST <= found <= LATEST:
        raise Unreadable(
            mark("A date must be between %(first)s and %(last)s."), first=EARLIEST, last=LATEST
        )
    return found


def _whole_number(
    query: Mapping[str, str], name: str, default: int, most: int, message: str
) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise Unreadable(message, most=most)
    return int(text)
