"""Bad events over HTTP get their documented answer, never a 500, and harm no other event."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.asking import Asking, accepted, problem
from tests.integration.bad_events import (
    BATCHED,
    BINARY,
    CASES,
    LINES,
    MANY_EVENTS,
    MODES,
    ONE_EVENT,
    STRUCTURED,
    Bad,
    Text,
    order,
    request,
)
from tests.integration.process import Up, rantai

Landed = defaultdict[str, set[str]]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Run `rantai up` in Jakarta's time zone, so that a time without a zone would be noticed."""
    up = Up(tmp_path_factory.mktemp("bad") / "data", environment={"TZ": "Asia/Jakarta"})
    asking = Asking(up)
    up.start()
    yield asking
    up.end()


@pytest.fixture(scope="module")
def landed() -> Landed:
    """The numbers of the valid orders that were sent beside bad ones, by content mode."""
    return defaultdict(set)


def supplier_of(mode: str) -> str:
    """Return the supplier whose orders are sent in a content mode."""
    return "IKM-" + mode.removeprefix("application/").replace("+", "-")


@pytest.mark.parametrize("mode", ONE_EVENT)
@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_a_bad_event_alone(asking: Asking, bad: Bad, mode: str) -> None:
    event = bad.of(order(f"bad-{bad.name}", supplier_of(mode)))
    answer = asking.post(*request(mode, event))
    assert answer.status_code == (403 if bad.forbidden else 422), answer.text
    outcome = answer.json()
    assert (outcome["accepted"], len(outcome["rejected"])) == (0, 1)
    named(outcome["rejected"][0], 0, event, bad)


@pytest.mark.parametrize("mode", MANY_EVENTS)
def test_bad_events_between_good_ones(asking: Asking, landed: Landed, mode: str) -> None:
    supplier = supplier_of(mode)
    good = [order(bad.name, supplier) for bad in CASES]
    spoilt = [bad.of(order(f"bad-{bad.name}", supplier)) for bad in CASES]
    answer = asking.post(*request(mode, *chain.from_iterable(zip(good, spoilt, strict=True))))
    assert answer.status_code == 202, answer.text
    outcome = answer.json()
    assert outcome["accepted"] == len(good) == len(outcome["rejected"])
    for place, (rejected, event, bad) in enumerate(
        zip(outcome["rejected"], spoilt, CASES, strict=True)
    ):
        named(rejected, 2 * place + 1, event, bad)
    landed[mode] |= {bad.name for bad in CASES}


def named(rejected: dict[str, Any], index: int, event: Text, bad: Bad) -> None:
    """Assert that the rejection states the event's index and id and the error of the fault."""
    assert (rejected["index"], rejected["id"]) == (index, event.id[:512])
    messages = {error["pointer"]: error["message"] for error in rejected["errors"]}
    assert bad.message in messages[bad.pointer], rejected


@pytest.mark.parametrize("mode", MODES)
def test_only_the_good_were_stored(asking: Asking, landed: Landed, mode: str) -> None:
    supplier = supplier_of(mode)
    accepted(asking.post(*request(mode, order("after all", supplier))))
    assert asking.orders(supplier) == sorted({"after all"} | landed[mode])


@pytest.mark.parametrize("mode", MANY_EVENTS)
def test_one_bad_among_999_good(asking: Asking, mode: str) -> None:
    supplier = f"{supplier_of(mode)}-999"
    events = [order(f"{place}", supplier) for place in range(1000)]
    events[500] = next(bad for bad in CASES if bad.name == "nan").of(events[500])
    answer = asking.post(*request(mode, *events))
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 999
    assert [row["index"] for row in answer.json()["rejected"]] == [500]
    assert len(asking.lines(supplier)) == 999


