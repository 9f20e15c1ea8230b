"""The event that Rantai sends: examples, the round trip, and that nobody can send it to Rantai."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from schemas.catalogue import CATALOGUE, EVENT, Role
from schemas.readiness import (
    READINESS_CHANGED,
    READINESS_SOURCE,
    AssessedStage,
    Change,
    ReadinessChanged,
    ReadinessEvent,
    readiness_event,
)
from schemas.validation import Rejected, Sender, parse, validate

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas/examples" / READINESS_CHANGED
CLOUDEVENTS = ROOT / "../shared/data/cloudevents/cloudevents.schema.json"
ANNOUNCED_AT = datetime(2026, 11, 1, 8, 2, 3, tzinfo=timezone(timedelta(hours=7)))

# The invalid examples whose rule JSON Schema cannot express: it is about two fields at once.
BEYOND_JSON_SCHEMA = {
    "another-subject",
    "assessor-of-a-grade",
    "change-without-kpi",
    "gates-of-a-stage",
    "no-change",
    "stage-of-a-grade",
    "stage-twice",
    "stands-elsewhere",
}

_FILE = json.loads(
    (ROOT / f"schemas/generated/types/{READINESS_CHANGED}.schema.json").read_text("utf-8")
)
SCHEMA = jsonschema.Draft202012Validator(_FILE, format_checker=jsonschema.FormatChecker(["date"]))


def files(kind: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted(EXAMPLES.glob(f"{kind}*.json"))]


def text(name: str = "valid") -> str:
    return (EXAMPLES / f"{name}.json").read_text("utf-8")


def raised() -> ReadinessChanged:
    """Return the change of a supplier whose published grade rises from C to B."""
    return ReadinessChanged(
        supplier_id="IKM-0042",
        as_of=date(2026, 11, 1),
        policy_version="2026-11-01",
        changed=Change(
            what="published_grade", from_="C", to="B", kpi="mean_days_late", change=4.125
        ),
        published="B",
        stages=[AssessedStage(assessor="YDBA", value="Pra-Mandiri")],
        score=87.25,
    )


# --- examples


@pytest.mark.parametrize("path", files("valid"))
def test_a_valid_example_is_valid_and_written_as_it_was_read(path: Path) -> None:
    sent = json.loads(path.read_text("utf-8"))
    SCHEMA.validate(sent)
    event = ReadinessEvent.model_validate_json(path.read_bytes())
    written = readiness_event(event.data, id=event.id, time=event.time)
    assert json.loads(written) == sent
    assert list(json.loads(written)) == list(sent)
    assert ReadinessEvent.model_validate_json(written) == event


@pytest.mark.parametrize("path", files("invalid-"))
def test_an_invalid_example_is_refused_at_exactly_its_pointer(path: Path) -> None:
    example = json.loads(path.read_text("utf-8"))
    assert example["why"]
    with pytest.raises(ValidationError) as refusal:
        ReadinessEvent.model_validate_json(json.dumps(example["event"]))
    found = ["".join(f"/{step}" for step in row["loc"]) for row in refusal.value.errors()]
    assert found == [example["pointer"]]
    beyond = path.stem.removeprefix("invalid-") in BEYOND_JSON_SCHEMA
    assert SCHEMA.is_valid(example["event"]) == beyond


def test_there_are_examples_of_a_grade_a_gate_and_a_stage() -> None:
    data = [json.loads(text(name))["data"] for name in ("valid", "valid-gate", "valid-stage")]
    assert [one["changed"]["what"] for one in data] == ["published_grade"] * 2 + ["stage"]
    assert data[1]["changed"]["gates"]
    assert data[2]["changed"]["limits"]


# --- the written event


def test_the_written_event_is_the_example() -> None:
    example = json.loads(text())
    assert json.loads(readiness_event(raised(), id=example["id"], time=ANNOUNCED_AT)) == example


def test_the_event_is_utf_8_on_one_line_with_every_field_and_its_time_in_utc() -> None:
    value = readiness_event(raised(), id="kelas naik ↑", time=ANNOUNCED_AT)
    assert "kelas naik ↑".encode() in value
    assert b"\n" not in value
    event = json.loads(value)
    assert event["time"] == "2026-11-01T01:02:03Z"
    assert (event["source"], event["subject"]) == (READINESS_SOURCE, "IKM-0042")
    assert set(event["data"]) == set(ReadinessChanged.model_fields)
    assert event["data"]["changed"]["assessor"] is None
    assert "from_" not in event["data"]["changed"]
    fine = readiness_event(raised(), id="1", time=datetime(2026, 11, 1, 1, 2, 3, 40, tzinfo=UTC))
    assert json.loads(fine)["time"] == "2026-11-01T01:02:03.000040Z"
    SCHEMA.validate(json.loads(fine))


@pytest.mark.parametrize("score", [0.0, 0.1 + 0.2, 200 / 3, 89.99999999999999, 100.0])
def test_a_score_is_read_as_it_was_written(score: float) -> None:
    data = ReadinessChanged.model_validate({**raised().model_dump(), "score": score})
    value = readiness_event(data, id="1", time=ANNOUNCED_AT)
    assert json.loads(value)["data"]["score"] == score
    assert ReadinessEvent.model_validate_json(value).data == data


@pytest.mark.parametrize(
    ("id_", "time"),
    [
        ("", ANNOUNCED_AT),
        ("a\nb", ANNOUNCED_AT),
        ("x" * 513, ANNOUNCED_AT),
        ("1", ANNOUNCED_AT.replace(tzinfo=None)),
    ],
)
def test_an_id_or_time_that_cloudevents_forbids_is_not_written(id_: str, time: datetime) -> None:
    with pytest.raises(ValueError, match="validation error"):
        readiness_event(raised(), id=id_, time=time)


def test_a_score_that_is_no_number_is_not_written() -> None:
    for score in (float("nan"), float("inf"), "87.25", True, -0.001):
        with pytest.raises(ValidationError):
            ReadinessChanged.model_validate({**raised().model_dump(), "score": score})


@pytest.mark.parametrize("path", files("valid"))
def test_the_written_event_conforms_to_cloudevents(path: Path) -> None:
    if not CLOUDEVENTS.exists():
        pytest.skip("the CloudEvents JSON schema (../shared/data/cloudevents) is missing")
    schema = jsonschema.Draft7Validator(json.loads(CLOUDEVENTS.read_text()))
    event = ReadinessEvent.model_validate_json(path.read_bytes())
    schema.validate(json.loads(readiness_event(event.data, id=event.id, time=event.time)))


def test_a_reader_keeps_extensions_that_were_added_on_the_way() -> None:
    event = {**json.loads(text()), "partitionkey": "IKM-0042"}
    SCHEMA.validate(event)
    assert ReadinessEvent.model_validate(event).model_extra == {"partitionkey": "IKM-0042"}


# --- Rantai sends it and never accepts it


@pytest.mark.parametrize("source", [READINESS_SOURCE, "/erp/AHM/sap-prd", "/erp/rantai/readiness"])
def test_nobody_can_send_a_grade_to_rantai(source: str) -> None:
    assert READINESS_CHANGED not in CATALOGUE
    event = parse(json.dumps({**json.loads(text()), "source": source}).encode())
    with pytest.raises(ValidationError):
        EVENT.validate_python(event)
    for partner in ("AHM", "IKM-0042", "rantai"):
        outcome = validate(event, Sender(partner, tuple(Role)))
        assert isinstance(outcome, Rejected)
        assert [fault.pointer for fault in outcome.faults] == ["/type"]


def test_the_schema_of_incoming_events_does_not_have_it() -> None:
    union = json.loads((ROOT / "schemas/generated/event.schema.json").read_text("utf-8"))
    assert READINESS_CHANGED not in union["$defs"]
    assert not jsonschema.Draft202012Validator(union).is_valid(json.loads(text()))


def test_the_catalogue_says_that_rantai_sends_it() -> None:
    page = (ROOT / "schemas/CATALOGUE.md").read_text("utf-8")
    section = page.partition("## What Rantai sends\n")[2]
    assert f"### {READINESS_CHANGED}\n" in section
    for name in ("changed.from", "changed.kpi", "stages[].value", "published"):
        assert f"| `{name}` | yes |" in section
    assert text() in section
