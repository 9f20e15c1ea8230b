"""Generate the JSON Schemas, the AsyncAPI document and the event catalogue from the models.

`python -m schemas.generate` writes the files; with `--check` it compares them with those on disk
and fails if any is stale.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from schemas import catalogue_page
from schemas.catalogue import (
    CANONICAL_TOPICS,
    CATALOGUE,
    INBOUND_PREFIX,
    READINESS,
    REJECTED,
    AnyEvent,
    EventType,
)
from schemas.fields import Document
from schemas.readiness import READINESS_CHANGED, ReadinessChanged, ReadinessEvent

FOLDER: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_TOPIC_MEANINGS: Final = {
    "rantai.orders": "Validated orders, changes, confirmations and cancellations.",
    "rantai.deliveries": "Validated despatch notices, receipts, reversals and returns.",
    "rantai.quality": "Validated inspections, complaints, their answers, and disputes.",
    "rantai.partners": "Validated master data, certificates, assessments and partnerships.",
    REJECTED: "What was refused, with the reason, source topic and offset; can be replayed.",
    READINESS: "Compacted: a supplier's grade or stage changed, with the figure that moved it.",
}


class _Untitled(GenerateJsonSchema):
    """JSON Schema without a title on every field: "Line No" says no more than `line_no`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _models() -> dict[str, type[BaseModel]]:
    """Return the model of each branch of the union, by event type."""
    branches = get_args(get_args(AnyEvent)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in branches}


def _branch(row: EventType) -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of one event type, and the definitions that it refers to."""
    schema = _models()[row.name].model_json_schema(schema_generator=_Untitled)
    definitions: dict[str, Schema] = schema.pop("$defs")
    schema["title"] = row.name
    schema["description"] = inspect.getdoc(row.data)
    return schema, definitions


def type_schema(row: EventType) -> Schema:
    """Return the JSON Schema of one event type: envelope and document."""
    schema, definitions = _branch(row)
    head = {"$schema": DIALECT, "$id": f"urn:rantai:event:{row.name}"}
    return {**head, **schema, "$defs": definitions}


def event_schema() -> Schema:
    """Return the JSON Schema of the union: any event that Rantai accepts."""
    definitions: dict[str, Schema] = {}
    for row in CATALOGUE.values():
        branch, of_branch = _branch(row)
        definitions |= {**of_branch, row.name: branch}
    return {
        "$schema": DIALECT,
        "$id": "urn:rantai:event",
        "title": "Rantai event",
        "description": "One business document of the supply chain, as a CloudEvent.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in CATALOGUE],
        "$defs": dict(sorted(definitions.items())),
    }


def readiness_schema() -> Schema:
    """Return the JSON Schema of the event that Rantai sends; every field is always present."""
    schema = ReadinessEvent.model_json_schema(schema_generator=_Untitled, mode="serialization")
    definitions: dict[str, Schema] = schema.pop("$defs")
    schema["title"] = READINESS_CHANGED
    schema["description"] = inspect.getdoc(ReadinessChanged)
    head = {"$schema": DIALECT, "$id": f"urn:rantai:event:{READINESS_CHANGED}"}
    return {**head, **schema, "$defs": definitions}


def _channel_key(topic: str) -> str:
    return topic.removeprefix("rantai.").rstrip(".")


def _channels() -> dict[str, Schema]:
    channels: dict[str, Schema] = {
        _channel_key(INBOUND_PREFIX): {
            "address": INBOUND_PREFIX + "{partner}",
            "description": "Untrusted events of one sender, the same JSON as over HTTP.",
            "parameters": {"partner": {"description": "The sender's partner id."}},
            "messages": _message_references(CATALOGUE),
        }
    }
    for topic in CANONICAL_TOPICS:
        names = [row.name for row in CATALOGUE.values() if row.topic == topic]
        channels[_channel_key(topic)] = {
            "address": topic,
            "description": f"{_TOPIC_MEANINGS[topic]} Key: the supplier's id.",
            "messages": _message_references(names),
        }
    channels[_channel_key(REJECTED)] = {
        "address": REJECTED,
        "description": _TOPIC_MEANINGS[REJECTED],
    }
    channels[_channel_key(READINESS)] = {
        "address": READINESS,
        "description": f"{_TOPIC_MEANINGS[READINESS]} Key: the supplier's id.",
        "messages": _message_references([READINESS_CHANGED]),
    }
    return channels


def _message_references(names: Iterable[str]) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _operations() -> dict[str, Schema]:
    inbound = _channel_key(INBOUND_PREFIX)
    operations = {"receive-inbound": _operation("receive", inbound)}
    for topic in (*CANONICAL_TOPICS, REJECTED, READINESS):
        key = _channel_key(topic)
        operations[f"send-{key}"] = _operation("send", key)
    return operations


def _operation(action: str, channel: str) -> Schema:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def asyncapi() -> Schema:
    """Return the AsyncAPI 3.0 document: the topics as channels, the event types as messages."""
    messages = {row.name: _message(row.name, row.data) for row in CATALOGUE.values()}
    messages[READINESS_CHANGED] = _message(READINESS_CHANGED, ReadinessChanged)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rantai events",
            "version": "1.0.0",
            "description": "What Rantai takes from ERPs, keeps and sends, as topics and messages.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": messages},
    }


def _message(name: str, data: type[Document]) -> Schema:
    return {
        "name": name,
        "title": data.__name__,
        "summary": inspect.getdoc(data),
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"types/{name}.schema.json"},
    }


def outputs() -> dict[Path, str]:
    """Return the text of every generated file, by its path below `schemas/`."""
    types = {row.name: type_schema(row) for row in CATALOGUE.values()}
    sent = {READINESS_CHANGED: readiness_schema()}
    files = {
        Path("generated/event.schema.json"): _as_json(event_schema()),
        Path("generated/asyncapi.json"): _as_json(asyncapi()),
        Path("CATALOGUE.md"): catalogue_page.render(types, sent, FOLDER / "examples"),
    }
    for name, schema in (types | sent).items():
        files[Path(f"generated/types/{name}.schema.json")] = _as_json(schema)
    return files


def _as_json(value: Schema) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def stale(files: dict[Path, str], folder: Path) -> list[Path]:
    """Return the paths, below `folder`, of files that are missing, differ, or have no model.

    The last are JSON files in `generated/` of event types that no longer exist.
    """
    wrong = [path for path, text in files.items() if _read(folder / path) != text]
    found = (folder / "generated").rglob("*.json")
    return sorted(wrong + [path for path in _below(folder, found) if path not in files])


def _below(folder: Path, paths: Any) -> list[Path]:
    return [path.relative_to(folder) for path in paths]


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def write(files: dict[Path, str], folder: Path) -> None:
    """Write the files that are stale, and delete those of event types that no longer exist."""
    for path in stale(files, folder):
        if path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(files[path], "utf-8")
        else:
            (folder / path).unlink()


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the generated files; return 1 if a check finds a stale one, else 0."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, exit 1 when stale")
    check: bool = parser.parse_args(arguments).check
    files = outputs()
    if not check:
        write(files, folder)
        return 0
    outdated = stale(files, folder)
    for path in outdated:
        sys.stderr.write(f"stale: schemas/{path.as_posix()}\n")
    if outdated:
        sys.stderr.write("The models or examples changed. Run: make schemas\n")
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
