"""Lists on pages: paging, sorting, and navigation links between pages of lists."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from services.text.language import Language, mark
from services.web.page_query import Unreadable, View

ROWS: Final = 25
"""Rows on one page of a list, so that a page stays light."""

_ASCENDING: Final = "asc"
_DESCENDING: Final = "desc"
_ORDERS: Final = {_ASCENDING: "ascending", _DESCENDING: "descending"}
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Entry]):
    """One page of a list. `total`: the rows of the whole list; `page`: its number, from 1."""

    rows: Sequence[Entry]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """The number of pages; a list without rows has one."""
        return max(1, -(-self.total // ROWS))


def page_of(rows: Sequence[Entry], page: int) -> ListPage[Entry]:
    """Return a page of a list; a number past the end, from an old link, gives the last page."""
    page = page_within(page, len(rows))
    return ListPage(rows[(page - 1) * ROWS : page * ROWS], len(rows), page)


def page_within(page: int, total: int) -> int:
    """Return a page number, or that of the last page if `total` rows have no such page."""
    return min(page, max(1, -(-total // ROWS)))


def read_page(read: Callable[[int, int], Sequence[Mapping[str, Any]]], page: int) -> ListPage[Any]:
    """Return a page of a list that is read from the store page by page. Blocks.

    `read`: takes limit and offset; each row that it returns has the `total` of the list.
    """
    rows = read(ROWS, (page - 1) * ROWS)
    if not rows and page > 1:
        # Past the end, or the list is empty: only rows carry the total, so read the first ones.
        first = read(ROWS, 0)
        total = first[0]["total"] if first else 0
        page = page_within(page, total)
        rows = first if page == 1 else read(ROWS, (page - 1) * ROWS)
    return ListPage(rows, rows[0]["total"] if rows else 0, page)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What the address of a list asks for.

    `path`: of its page; `view`: day, window, buyer and page number; `own`: the list's other
    parameters, such as its order or a search.
    """

    path: str
    view: View
    own: Mapping[str, str]

    @property
    def address(self) -> str:
        """The address of the first page of this list."""
        return self.with_changes()

    def with_changes(self, **changes: str | int) -> str:
        """Return the address of this list with some parameters changed.

        Unless `page` is given, it is that of the first page.
        """
        page = int(changes.pop("page", 1))
        query = self.view.with_changes(page=page)
        own = {**self.own, **{name: str(value) for name, value in changes.items()}}
        given = urlencode({name: value for name, value in own.items() if value})
        return self.path + query + ("&" if given and query != "?" else "") + given


@dataclass(frozen=True, slots=True)
class SortKey(Generic[Entry]):
    """A column by which a list can be sorted.

    `value`: what a row is sorted by; rows for which it returns None come last. `ascending_first`:
    sort ascending when the column is first chosen, as people expect of names.
    """

    heading: str
    value: Callable[[Entry], Any]
    ascending_first: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading. `address`: of the list sorted by it; `sorted`: its `aria-sort` value."""

    text: str
    address: str
    sorted: str | None


@dataclass(frozen=True, slots=True)
class Sorting(Generic[Entry]):
    """The order of a list. `key`: one of `keys`; `order`: `asc` or `desc`."""

    keys: Mapping[str, SortKey[Entry]]
    key: str
    order: str

    @classmethod
    def read(
        cls, query: Mapping[str, str], keys: Mapping[str, SortKey[Entry]], default: str
    ) -> "Sorting[Entry]":
        """Read `sort` and `order` of an address. Raises Unreadable if either is unknown."""
        key = query.get("sort", "") or default
        if key not in keys:
            raise Unreadable(mark("The list can't be sorted by that."))
        order = query.get("order", "") or _first_order(keys[key])
        if order not in _ORDERS:
            raise Unreadable(mark("A list is sorted upwards or downwards: asc or desc."))
        return cls(keys, key, order)

    @property
    def own(self) -> dict[str, str]:
        """The parameters of this order in an address."""
        return {"sort": self.key, "order": self.order}

    def sorted(self, rows: Iterable[Entry]) -> list[Entry]:
        """Return rows in this order; in both directions, rows without a value come last."""
        value = self.keys[self.key].value
        keyed = [(value(row), row) for row in rows]
        known = [one for one in keyed if one[0] is not None]
        known.sort(key=lambda one: one[0], reverse=self.order == _DESCENDING)
        return [row for _, row in known] + [row for found, row in keyed if found is None]

    def headings(self, language: Language, choice: ListQuery) -> dict[str, Heading]:
        """Return each column's heading by key; that of the current column reverses the order."""
        return {
            name: Heading(
                language.text(key.heading),
                choice.with_changes(sort=name, order=self._next(name)),
                _ORDERS[self.order] if name == self.key else None,
            )
            for name, key in self.keys.items()
        }

    def _next(self, name: str) -> str:
        if name != self.key:
            return _first_order(self.keys[name])
        return _ASCENDING if self.order == _DESCENDING else _DESCENDING


@dataclass(frozen=True, slots=True)
class NavLink:
    """A navigation link. `here`: whether it leads to the page that is shown."""

    address: str
    text: str
    here: bool


def nav_links(found: Sequence[tuple[str, str]], here: str) -> list[NavLink]:
    """Return navigation links. `found`: their addresses and texts.

    `here`: the address of the page that is shown.
    """
    return [NavLink(address, text, address == here) for address, text in found]


def _first_order(key: SortKey[Any]) -> str:
    return _ASCENDING if key.ascending_first else _DESCENDING
