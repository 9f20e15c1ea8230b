"""The contract: examples, generated files, the round trip, parsing, and who may send what."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from schemas import generate
from schemas.catalogue import CATALOGUE, READINESS, Role, may_send
from schemas.fields import plain
from schemas.readiness import READINESS_CHANGED
from schemas.validation import (
    MAX_EVENT_BYTES,
    Accepted,
    NotParseable,
    Rejected,
    Sender,
    Unparseable,
    parse,
    validate,
)

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas/examples"
CLOUDEVENTS = ROOT / "../shared/data/cloudevents/cloudevents.schema.json"
ROLES = {"AHM": Role.BUYER, "IKM-0042": Role.SUPPLIER, "YDBA": Role.PROGRAMME}
ANYONE = Sender("AHM", tuple(Role))

# The invalid examples whose rule JSON Schema cannot express.
BEYOND_JSON_SCHEMA = {
    "duplicate-line-no",  # uniqueItems compares whole lines
    "invisible-character-in-order-no",  # no Unicode categories in portable patterns
    "received-at-in-2062",  # a schema does not know the present day
    "time-in-2062",
    "quantity-too-many-decimals",  # multipleOf is inexact for binary floats
    "returned-at-30-february",  # formats of times are annotations
    "source-ends-in-newline",  # Python's $ matches before a last line break, ECMA's does not
    "unknown-currency",
}


def files(kind: str) -> list[Any]:
    """Return the examples whose file names begin with `kind`, as parameters of a test."""
    every = sorted(EXAMPLES.glob(f"*/{kind}*.json"))
    found = [path for path in every if path.parent.name in CATALOGUE]
    return [pytest.param(path, id=f"{path.parent.name[10:-3]}/{path.stem}") for path in found]


def load(path: Path) -> Any:
    return parse(path.read_bytes())


def valid(name: str, variant: str = "valid") -> Any:
    return load(EXAMPLES / f"id.rantai.{name}.v1" / f"{variant}.json")


def sender_of_example(event: Any) -> Sender:
    """Return the partner in the event's source as sender, AHM if there is none."""
    partner = next((name for name in ROLES if name in str(event.get("source"))), "AHM")
    return Sender(partner, (ROLES[partner],))


def accepted(event: Any, sender: Sender | None = None) -> Accepted:
    outcome = validate(event, sender or sender_of_example(event))
    assert isinstance(outcome, Accepted), outcome
    return outcome


def changed(event: Any, pointer: str, value: Any) -> Any:
    """Return a copy of an event with another value at a JSON pointer."""
    result = copy.deepcopy(event)
    *steps, last = [int(s) if s.isdigit() else s for s in pointer[1:].split("/")]
    place = result
    for step in steps:
        place = place[step]
    place[last] = value
    return result


def json_schema(path: str) -> Any:
    schema = json.loads((ROOT / "schemas/generated" / path).read_text())
    dates = jsonschema.FormatChecker(["date"])
    return jsonschema.Draft202012Validator(schema, format_checker=dates)


UNION = json_schema("event.schema.json")


# --- examples


@pytest.mark.parametrize("path", files("valid"))
def test_a_valid_example_is_valid_for_the_models_and_both_json_schemas(path: Path) -> None:
    event = load(path)
    outcome = accepted(event)
    assert (outcome.type, outcome.id) == (path.parent.name, event["id"])
    assert outcome.topic == CATALOGUE[path.parent.name].topic
    as_sent = json.loads(path.read_text())
    UNION.validate(as_sent)
    json_schema(f"types/{path.parent.name}.schema.json").validate(as_sent)
    UNION.validate(json.loads(outcome.value))


@pytest.mark.parametrize("path", files("invalid-"))
def test_an_invalid_example_is_refused_at_exactly_its_pointer(path: Path) -> None:
    example = load(path)
    assert example["why"]
    outcome = validate(example["event"], sender_of_example(example["event"]))
    assert isinstance(outcome, Rejected)
    assert [fault.pointer for fault in outcome.faults] == [example["pointer"]]
    assert outcome.faults[0].message
    assert not outcome.forbidden


