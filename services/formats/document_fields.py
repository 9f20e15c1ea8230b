"""Find the document fields that a mapping's values fill, and the file columns that they come from.

The fields of documents are read from their JSON Schema, so a new field of the contract is known
at once. Used by the checks of a mapping, and to find out which values are codes.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.catalogue import CATALOGUE
from schemas.fields import IDENTIFIER_PATTERN, NUMBER_PATTERN
from services.formats.columns import Choice, TextColumn, candidates, placeholders
from services.formats.mapping import EventTemplate, FileMapping


class FilledField(NamedTuple):
    """A field of a document that a value of the mapping fills.

    path: the names of the field and of those around it, without positions in lists.
    value: the name of the value. schema: the JSON Schema of the field, {} for an unknown one.
    """

    path: tuple[str, ...]
    value: str
    schema: dict[str, Any]

    @property
    def is_code(self) -> bool:
        """Whether the field is a document, line or item number, or a partner's id."""
        return self.schema.get("pattern") in (IDENTIFIER_PATTERN, NUMBER_PATTERN)

    @property
    def is_moment(self) -> bool:
        """Whether the field is a date or an instant."""
        return self.schema.get("format") in ("date", "date-time")


@lru_cache(maxsize=64)
def schema_of(event_type: str) -> dict[str, Any]:
    """Return the JSON Schema of an event type's data."""
    return CATALOGUE[event_type].data.model_json_schema()


def resolved_schema(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with references followed and `X | null` reduced to X.

    `root`: the schema of the document, which has the definitions.
    """
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
            continue
        options = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        if len(options) != 1:
            return schema
        schema = options[0]


def fields_of(event: EventTemplate) -> Iterator[FilledField]:
    """Yield the fields that an event template fills; none if its type is not in the catalogue."""
    if event.type in CATALOGUE:
        root = schema_of(event.type)
        yield from _fields(root, root, event.data, ())


def _fields(
    root: dict[str, Any], schema: dict[str, Any], template: Any, path: tuple[str, ...]
) -> Iterator[FilledField]:
    schema = resolved_schema(root, schema)
    if isinstance(template, str):
        yield FilledField(path, template, schema)
    elif isinstance(template, dict):
        known = schema.get("properties", {})
        for name, part in template.items():
            yield from _fields(root, known.get(name, {}), part, (*path, name))
    elif isinstance(template, list):
        for part in template:
            yield from _fields(root, schema.get("items", {}), part, path)


def sources_of(mapping: FileMapping, name: str) -> tuple[str, ...]:
    """Return the columns of the file that a value is read from, directly or through others."""
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
    """Return the names of the values that are used as codes, whatever their kind.

    Such values tell documents apart, or fill a field that is a number or a partner's id.
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
