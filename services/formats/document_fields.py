"""Where values go and come from: the fields of a document that they fill, the columns of the file.

The documents are read from their JSON Schema, so a field that the contract gains is known at once.
The checks of a mapping ask here, and whoever reads codes.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.catalogue import CATALOGUE
from schemas.fields import IDENTIFIER_PATTERN, NUMBER_PATTERN
from services.formats.columns import Choice, TextColumn, candidates, placeholders
from services.formats.mapping import EventTemplate, FileMapping


class Field(NamedTuple):
    """A value's place in a document: its path (without numbers of elements) and its schema."""

    path: tuple[str, ...]
    value: str
    schema: dict[str, Any]

    @property
    def is_code(self) -> bool:
        """Whether a document, line or item number, or a partner's id stands here."""
        return self.schema.get("pattern") in (IDENTIFIER_PATTERN, NUMBER_PATTERN)

    @property
    def is_moment(self) -> bool:
        """Whether a date or an instant stands here."""
        return self.schema.get("format") in ("date", "date-time")


@lru_cache(maxsize=64)
def schema_of(event_type: str) -> dict[str, Any]:
    """Return the JSON Schema of an event type's data."""
    return CATALOGUE[event_type].data.model_json_schema()


def resolved(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what is there: references followed, "or null" taken off."""
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            continue
        options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        if len(options) != 1:
            return schema
        schema = options[0]


def fields_of(event: EventTemplate) -> Iterator[Field]:
    """Yield the fields that a template fills; what the document does not have is passed over."""
    if event.type in CATALOGUE:
        root = schema_of(event.type)
        yield from _fields(root, root, event.data, ())


def _fields(
    root: dict[str, Any], schema: dict[str, Any], template: Any, path: tuple[str, ...]
) -> Iterator[Field]:
    schema = resolved(root, schema)
    if isinstance(template, str):
        yield Field(path, template, schema)
    elif isinstance(template, dict):
        known = schema.get("properties", {})
        for name, part in template.items():
            yield from _fields(root, known.get(name, {}), part, (*path, name))
    elif isinstance(template, list):
        for part in template:
            yield from _fields(root, schema.get("items", {}), part, path)


def sources_of(mapping: FileMapping, name: str) -> tuple[str, ...]:
    """Return the columns of the file that a value is read from, itself or by way of others."""
    column = mapping.columns.get(name)
    if column is None:
        return ()
    if isinstance(column, Choice):
        names = candidates(column)
    elif isinstance(column, TextColumn) and column.template is not None:
        names = placeholders(column.template)
    else:
        return (column.source,) if column.source is not None else ()
    found = [source for each in names for source in sources_of(mapping, each)]
    return tuple(dict.fromkeys(found))


def code_values(mapping: FileMapping) -> frozenset[str]:
    """Return the values of a mapping that are codes by their use, whatever their kind.

    They tell documents apart, or stand where a document has a number or a partner's id.
    """
    waiting: list[str] = []
    for event in mapping.events:
        waiting += [*event.group_by, *placeholders(event.id)]
        waiting += [field.value for field in fields_of(event) if field.is_code]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        column = mapping.columns.get(name)
        if name in found or column is None:
            continue
        found.add(name)
        if isinstance(column, Choice):
            waiting += candidates(column)
        elif isinstance(column, TextColumn) and column.template is not None:
            waiting += placeholders(column.template)
    return frozenset(found)