@pytest.mark.parametrize("path", files("invalid-"))
def test_json_schema_refuses_what_it_can_express(path: Path) -> None:
    event = json.loads(path.read_text())["event"]
    beyond = path.stem.removeprefix("invalid-") in BEYOND_JSON_SCHEMA
    assert UNION.is_valid(event) == beyond


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_type_has_examples(name: str) -> None:
    assert (EXAMPLES / name / "valid.json").exists()
    assert len(list((EXAMPLES / name).glob("invalid-*.json"))) >= 3


def test_every_example_belongs_to_a_type() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/*.json")}
    assert folders == {*CATALOGUE, READINESS_CHANGED}


# --- generated files


def test_generated_files_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_stale_missing_or_left_over_file_fails_the_check_and_is_put_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    (tmp_path / "CATALOGUE.md").write_text("old")
    (tmp_path / "generated/event.schema.json").unlink()
    (tmp_path / "generated/types/gone.schema.json").write_text("{}")
    assert generate.main(["--check"], tmp_path) == 1
    complaint = capsys.readouterr().err
    for name in ("CATALOGUE.md", "event.schema.json", "gone.schema.json", "make schemas"):
        assert name in complaint
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0


def test_the_generated_schemas_are_valid_and_titled() -> None:
    for path in (ROOT / "schemas/generated").rglob("*.schema.json"):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["$id"]
        assert schema["title"]


def test_asyncapi_names_every_type_once_on_its_topic() -> None:
    document = json.loads((ROOT / "schemas/generated/asyncapi.json").read_text())
    on_topic = {
        (name, channel["address"])
        for channel in document["channels"].values()
        for name in channel.get("messages", {})
        if channel["address"] != "rantai.inbound.{partner}"
    }
    taken = {(row.name, row.topic) for row in CATALOGUE.values()}
    assert on_topic == taken | {(READINESS_CHANGED, READINESS)}
    assert set(document["components"]["messages"]) == {*CATALOGUE, READINESS_CHANGED}
    assert set(document["channels"]["inbound"]["messages"]) == set(CATALOGUE)
    for message in document["components"]["messages"].values():
        assert (ROOT / "schemas/generated" / message["payload"]["$ref"]).exists()


# --- the round trip and the digest


@pytest.mark.parametrize("path", files("valid"))
def test_what_was_accepted_is_accepted_again_unchanged(path: Path) -> None:
    event = load(path)
    first = accepted(event)
    again = accepted(parse(first.value), sender_of_example(event))
    assert again == first
    assert b"\n" not in first.value


def test_the_digest_depends_on_content_and_not_on_notation() -> None:
    order = valid("order.placed")
    digest = accepted(order).content
    same = [
        changed(order, "/traceparent", None),
        changed(order, "/subject", "another"),
        changed(order, "/data/lines/0/quantity", Decimal("1200.000")),
        changed(order, "/data/lines/0/quantity", "1200.0"),
        changed(order, "/data/lines/0/quantity", Decimal("1.2E+3")),
        changed(order, "/data/lines/0/uom", "h87"),
        changed(order, "/time", "2026-09-01T01:15:00Z"),
        changed(order, "/data", dict(reversed(order["data"].items()))),
        dict(reversed(order.items())),
    ]
    assert [accepted(event).content == digest for event in same] == [True] * len(same)
    other = [
        changed(order, "/data/lines/0/quantity", "1200.000001"),
        changed(order, "/data/order_no", "4500017732"),
        changed(order, "/time", "2026-09-01T08:15:00.000001+07:00"),
        changed(order, "/data/lines", order["data"]["lines"][::-1]),
    ]
    assert [accepted(event).content == digest for event in other] == [False] * len(other)


def test_the_digest_ignores_the_order_of_targets() -> None:
    agreed = valid("partnership.agreed")
    turned = dict(reversed(agreed["data"]["targets"].items()))
    assert accepted(changed(agreed, "/data/targets", turned)) == accepted(agreed)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.0", "1"), ("1200", "1200"), ("0.50", "0.5"), ("-0.0", "0"), ("1E+3", "1000"), ("0", "0")],
)
def test_one_number_has_one_text(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_a_sender_named_in_the_event_is_replaced() -> None:
    outcome = accepted(changed(valid("order.placed"), "/sender", "YIMM"))
    assert json.loads(outcome.value)["sender"] == "AHM"


def test_trace_and_extensions_are_carried_and_null_is_absent() -> None:
    event = valid("order.placed") | {"sequence": "7", "replay": True, "gone": None}
    outcome = accepted(event)
    value = json.loads(outcome.value)
    assert (value["sequence"], value["replay"]) == ("7", True)
    assert "gone" not in value
    assert outcome.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert accepted(changed(event, "/traceparent", "of another make")).traceparent is None


def test_aliases_of_units_are_normalised() -> None:
    lines = json.loads(accepted(valid("order.placed", "valid-units")).value)["data"]["lines"]
    assert [line["uom"] for line in lines] == ["H87", "KGM"]


@pytest.mark.parametrize("path", files("valid"))
def test_an_accepted_event_conforms_to_cloudevents(path: Path) -> None:
    if not CLOUDEVENTS.exists():
        pytest.skip("the CloudEvents JSON schema (../shared/data/cloudevents) is missing")
    schema = jsonschema.Draft7Validator(json.loads(CLOUDEVENTS.read_text()))
    schema.validate(json.loads(accepted(load(path)).value))


# --- parsing

GOOD = b'{"a":1}'
ONE_BAD = {
    "duplicate key": (b'{"a":{"b":1,"b":2}}', "/a/b"),
    "NaN": (b'{"a":[0,NaN]}', "/a/1"),
    "infinity": (b'{"a":-Infinity}', "/a"),
    "endless exponent": (b'{"a":1e99999999999999999999}', "/a"),
    "lone surrogate": (b'{"a":"\\ud800"}', "/a"),
    "lone surrogate in a key": (b'{"a":{"\\udfff":1}}', "/a"),
    "deep": (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", ""),
}


@pytest.mark.parametrize("case", ONE_BAD)
def test_one_bad_element_leaves_its_neighbours_good(case: str) -> None:
    body, pointer = ONE_BAD[case]
    batch = parse(b"[" + GOOD + b"," + body + b"," + GOOD + b"]")
    assert (batch[0], batch[2]) == ({"a": 1}, {"a": 1})
    assert isinstance(batch[1], Unparseable)
    assert batch[1].fault.pointer == pointer
    alone = parse(body)
    assert isinstance(alone, Unparseable)
    outcome = validate(alone, ANYONE)
    assert isinstance(outcome, Rejected)
    assert outcome.faults == [alone.fault]


def test_a_number_of_5000_digits_is_one_events_fault() -> None:
    order = valid("order.placed")
    text = json.dumps(order).replace("1200", "9" * 5000).encode()
    batch = parse(b"[" + text + b"," + json.dumps(order).encode() + b"]")
    outcome = validate(batch[0], ANYONE)
    assert isinstance(outcome, Rejected)
    assert [fault.pointer for fault in outcome.faults] == ["/data/lines/0/quantity"]
    assert isinstance(validate(batch[1], ANYONE), Accepted)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "line 1 column 1"),
        (b'{"a":1', "line 1"),
        (b'{"a":1} x', "column 9"),
        (b'{"a":"\xff"}', "not UTF-8: byte 6 "),
        (b'\xef\xbb\xbf{"a":"\xff"}', "not UTF-8: byte 9 "),
        ('{"a":1}'.encode("utf-16"), "not UTF-8: byte 0 "),
        ("{}".encode("utf-16-le"), "not JSON"),
        (b"[" * 100_000, "deep"),
        (b"[" * 100_000 + b"]" * 100_000, "deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
    ],
)
def test_invalid_json_is_refused_with_its_place(body: bytes, message: str) -> None:
    with pytest.raises(NotParseable, match=message):
        parse(body)


def test_a_byte_order_mark_is_ignored_and_50_levels_are_read() -> None:
    assert parse(b"\xef\xbb\xbf" + GOOD) == {"a": 1}
    deep = parse(b"[" * 50 + b"]" * 50)
    assert isinstance(deep, list)


def test_numbers_are_exact() -> None:
    assert parse(b"[0.1,1e2,12345678901234567890]") == [
        Decimal("0.1"),
        Decimal("1E+2"),
        12345678901234567890,
    ]


def test_a_duplicate_key_keeps_the_events_id_for_the_answer() -> None:
    outcome = validate(parse(b'{"id":"7","data":{"x":1,"x":1}}'), ANYONE)
    assert isinstance(outcome, Rejected)
    assert (outcome.id, outcome.faults[0].pointer) == ("7", "/data/x")


# --- who may send what: the table of docs/events.md, by name

BUYER_SENDS = set(CATALOGUE) - {"id.rantai.partner.registered.v1"}
SUPPLIER_SENDS = {
    "id.rantai.order.confirmed.v1",
    "id.rantai.delivery.despatched.v1",
    "id.rantai.quality.complaint_answered.v1",
    "id.rantai.line.disputed.v1",
    "id.rantai.partner.capacity_declared.v1",
}
PROGRAMME_SENDS = {
    "id.rantai.partner.registered.v1",
    "id.rantai.partner.certified.v1",
    "id.rantai.partner.assessed.v1",
    "id.rantai.partner.coached.v1",
    "id.rantai.partner.capacity_declared.v1",
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_who_may_send_each_type(name: str) -> None:
    ids = {"buyer_id": "B", "supplier_id": "S", "partner_id": "S"}
    fields = CATALOGUE[name].data.model_fields
    data = SimpleNamespace(**{key: value for key, value in ids.items() if key in fields})
    assert may_send(Role.BUYER, "B", name, data) == (name in BUYER_SENDS)
    assert may_send(Role.SUPPLIER, "S", name, data) == (name in SUPPLIER_SENDS)
    assert may_send(Role.PROGRAMME, "P", name, data) == (name in PROGRAMME_SENDS)
    for role, partner in ((Role.BUYER, "S"), (Role.SUPPLIER, "B"), (Role.BUYER, "X")):
        assert not may_send(role, partner, name, data)


@pytest.mark.parametrize(
    ("sender", "pointer"),
    [
        (Sender("YIMM", (Role.BUYER,)), "/source"),
        (Sender("AHM", (Role.SUPPLIER,)), "/type"),
        (Sender("AHM", (Role.SUPPLIER, Role.PROGRAMME)), "/type"),
    ],
)
def test_another_sender_is_forbidden(sender: Sender, pointer: str) -> None:
    outcome = validate(valid("order.placed"), sender)
    assert isinstance(outcome, Rejected)
    assert outcome.forbidden
    assert [fault.pointer for fault in outcome.faults] == [pointer]


def test_one_partner_in_two_roles_may_send_what_either_may() -> None:
    cooperative = Sender("AHM", (Role.SUPPLIER, Role.BUYER))
    assert isinstance(validate(valid("order.placed"), cooperative), Accepted)


def test_an_event_too_large_for_a_record_is_refused() -> None:
    large = changed(valid("order.placed"), "/data/lines/0/description", "x" * MAX_EVENT_BYTES)
    outcome = validate(large, ANYONE)
    assert isinstance(outcome, Rejected)
    assert outcome.faults[0].pointer == ""
