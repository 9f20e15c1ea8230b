"""The event catalogue as Markdown: a section per type, written from its JSON Schema and example."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from schemas.catalogue import CATALOGUE, READINESS, EventType, Role, may_send
from schemas.readiness import READINESS_CHANGED
from schemas.units import UNIT_ALIASES

Schema = dict[str, Any]

_HEAD: Final = """# Event catalogue

Generated from the models by `make schemas`; do not edit. What the folder is, and the decisions
behind the rules: [README.md](README.md). For machines:
[event.schema.json](generated/event.schema.json) (any event that comes in),
[types/](generated/types) (one schema a type), [asyncapi.json](generated/asyncapi.json) (topics).
"""
_TABLE_HEAD: Final = "| field | required | type | rule |\n| --- | --- | --- | --- |\n"
_SENT_HEAD: Final = """## What Rantai sends
Only Rantai writes this event, for readers of the topic; sent to Rantai it is refused. The key of a
record is the supplier's id and the topic is compacted: the latest record of a supplier stays, and
says how the supplier stands. "Required" means that the field is always there; it may be null where
the rule says so.
"""
_SENDERS: Final = {
    Role.BUYER: "the buyer (its own `buyer_id`)",
    Role.SUPPLIER: "the supplier (its own `supplier_id`)",
    Role.PROGRAMME: "the programme",
}


def render(types: dict[str, Schema], sent: dict[str, Schema], examples: Path) -> str:
    """Return the page for these types, with the valid example of each.

    `types`, `sent`: the JSON Schemas, by event type, of the events that Rantai accepts and of those
    that it sends itself. `examples`: the folder that has `<type>/valid.json`.
    """
    parts = [_HEAD, _contents(), _envelope_section(next(iter(types.values()))), _units_section()]
    parts += [_type_section(CATALOGUE[name], types[name], examples) for name in types]
    parts += [_SENT_HEAD]
    parts += [_sent_section(name, sent[name], examples) for name in sent]
    return "\n".join(parts)


def _contents() -> str:
    rows = [
        f"| [`{row.name}`](#{_anchor(row.name)}) | `{row.topic}` | {_senders(row)} |\n"
        for row in CATALOGUE.values()
    ]
    rows.append(
        f"| [`{READINESS_CHANGED}`](#{_anchor(READINESS_CHANGED)}) | `{READINESS}` |"
        " Rantai alone |\n"
    )
    return "| type | topic | sent by |\n| --- | --- | --- |\n" + "".join(rows)


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _senders(row: EventType) -> str:
    """Return who may send a type: ask `may_send` about a document of each sender's own."""
    own = SimpleNamespace(**dict.fromkeys(row.data.model_fields, "X"))
    return ", ".join(text for role, text in _SENDERS.items() if may_send(role, "X", row.name, own))


def _envelope_section(schema: Schema) -> str:
    table = _attributes(schema, type={"type": "string", "description": "one of the types below"})
    extensions = (
        "Further attributes are CloudEvents extensions: names of `a-z 0-9`, values string, boolean"
        " or integer.\n"
    )
    return (
        f"## Envelope\nThe same for every type that comes in.\n\n{_TABLE_HEAD}{table}\n{extensions}"
    )


def _units_section() -> str:
    words: dict[str, list[str]] = {}
    for word, code in UNIT_ALIASES.items():
        words.setdefault(code, []).append(word)
    rows = "".join(f"| `{code}` | {', '.join(some)} |\n" for code, some in words.items())
    return (
        "## Units\nWhat a `uom` may say beside its code, in capitals or not. Any other code of one "
        "to three letters\nand digits is kept as it was sent.\n\n"
        f"| code | words |\n| --- | --- |\n{rows}"
    )


def _attributes(schema: Schema, **instead: Schema) -> str:
    """Return the table rows of the envelope; `instead` replaces the schemas of attributes."""
    attributes = {name: part for name, part in schema["properties"].items() if name != "data"}
    return "".join(_rows({**schema, "properties": attributes | instead}, schema["$defs"], ""))


def _type_section(row: EventType, schema: Schema, examples: Path) -> str:
    return (
        f"## {row.name}\n{schema['description']}\n\n"
        f"Sent by: {_senders(row)}. Topic: `{row.topic}`. {_link(row.name)}\n\n"
        f"{_document(schema)}\n{_example(row.name, examples)}"
    )


def _sent_section(name: str, schema: Schema, examples: Path) -> str:
    return (
        f"### {name}\n{schema['description']}\n\n"
        f"Topic: `{READINESS}`. {_link(name)}\n\n"
        f"The envelope:\n\n{_TABLE_HEAD}{_attributes(schema)}\n"
        f"The document:\n\n{_document(schema)}\n{_example(name, examples)}"
    )


def _link(name: str) -> str:
    return f"Schema: [{name}.schema.json](generated/types/{name}.schema.json)."


def _document(schema: Schema) -> str:
    document = _resolved(schema["properties"]["data"], schema["$defs"])
    return _TABLE_HEAD + "".join(_rows(document, schema["$defs"], ""))


def _example(name: str, examples: Path) -> str:
    path = examples / name / "valid.json"
    example = path.read_text("utf-8") if path.exists() else "(no example yet)\n"
    return f"```json\n{example}```\n"


def _resolved(part: Schema, definitions: dict[str, Schema]) -> Schema:
    """Follow a reference, and reduce `X | null` to X with the descriptions of both joined."""
    if "$ref" in part:
        target = definitions[part["$ref"].rpartition("/")[2]]
        return {**target, **{key: part[key] for key in part if key != "$ref"}}
    branches = [branch for branch in part.get("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == 1:
        own = {key: part[key] for key in part if key != "anyOf"}
        branch = _resolved(branches[0], definitions)
        texts = [side["description"] for side in (branch, own) if "description" in side]
        return {**branch, **own} | ({"description": "; ".join(texts)} if texts else {})
    return part


def _rows(document: Schema, definitions: dict[str, Schema], prefix: str) -> Iterator[str]:
    required = document.get("required", [])
    for name, raw in document["properties"].items():
        part = _resolved(raw, definitions)
        items = _resolved(part["items"], definitions) if "items" in part else {}
        path = f"{prefix}{name}" + ("[]" if items else "")
        cells = (f"`{path}`", "yes" if name in required else "", _type_of(part), _rule(part, items))
        yield "| " + " | ".join(cells) + " |\n"
        for nested in (part, items):
            if "properties" in nested:
                yield from _rows(nested, definitions, f"{path}.")


def _type_of(part: Schema) -> str:
    if "anyOf" in part:
        return "decimal"
    if "const" in part or "enum" in part:
        return "word"
    if part.get("type") == "array":
        return "list"
    return {"date": "date", "date-time": "time"}.get(part.get("format", ""), str(part["type"]))


def _rule(part: Schema, items: Schema) -> str:
    """Return the model's description of a field's rule, or else its allowed words or limits."""
    rules = []
    if part.get("minItems"):
        rules.append(f"at least {part['minItems']}")
    if "description" in part:
        rules.append(part["description"])
    elif "const" in part or "enum" in part:
        words = part.get("enum", [part.get("const")])
        rules.append(", ".join(f"`{word}`" for word in words))
    elif "minimum" in part:
        rules.append(f"{part['minimum']} to {part['maximum']}")
    if items and "properties" not in items and "description" in items:
        rules.append(f"each: {items['description']}")
    return "; ".join(rules).replace("|", "\\|").replace("<", "&lt;")
