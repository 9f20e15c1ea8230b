"""What is remembered weighs no more than its bound, and what is asked for stays."""

from hypothesis import given
from hypothesis import strategies as st

from services.assessment.bounded_cache import BoundedCache


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = BoundedCache[str, int](2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.binary(max_size=12))))
def test_what_is_kept_weighs_no_more_than_the_bound(puts: list[tuple[str, bytes]]) -> None:
    kept = BoundedCache[str, bytes](20, len)
    for key, value in puts:
        kept.put(key, value)
        assert kept.get(key) == value
        found = [one for one in map(kept.get, "abcde") if one is not None]
        assert sum(map(len, found)) == kept.heavy <= 20


def test_what_weighs_too_much_alone_is_not_kept() -> None:
    kept = BoundedCache[str, bytes](5, len)
    kept.put("b", b"12")
    kept.put("a", b"123456")
    assert kept.get("a") is None
    # It costs no other value its place.
    assert kept.get("b") == b"12"
    assert kept.heavy == 2
