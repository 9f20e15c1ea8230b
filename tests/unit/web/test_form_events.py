"""Forms to events: what is typed gives an event that the contract accepts, or faults at fields."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, validate
from services.assessment.awaited import AwaitedLine, ComplaintStep, OpenComplaint
from services.text.language import LANGUAGES
from services.web.forms import form_events
from services.web.forms.typed_fields import Typed

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)
ZONE = "Asia/Jakarta"
BUYER, SUPPLIER = "AHM", "IKM-1"
LINES = [
    AwaitedLine(
        BUYER, order, number, "BRK", "H87", Decimal("100.000000"), requested, requested,
        Decimal(40), Decimal(0), awaited=True, unanswered=True,
    )
    for order, number, requested in (
        ("PO1", "10", date(2026, 12, 1)),
        ("PO1", " 2\"0'<b> ", date(2026, 12, 5)),
        ("PO1", "30", date(2026, 11, 1)),
    )
]  # fmt: skip
COMPLAINT = OpenComplaint(
    BUYER, "K1", date(2026, 11, 10), "major", None, None, None, None, None,
    (
        ComplaintStep("containment", date(2026, 11, 12), date(2026, 11, 12)),
        ComplaintStep("corrective_action", date(2026, 11, 24), None),
    ),
)  # fmt: skip


def form(**typed: str) -> Typed:
    """Return what was typed into a form with all three lines; `x__0` is the field `x-0`."""
    carried = {f"line-{n}": form_events.hidden_value(line.key) for n, line in enumerate(LINES)}
    return Typed({**carried, **{name.replace("__", "-"): text for name, text in typed.items()}})


def confirmed(typed: Typed) -> dict[str, Any] | None:
    return form_events.confirmation(typed, SUPPLIER, form_events.rows(typed, LINES), TODAY)


def despatched(typed: Typed) -> dict[str, Any] | None:
    return form_events.despatch(typed, SUPPLIER, form_events.rows(typed, LINES), TODAY, ZONE)


def answered(typed: Typed) -> dict[str, Any] | None:
    return form_events.complaint_answer(typed, SUPPLIER, COMPLAINT, NOW, ZONE)


def declared(typed: Typed) -> dict[str, Any] | None:
    return form_events.capacity(typed, SUPPLIER, TODAY)


def disputed(typed: Typed) -> dict[str, Any] | None:
    return form_events.dispute(typed, SUPPLIER, LINES[1])


def dispute_answered(typed: Typed) -> dict[str, Any] | None:
    return form_events.dispute_answer(typed, BUYER, SUPPLIER, LINES[1].key)


Make = Callable[[Typed], dict[str, Any] | None]
FORMS: dict[str, tuple[Make, Sender]] = {
    form_events.CONFIRMED: (confirmed, Sender(SUPPLIER, (Role.SUPPLIER,))),
    form_events.DESPATCHED: (despatched, Sender(SUPPLIER, (Role.SUPPLIER,))),
    form_events.ANSWERED: (answered, Sender(SUPPLIER, (Role.SUPPLIER,))),
    form_events.CAPACITY: (declared, Sender(SUPPLIER, (Role.SUPPLIER,))),
    form_events.DISPUTED: (disputed, Sender(SUPPLIER, (Role.SUPPLIER,))),
    form_events.DISPUTE_ANSWERED: (dispute_answered, Sender(BUYER, (Role.BUYER,))),
}
"""By event type: the function that makes the event's data from a form, and the form's sender."""

NAMES = [
    *(f"{name}-{n}" for name in ("line", "answer", "date", "quantity", "item") for n in "0129"),
    *("despatch_no", "expected_on", "expected_time", "vehicle", "step", "answered_on", "process"),
    *("valid_from", "quantity_per_month", "uom", "others", "reason", "evidence", "answer", "note"),
    *("line-", "line-٣", "line-00", "item-x", ""),
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        [
            *("accepted", "changed", "rejected", "corrected", "upheld", "containment", "H87"),
            *("corrective_action", "1500", "12,5", "1.000", "0", "-1", "1e9", "NaN", "x" * 10_000),
            *("2026-11-25", "25/12/2026", "31/02/2027", "2026-11-22", "https://x.example/a?b=c"),
            *('["PO1", "10"]', '["PO1", "30"]', '["BRK"]', "a\nb", "\x00", "<script>", "14:30"),
        ]
    ),
)


def accepted_event(event_type: str, data: Mapping[str, Any]) -> Accepted:
    """Return the event as the intake accepts it from the form's sender."""
    sender = FORMS[event_type][1]
    source = form_events.source_of(sender.partner)
    taken = validate(
        form_events.event(event_type, dict(data), source, "f00d", NOW), sender, now=NOW
    )
    assert isinstance(taken, Accepted), taken
    return taken


