"""Lists of pages: their order, their parts and their addresses."""

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
def test_those_without_a_value_come_last_whichever_way(query: dict[str, str], names: str) -> None:
    ordered = Sorting.read(query, KEYS, "name").sorted(SOME)
    assert "".join(row["name"] for row in ordered) == names


@pytest.mark.parametrize("query", [{"sort": "price"}, {"order": "up"}])
def test_an_unknown_order_is_unreadable(query: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        Sorting.read(query, KEYS, "name")


def test_a_heading_chosen_again_turns_the_order_round() -> None:
    found = Sorting.read({"sort": "score"}, KEYS, "name").headings(LANGUAGES["id"], CHOICE)
    assert [one.sorted for one in found.values()] == [None, "descending"]
    assert found["score"].address == "/buyer?as_of=2026-11-22&q=a%26b&sort=score&order=asc"
    assert found["name"].address.endswith("sort=name&order=asc")


def test_a_change_begins_at_the_first_part_and_a_part_keeps_the_rest() -> None:
    assert CHOICE.with_changes(page=3) == "/buyer?as_of=2026-11-22&page=3&q=a%26b"
    assert CHOICE.with_changes(q="") == "/buyer?as_of=2026-11-22"
    assert ListQuery("/x", View(date(2026, 11, 22)), {}).with_changes(q="z") == "/x?q=z"


@pytest.mark.parametrize(
    ("total", "page", "shown", "at"), [(0, 4, 0, 1), (51, 3, 1, 3), (51, 9, 1, 3)]
)
def test_a_part_past_the_end_is_the_last(total: int, page: int, shown: int, at: int) -> None:
    everything = [{"n": n, "total": total} for n in range(total)]
    held = page_of(everything, page)
    read = read_page(lambda limit, offset: everything[offset : offset + limit], page)
    for one in (held, read):
        assert (len(one.rows), one.total, one.page) == (shown, total, at)
        assert one.pages == max(1, -(-total // ROWS))
        assert all(row["n"] >= (at - 1) * ROWS for row in one.rows)
