"""The bounded cache stays within its weight and drops the least recently used value."""

from hypothesis import given
from hypothesis import strategies as st

from services.assessment.bounded_cache import BoundedCache


def test_the_least_recently_used_value_is_dropped_first() -> None:
    kept = BoundedCache[str, int](2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.binary(max_size=12))))
def test_the_values_never_weigh_more_than_the_bound(puts: list[tuple[str, bytes]]) -> None:
    kept = BoundedCache[str, bytes](20, len)
    for key, value in puts:
        kept.put(key, value)
        assert kept.get(key) == value
        found = [one for one in map(kept.get, "abcde") if one is not None]
        assert sum(map(len, found)) == kept.heavy <= 20


def test_a_value_heavier_than_the_bound_is_not_kept() -> None:
    kept = BoundedCache[str, bytes](5, len)
    kept.put("b", b"12")
    kept.put("a", b"123456")
    assert kept.get("a") is None
    # No other value is dropped for it.
    assert kept.get("b") == b"12"
    assert kept.heavy == 2
