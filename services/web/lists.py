"""Lists of a page: which part of one is shown, in which order; and ways between pages of lists."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from services.text.language import Language, mark
from services.web.page_query import Unreadable, View

ROWS: Final = 25
"""Rows of one part of a list, so that a page stays light."""

_ASCENDING: Final = "asc"
_DESCENDING: Final = "desc"
_ORDERS: Final = {_ASCENDING: "ascending", _DESCENDING: "descending"}
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Entry]):
    """A part of a list, and where it stands in the whole."""

    rows: Sequence[Entry]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many parts there are; a list without rows has one."""
        return max(1, -(-self.total // ROWS))


def part(rows: Sequence[Entry], page: int) -> ListPage[Entry]:
    """Return a part of a list; a page past the end, from an old link, shows the last one."""
    page = last_or(page, len(rows))
    return ListPage(rows[(page - 1) * ROWS : page * ROWS], len(rows), page)


def last_or(page: int, total: int) -> int:
    """Return a page, or the last one there is of so many rows."""
    return min(page, max(1, -(-total // ROWS)))


def read_part(read: Callable[[int, int], Sequence[Mapping[str, Any]]], page: int) -> ListPage[Any]:
    """Return a part of a list that the store gives by pages. Blocks.

    `read`: takes limit and offset; each of its rows has the `total`.
    """
    rows = read(ROWS, (page - 1) * ROWS)
    if not rows and page > 1:
        # Past the end, or empty since: the total comes with the first rows alone.
        first = read(ROWS, 0)
        total = first[0]["total"] if first else 0
        page = last_or(page, total)
        rows = first if page == 1 else read(ROWS, (page - 1) * ROWS)
    return ListPage(rows, rows[0]["total"] if rows else 0, page)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for: the page's path, day and window, and `own` parameters."""

    path: str
    view: View
    own: Mapping[str, str]

    @property
    def address(self) -> str:
        """The address of this choice, from its first part on."""
        return self.but()

    def but(self, **changes: str | int) -> str:
        """Return the address of this choice with some of it changed.

        What is changed begins at the first part of the list again.
        """
        page = int(changes.pop("page", 1))
        query = self.view.but(page=page)
        own = {**self.own, **{name: str(value) for name, value in changes.items()}}
        given = urlencode({name: value for name, value in own.items() if value})
        return self.path + query + ("&" if given and query != "?" else "") + given


@dataclass(frozen=True, slots=True)
class SortKey(Generic[Entry]):
    """What rows are sorted by. `value`: None where a row has none; such rows come last.

    `ascending_first`: which way it is sorted first, as people want names.
    """

    heading: str
    value: Callable[[Entry], Any]
    ascending_first: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: where it leads, and how the list is sorted by it now (`aria-sort`)."""

    text: str
    address: str
    sorted: str | None


@dataclass(frozen=True, slots=True)
class Sorting(Generic[Entry]):
    """The order of a list: by which key, which way."""

    keys: Mapping[str, SortKey[Entry]]
    key: str
    order: str

    @classmethod
    def read(
        cls, query: Mapping[str, str], keys: Mapping[str, SortKey[Entry]], default: str
    ) -> "Sorting[Entry]":
        """Read `sort` and `order` of an address. Raises Unreadable."""
        key = query.get("sort", "") or default
        if key not in keys:
            raise Unreadable(mark("The list can't be sorted by that."))
        order = query.get("order", "") or _first(keys[key])
        if order not in _ORDERS:
            raise Unreadable(mark("A list is sorted upwards or downwards: asc or desc."))
        return cls(keys, key, order)

    @property
    def own(self) -> dict[str, str]:
        """Its parameters in an address."""
        return {"sort": self.key, "order": self.order}

    def sorted(self, rows: Iterable[Entry]) -> list[Entry]:
        """Return rows in this order; those without a value last, whichever way."""
        value = self.keys[self.key].value
        some = [(value(row), row) for row in rows]
        known = [one for one in some if one[0] is not None]
        known.sort(key=lambda one: one[0], reverse=self.order == _DESCENDING)
        return [row for _, row in known] + [row for found, row in some if found is None]

    def headings(self, language: Language, choice: ListQuery) -> dict[str, Heading]:
        """Return each column's heading by key: chosen again, it turns the order round."""
        return {
            name: Heading(
                language.text(key.heading),
                choice.but(sort=name, order=self._next(name)),
                _ORDERS[self.order] if name == self.key else None,
            )
            for name, key in self.keys.items()
        }

    def _next(self, name: str) -> str:
        if name != self.key:
            return _first(self.keys[name])
        return _ASCENDING if self.order == _DESCENDING else _DESCENDING


@dataclass(frozen=True, slots=True)
class Way:
    """A way to another page; `here`: it is the one that is shown."""

    address: str
    text: str
    here: bool


def ways_between(found: Sequence[tuple[str, str]], here: str) -> list[Way]:
    """Return ways by their address and words, that to the page shown marked."""
    return [Way(address, text, address == here) for address, text in found]


def _first(key: SortKey[Any]) -> str:
    return _ASCENDING if key.ascending_first else _DESCENDING
