"""Lists on pages: their order, their division into pages, and their addresses."""

from datetime import date
from typing import Any

import pytest

from services.text.language import LANGUAGES
from services.web.lists import ROWS, ListQuery, Sorting, SortKey, page_of, read_page
from services.web.page_query import Unreadable, View

KEYS: dict[str, SortKey[dict[str, Any]]] = {
    "name": SortKey("Supplier", lambda row: row["name"], ascending_first=True),
    "score": SortKey("Score", lambda row: row["score"]),
}
SOME: list[dict[str, Any]] = [
    {"name": "b", "score": None},
    {"name": "c", "score": 1},
    {"name": "a", "score": 2},
]
CHOICE = ListQuery("/buyer", View(date(2026, 11, 22), day_given=True), {"q": "a&b"})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, "abc"),
        ({"sort": "name", "order": "desc"}, "cba"),
        ({"sort": "score"}, "acb"),
        ({"sort": "score", "order": "asc"}, "cab"),
    ],
)
def test_rows_without_a_value_come_last_in_either_order(query: dict[str, str], names: str) -> None:
    ordered = Sorting.read(query, KEYS, "name").sorted(SOME)
    assert "".join(row["name"] for row in ordered) == names


@pytest.mark.parametrize("query", [{"sort": "price"}, {"order": "up"}])
def test_an_unknown_order_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        Sorting.read(query, KEYS, "name")


def test_a_heading_that_is_chosen_again_reverses_the_order() -> None:
    found = Sorting.read({"sort": "score"}, KEYS, "name").headings(LANGUAGES["id"], CHOICE)
    assert [one.sorted for one in found.values()] == [None, "descending"]
    assert found["score"].address == "/buyer?as_of=2026-11-22&q=a%26b&sort=score&order=asc"
    assert found["name"].address.endswith("sort=name&order=asc")


def test_a_change_leads_to_the_first_page_and_another_page_keeps_the_rest() -> None:
    assert CHOICE.with_changes(page=3) == "/buyer?as_of=2026-11-22&page=3&q=a%26b"
    assert CHOICE.with_changes(q="") == "/buyer?as_of=2026-11-22"
    assert ListQuery("/x", View(date(2026, 11, 22)), {}).with_changes(q="z") == "/x?q=z"


@pytest.mark.parametrize(
    ("total", "page", "shown", "at"), [(0, 4, 0, 1), (51, 3, 1, 3), (51, 9, 1, 3)]
)
def test_a_page_past_the_end_is_the_last(total: int, page: int, shown: int, at: int) -> None:
    everything = [{"n": n, "total": total} for n in range(total)]
    held = page_of(everything, page)
    read = read_page(lambda limit, offset: everything[offset : offset + limit], page)
    for one in (held, read):
        assert (len(one.rows), one.total, one.page) == (shown, total, at)
        assert one.pages == max(1, -(-total // ROWS))
        assert all(row["n"] >= (at - 1) * ROWS for row in one.rows)