@pytest.mark.parametrize("event_type", FORMS)
@given(typed=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=14))
def test_whatever_is_typed_gives_a_valid_event_or_a_fault(
    event_type: str, typed: dict[str, str]
) -> None:
    carried = {f"line-{n}": form_events.hidden_value(line.key) for n, line in enumerate(LINES)}
    filled = Typed({**carried, **typed})
    data = FORMS[event_type][0](filled)
    assert (data is None) == bool(filled.faults)
    if data is not None:
        assert accepted_event(event_type, data).supplier_id == SUPPLIER
    for language in LANGUAGES.values():
        assert all(filled.said(language).values())


def test_an_order_is_answered_line_by_line() -> None:
    data = confirmed(
        form(answer__0="accepted", answer__1="changed", date__1="7/12/2026", quantity__1="12,5")
    )
    assert data == {
        "buyer_id": BUYER,
        "supplier_id": SUPPLIER,
        "order_no": "PO1",
        "lines": [
            {"line_no": "10", "status": "accepted"},
            {
                "line_no": " 2\"0'<b> ",
                "status": "changed",
                "confirmed_date": "2026-12-07",
                "confirmed_quantity": "12.5",
            },
        ],
    }
    accepted_event(form_events.CONFIRMED, data)


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({}, "answer-0"),
        ({"answer__0": "perhaps"}, "answer-0"),
        ({"answer__0": "changed"}, "date-0"),
        ({"answer__0": "changed", "date__0": "2026-12-01", "quantity__0": "100"}, "date-0"),
        ({"answer__0": "accepted", "date__0": "2026-12-02"}, "answer-0"),
        ({"answer__0": "rejected", "quantity__0": "50"}, "answer-0"),
        ({"date__1": "2026-12-09"}, "answer-1"),
        ({"answer__0": "changed", "date__0": "2026-11-21"}, "date-0"),
        ({"answer__0": "changed", "quantity__0": "1.000"}, "quantity-0"),
        ({"answer__0": "changed", "quantity__0": "0"}, "quantity-0"),
        ({"answer__2": "accepted"}, "answer-2"),
        ({"line__7": '["PO9", "10"]', "answer__7": "accepted"}, ""),
    ],
)
def test_an_empty_or_contradictory_answer_is_a_fault(typed: dict[str, str], at: str) -> None:
    filled = form(**typed)
    assert confirmed(filled) is None
    assert list(filled.faults) == [at]


def test_a_line_that_is_in_a_form_twice_is_sent_once() -> None:
    typed = form(
        line__5=form_events.hidden_value(LINES[0].key), answer__0="accepted", answer__5="accepted"
    )
    data = confirmed(typed)
    assert data is not None
    assert len(data["lines"]) == 1


