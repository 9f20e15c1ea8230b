"""Codes of papers: read back as they were signed, short enough to scan, and never forged."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.evaluations import HighWater
from services.web.paper.issued import Codes, Issued, NotIssued, cut_off, digest_of

CODES = Codes("secret of a test")
AT = datetime(2026, 11, 22, 5, 7, 9, tzinfo=UTC)
ISSUED = Issued(
    supplier_id="IKM-0001",
    as_of=date(2026, 11, 22),
    window_days=180,
    buyer_id=None,
    frozen=False,
    letter="B",
    insufficient=False,
    score=Fraction("81.305"),
    provisional=False,
    policy_version="2026-11-01",
    edition=2,
    inputs=HighWater(12_345_678, AT),
    computed_at=AT,
    digest=bytes(range(8)),
)
CARD = {
    "kpis": {"otif": {"value": Decimal("0.9"), "numerator": 9, "denominator": 10}},
    "score": {"value": Decimal("81.3055"), "provisional": False},
    "grade": {"published": "B", "insufficient": False},
    "stage": [],
}
LONGEST = "PT-" + "x" * 61


@given(
    st.builds(
        replace,
        st.just(ISSUED),
        as_of=st.dates(date(1900, 1, 2), date(2200, 1, 1)),
        window_days=st.integers(1, 36_500),
        buyer_id=st.none() | st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
        letter=st.none() | st.sampled_from("ABCD"),
        score=st.none() | st.decimals(0, 100, places=6).map(cut_off),
        edition=st.integers(1, 16),
        frozen=st.booleans(),
        insufficient=st.booleans(),
        provisional=st.booleans(),
        digest=st.binary(min_size=8, max_size=8),
    )
)
def test_a_code_is_read_back(issued: Issued) -> None:
    assert CODES.read(CODES.code(issued)) == issued


def test_a_code_that_was_altered_or_signed_elsewhere_is_refused() -> None:
    code = CODES.code(ISSUED)
    for place, letter in enumerate(code[:-1]):
        other = "A" if letter != "A" else "B"
        with pytest.raises(NotIssued):
            CODES.read(code[:place] + other + code[place + 1 :])
    for wrong in ("", ".", code[:-5], code + "x", "é" * 20, code.replace(".", "")):
        with pytest.raises(NotIssued):
            CODES.read(wrong)
    with pytest.raises(NotIssued):
        Codes("another secret").read(code)


def test_an_address_is_short_enough_to_scan() -> None:
    base = "https://rantai.example.go.id/verify/"
    assert len(base + CODES.code(ISSUED)) < 180
    longest = replace(ISSUED, supplier_id=LONGEST, buyer_id=LONGEST)
    assert len(base + CODES.code(longest)) <= 300


def test_the_digest_covers_every_figure() -> None:
    digest = digest_of(CARD)
    text = simplejson.dumps({**CARD, "next_steps": []}, use_decimal=True)
    assert digest_of(json.loads(text, parse_float=Decimal)) == digest
    assert digest_of(simplejson.loads(text, use_decimal=True)) == digest
    for old, new in (('"numerator": 9', '"numerator": 8'), ("81.3055", "81.3056"), ('"B"', '"A"')):
        changed = json.loads(text.replace(old, new), parse_float=Decimal)
        assert digest_of(changed) != digest, old


@pytest.mark.parametrize(
    ("score", "kept"),
    [("79.9999", "79.999"), ("100", "100"), ("0", "0"), ("0.00001", "0.001")],
)
def test_a_score_is_cut_off_but_not_to_0(score: str, kept: str) -> None:
    assert cut_off(Decimal(score)) == Fraction(kept)


def test_the_digest_is_shown_in_groups_to_compare_by_eye() -> None:
    assert ISSUED.digest_words == "0001-0203-0405-0607"