@pytest.mark.parametrize("mode", [STRUCTURED, BATCHED, BINARY])
@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"{", "not JSON"),
        (b"order,line,quantity\n", "not JSON"),
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "not JSON"),
        (order("1").json.replace('"A"', '"\u00e9"').encode("latin-1"), "not UTF-8: byte"),
        (order("1").json.encode("utf-16"), "not UTF-8: byte 0"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'{"a": 1} trailing', "not JSON"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_what_is_no_json_is_a_400(asking: Asking, mode: str, body: bytes, part: str) -> None:
    headers, _ = request(mode, order("no json"))
    problem(asking.post(headers, body), 400, part)


def test_a_line_that_is_no_json_spoils_itself_alone(asking: Asking) -> None:
    good = [order(f"line {place}", "IKM-LINES").json.encode() for place in range(3)]
    latin = good[2].replace(b'"A"', b'"\xe9"')
    deep = b"[" * 5000
    body = b"\r\n".join([b"\xef\xbb\xbf" + good[0], b"{", b"", latin, deep, good[1], b""])
    answer = asking.post({"content-type": LINES}, body)
    assert answer.status_code == 202, answer.text
    outcome = answer.json()
    assert outcome["accepted"] == 2
    assert [(row["index"], row["id"]) for row in outcome["rejected"]] == [
        (1, None), (2, None), (3, None)
    ]  # fmt: skip
    assert asking.orders("IKM-LINES") == ["line 0", "line 1"]
    problem(asking.post({"content-type": LINES}, b"{\n[\n"), 400, "no line is JSON")


@pytest.mark.parametrize("mode", MODES)
def test_an_abyss_is_its_events_fault(asking: Asking, mode: str) -> None:
    supplier = supplier_of(mode) + "-deep"
    for depth in (150, 250):
        good, deep = order(f"{depth}", supplier), order(f"deep {depth}", supplier)
        deep = Text(deep.attributes, deep.data.replace('"A"', '{"a":' * depth + "1" + "}" * depth))
        answers = (
            [asking.post(*request(mode, deep, good))]
            if mode in MANY_EVENTS
            else [asking.post(*request(mode, event)) for event in (deep, good)]
        )
        assert [answer.status_code for answer in answers] == [422, 202][-len(answers) :]
        assert answers[0].json()["rejected"][0]["id"] == deep.id
    assert asking.orders(supplier) == ["150", "250"]


def test_a_lone_bad_line_is_the_events_fault(asking: Asking) -> None:
    answer = asking.post({"content-type": LINES}, b'{"id": "x", "data": NaN}')
    assert answer.status_code == 422, answer.text
    assert answer.json()["rejected"][0]["id"] == "x"


@pytest.mark.parametrize(
    ("mode", "body"), [(BATCHED, b"[]"), ("application/json", b"[]"), (LINES, b""), (LINES, b"\n")]
)
def test_an_empty_batch(asking: Asking, mode: str, body: bytes) -> None:
    answer = asking.post({"content-type": mode}, body)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "rejected": []})