def test_a_delivery_has_the_lines_with_a_quantity() -> None:
    data = despatched(
        form(
            despatch_no="SJ-7",
            quantity__0="30",
            quantity__1="",
            quantity__2="0",
            expected_on="23/11/2026",
            expected_time="7.30",
            vehicle="G 1234 AB",
        )
    )
    assert data == {
        "buyer_id": BUYER,
        "supplier_id": SUPPLIER,
        "despatch_no": "SJ-7",
        "lines": [{"order_no": "PO1", "line_no": "10", "quantity": "30"}],
        "expected_at": "2026-11-23T07:30:00+07:00",
        "vehicle": "G 1234 AB",
    }
    accepted_event(form_events.DESPATCHED, data)
    plain = despatched(form(despatch_no="SJ-8", quantity__0="1", expected_on="2026-11-23"))
    assert plain is not None
    assert plain["expected_at"] == "2026-11-23T12:00:00+07:00"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"quantity__0": "1"}, "despatch_no"),
        ({"despatch_no": "SJ"}, "quantity-0"),
        ({"despatch_no": "SJ", "quantity__0": "0"}, "quantity-0"),
        ({"despatch_no": "SJ", "quantity__0": "1", "expected_time": "10:00"}, "expected_on"),
        ({"despatch_no": "x" * 65, "quantity__0": "1"}, "despatch_no"),
        ({"despatch_no": "SJ", "quantity__0": "1", "expected_on": "1/1/2020"}, "expected_on"),
        ({"despatch_no": "SJ", "quantity__0": "1", "vehicle": "x" * 65}, "vehicle"),
    ],
)
def test_an_incomplete_or_invalid_delivery_is_a_fault(typed: dict[str, str], at: str) -> None:
    filled = form(**typed)
    assert despatched(filled) is None
    assert list(filled.faults) == [at]


def test_a_step_is_done_now_or_at_noon_of_an_earlier_day() -> None:
    today = answered(form(step="corrective_action", answered_on="2026-11-22"))
    assert today is not None
    assert today["answered_at"] == NOW.isoformat()
    before = answered(form(step="corrective_action", answered_on="12/11/2026"))
    assert before is not None
    assert before["answered_at"] == "2026-11-12T12:00:00+07:00"
    assert accepted_event(form_events.ANSWERED, before)


@pytest.mark.parametrize(
    ("step", "on", "at"),
    [
        ("containment", "2026-11-22", "step"),
        ("closing", "2026-11-22", "step"),
        ("corrective_action", "2026-11-09", "answered_on"),
        ("corrective_action", "2026-11-23", "answered_on"),
    ],
)
def test_a_step_that_is_already_done_or_an_impossible_day_is_a_fault(
    step: str, on: str, at: str
) -> None:
    filled = form(step=step, answered_on=on)
    assert answered(filled) is None
    assert list(filled.faults) == [at]


def test_the_day_of_an_answer_is_the_day_at_the_site() -> None:
    # 20:00 UTC is already the next day in Jakarta, so the step is done on that day, now.
    late = NOW.replace(hour=20)
    typed = form(step="corrective_action", answered_on=(TODAY + timedelta(days=1)).isoformat())
    data = form_events.complaint_answer(typed, SUPPLIER, COMPLAINT, late, ZONE)
    assert data is not None
    assert data["answered_at"] == late.isoformat()


def test_a_capacity_names_its_items_once() -> None:
    data = declared(
        form(
            process="bubut",
            valid_from="2026-12-01",
            quantity_per_month="640",
            uom="H87",
            item__0='["A"]',
            item__1='["B"]',
            others="B\nC",
        )
    )
    assert data == {
        "supplier_id": SUPPLIER,
        "process": "bubut",
        "valid_from": "2026-12-01",
        "quantity_per_month": "640",
        "uom": "H87",
        "items": ["A", "B", "C"],
    }
    accepted_event(form_events.CAPACITY, data)
    filled = form(process="bubut", valid_from="2026-12-01", quantity_per_month="640")
    assert declared(filled) is None
    assert list(filled.faults) == ["others"]


def test_a_buyer_who_upholds_the_data_must_give_a_reason() -> None:
    filled = form(answer="upheld")
    assert dispute_answered(filled) is None
    assert list(filled.faults) == ["note"]
    assert dispute_answered(form(answer="corrected")) is not None


def test_faults_of_the_intake_are_shown_at_their_field() -> None:
    assert form_events.field_of("/data/reason") == "reason"
    assert form_events.field_of("/data/expected_at") == "expected_on"
    assert form_events.field_of("/data/lines/0/quantity") == form_events.field_of("") == ""