def test_shapes_that_are_no_event(asking: Asking) -> None:
    problem(asking.post({"content-type": STRUCTURED}, b"[]"), 400, BATCHED)
    problem(asking.post({"content-type": BATCHED}, b"{}"), 400, "array")
    for body in (b"null", b"5", b'"x"'):
        answer = asking.post({"content-type": STRUCTURED}, body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["rejected"][0]["errors"][0]["pointer"] == ""


@pytest.mark.parametrize("mode", MODES)
def test_a_byte_order_mark_is_ignored(asking: Asking, mode: str) -> None:
    headers, body = request(mode, order("bom", supplier_of(mode) + "-bom"))
    accepted(asking.post(headers, b"\xef\xbb\xbf" + body))
    assert asking.orders(supplier_of(mode) + "-bom") == ["bom"]


@pytest.mark.parametrize("mode", MODES)
def test_quotes_in_numbers_and_ids_are_lawful(asking: Asking, mode: str) -> None:
    number = "a'b\"c\\d\\N {x} %s \u00e9\U0001f600;--"
    supplier = supplier_of(mode) + "-quote"
    for _ in range(2):
        accepted(asking.post(*request(mode, order(number, supplier))))
    (line,) = asking.lines(supplier)
    assert line["order_no"] == number
    assert line["events"] == [{"source": "/erp/AHM/sap", "id": f"{supplier} {number}"}]


def test_the_same_event_in_every_mode_counts_once(asking: Asking) -> None:
    for mode in MODES:
        accepted(asking.post(*request(mode, order("same", "IKM-SAME"))))
    (line,) = asking.lines("IKM-SAME")
    assert line["events"] == [{"source": "/erp/AHM/sap", "id": "IKM-SAME same"}]


def test_other_content_under_the_same_id_is_a_conflict(asking: Asking) -> None:
    first = order("conflict", "IKM-CONFLICT")
    for event in (first, Text(first.attributes, first.data.replace(": 5", ": 6"))):
        accepted(asking.post(*request(STRUCTURED, event)))
    (line,) = asking.lines("IKM-CONFLICT")
    assert line["ordered"] == 5
    assert asking.up.reconcile()["missing"] == 0
    told = json.loads(rantai("rejected", "list", "--data-dir", str(asking.up.data_dir), "--json"))
    (row,) = [row for row in told["rejected"] if row["event_id"] == first.id]
    assert (row["reason"], row["sender"], row["topic"]) == ("conflict", "AHM", "rantai.orders")
    assert row["errors"][0]["pointer"] == "/id"
    assert datetime.fromisoformat(row["rejected_at"]).utcoffset() == timedelta()


def test_further_attributes_reach_no_column_of_the_store(asking: Asking) -> None:
    good = order("extended", "IKM-EXTENDED")
    further = {"batch": "1", "content": "x", "precedence": "9", "sender": "TMMIN"}
    accepted(asking.post(*request(STRUCTURED, Text({**good.attributes, **further}, good.data))))
    assert asking.orders("IKM-EXTENDED") == ["extended"]


def test_headers_of_binary_mode(asking: Asking) -> None:
    headers, body = request(BINARY, order("headers", "IKM-HEADERS"))
    accepted(asking.post({**headers, "ce-id": "Euro%20%E2%82%AC%20%F0%9F%98%80"}, body))
    accepted(asking.post({**headers, "ce-id": '"quoted \\"as before\\" 1.0.1"'}, body))
    (line,) = asking.lines("IKM-HEADERS")
    ids = {event["id"] for event in line["events"]}
    assert ids == {"Euro \u20ac \U0001f600", 'quoted "as before" 1.0.1'}
    for broken in ("%FF", "%E2%82", "%ED%A0%80"):
        answer = asking.post({**headers, "ce-id": broken}, body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["rejected"][0]["errors"][0]["pointer"] == "/id"
    without = {name: value for name, value in headers.items() if name != "ce-specversion"}
    answer = asking.post(without, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["rejected"][0]["errors"]] == [
        "/specversion"
    ]
    # In structured mode the body alone counts, whatever a router copied into the headers.
    accepted(
        asking.post({**headers, **request(STRUCTURED, order("x"))[0]}, order("x").json.encode())
    )


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
    mode=st.sampled_from([*MODES, "application/json; charset=latin-1", "text/csv", "", "a;=;\\"]),
    headers=st.dictionaries(
        st.sampled_from(["ce-id", "ce-type", "ce-specversion", "ce-x_", "content-encoding"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=9),
        max_size=2,
    ),
)
def test_nothing_makes_it_fail(
    asking: Asking, body: bytes, mode: str, headers: dict[str, str]
) -> None:
    answer = asking.post({"content-type": mode, **headers}, body)
    if answer.status_code == 202:
        assert answer.json() == {"accepted": 0, "rejected": []}, body
    else:
        assert answer.status_code in (400, 415, 422), (answer.status_code, answer.text)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.lists(st.sampled_from(["id", "time", "source", "type", "data", "x"]), max_size=1),
    value=JSON,
)
def test_no_value_anywhere_makes_it_fail(asking: Asking, path: list[str], value: Any) -> None:
    event = json.loads(order("fuzz", "IKM-FUZZ").json)
    if path:
        event[path[0]] = value
    else:
        event["data"]["lines"][0]["description"] = value
    answer = asking.post({"content-type": BATCHED}, json.dumps([event]).encode())
    assert answer.status_code in (202, 400, 403, 422), (answer.status_code, answer.text)


def test_at_the_end_nothing_is_missing(asking: Asking) -> None:
    answer = asking.up.reconcile()
    assert answer["missing"] == 0
    total = answer["total"]
    assert total["accepted"] == total["stored"] + total["rejected"]
    assert "request_failed" not in Path(asking.up.data_dir / "up.log").read_text()
