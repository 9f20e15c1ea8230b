"""Check a mapping beyond its notation: every name is known, every document fits the contract.

The fields of documents are read from their JSON Schema, so a new field of the contract can be
mapped at once. All problems are found before the first row of a file is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.envelope import sender_of
from services.formats.columns import (
    Choice,
    Column,
    DateColumn,
    DecimalColumn,
    EarliestOf,
    LatestOf,
    TextColumn,
    TimeColumn,
    candidates,
    placeholders,
)
from services.formats.document_fields import resolved_schema, schema_of
from services.formats.mapping import EventTemplate, FileMapping
from services.formats.mapping_versions import version_problems

OWN_PLACEHOLDERS: Final = ("row", "digest")
"""Placeholders that an event's id may have besides the values of the mapping."""

_DATE, _TIME = "date", "date-time"


def problems_of(mapping: FileMapping) -> list[str]:
    """Return the problems of a mapping, each with its place in the TOML and what to do.

    A mapping without problems is usable.
    """
    problems = [*_source_problems(mapping), *_value_problems(mapping)]
    if problems:
        return problems
    for number, event in enumerate(mapping.events, 1):
        problems += [f"events[{number}].{text}" for text in _event_problems(mapping, event)]
    problems += _id_problems(mapping)
    if problems:
        return problems
    for number, event in enumerate(mapping.events, 1):
        problems += [f"events[{number}].{text}" for text in version_problems(mapping, event)]
    return problems


def _source_problems(mapping: FileMapping) -> Iterator[str]:
    try:
        sender = sender_of(mapping.event_source)
    except ValueError:
        yield "source: write /erp/{sender}/ and the name of a system, as in /erp/{sender}/sap-prd"
        return
    if sender != mapping.sender:
        yield f"source: names {sender}, but the sender is {mapping.sender}; write /erp/{{sender}}/"


def _value_problems(mapping: FileMapping) -> Iterator[str]:
    for name in mapping.columns.keys() & mapping.constants.keys():
        yield f"constants.{name}: is also a column; give one of them another name"
    for name in (*mapping.columns, *mapping.constants):
        if name in OWN_PLACEHOLDERS:
            yield f"{name}: has a meaning of its own in an id; give the value another name"
    if mapping.defaults.decimal == mapping.defaults.thousands:
        yield "defaults.thousands: is the same as 'decimal'; change one of them"
    names = set(mapping.file.names or ())
    for name, column in mapping.columns.items():
        place = f"columns.{name}"
        yield from (f"{place}: {text}" for text in _column_problems(mapping, name, column))
        source = None if isinstance(column, Choice) else column.source
        if names and source is not None and source not in names:
            yield f"{place}.from: {source!r} is not in file.names"
    for source in mapping.file.fill_down if names else ():
        if source not in names:
            yield f"file.fill_down: {source!r} is not in file.names"


def _column_problems(mapping: FileMapping, name: str, column: Column) -> Iterator[str]:
    if isinstance(column, DecimalColumn):
        decimal = mapping.defaults.decimal if column.decimal is None else column.decimal
        thousands = mapping.defaults.thousands if column.thousands is None else column.thousands
        if decimal == thousands:
            yield "'decimal' and 'thousands' are the same; change one of them"
        return
    if isinstance(column, Choice):
        names = candidates(column)
    elif isinstance(column, TextColumn) and column.template is not None:
        names = placeholders(column.template)
    else:
        return
    unknown = [each for each in names if not _is_value(mapping, each)]
    for each in unknown:
        yield _unknown_value(mapping, each)
    if unknown:
        return
    if _leads_back(mapping, name, names):
        yield "refers to itself; it must refer to other values"
    elif isinstance(column, (EarliestOf, LatestOf)):
        kinds = {_format_of(mapping, each) for each in names}
        if kinds not in ({_DATE}, {_TIME}):
            yield "compares values that are not all of kind date, or all of kind time"


def _leads_back(mapping: FileMapping, name: str, names: tuple[str, ...]) -> bool:
    waiting, seen = list(names), set[str]()
    while waiting:
        each = waiting.pop()
        column = mapping.columns.get(each)
        if each == name:
            return True
        if column is None or each in seen:
            continue
        seen.add(each)
        if isinstance(column, Choice):
            waiting += candidates(column)
        elif isinstance(column, TextColumn) and column.template is not None:
            waiting += placeholders(column.template)
    return False


def _is_value(mapping: FileMapping, name: str) -> bool:
    return name in mapping.columns or name in mapping.constants


def _unknown_value(mapping: FileMapping, name: str) -> str:
    known = [*mapping.columns, *mapping.constants]
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"add [columns.{name}], or a constant"
    return f"{name!r} is not a value of this mapping; {hint}"


def _format_of(mapping: FileMapping, name: str) -> str | None:
    """Return the JSON Schema format of a value that is a date or a time; None for any other."""
    column = mapping.columns.get(name)
    if isinstance(column, Choice):
        formats = {_format_of(mapping, each) for each in candidates(column)}
        return formats.pop() if len(formats) == 1 else None
    if isinstance(column, TimeColumn):
        return _TIME
    return _DATE if isinstance(column, DateColumn) else None


def _event_problems(mapping: FileMapping, event: EventTemplate) -> Iterator[str]:
    if event.type not in CATALOGUE:
        close = get_close_matches(event.type, CATALOGUE, 1, 0)[0]
        yield f"type: {event.type!r} is not in the catalogue; did you mean {close!r}?"
        return
    named = [("when", name) for name in event.when]
    named += [("group_by", name) for name in event.group_by]
    named += [("id", name) for name in placeholders(event.id) if name not in OWN_PLACEHOLDERS]
    named += [("subject", name) for name in placeholders(event.subject or "")]
    unknown = [(place, name) for place, name in named if not _is_value(mapping, name)]
    yield from (f"{place}: {_unknown_value(mapping, name)}" for place, name in unknown)
    yield from _time_problems(mapping, event)
    if event.group_by:
        loose = [n for n in placeholders(event.id) if _varies_in_a_group(mapping, event, n)]
        for name in loose:
            yield f"id: names {{{name}}}, which is not in group_by; rows of a document share an id"
    schema = schema_of(event.type)
    yield from _Shape(mapping, schema).problems(schema, event.data, "data")


def _varies_in_a_group(mapping: FileMapping, event: EventTemplate, name: str) -> bool:
    return name != "digest" and name not in event.group_by and name not in mapping.constants


def _time_problems(mapping: FileMapping, event: EventTemplate) -> Iterator[str]:
    if not _is_value(mapping, event.time):
        yield f"time: {_unknown_value(mapping, event.time)}"
    elif _format_of(mapping, event.time) != _TIME and event.time not in mapping.constants:
        yield f"time: {event.time!r} must be of kind 'time': an instant, with an offset"


def _id_problems(mapping: FileMapping) -> Iterator[str]:
    seen: dict[str, int] = {}
    for number, event in enumerate(mapping.events, 1):
        if all(name in mapping.constants for name in placeholders(event.id)):
            yield f"events[{number}].id: is the same for every row; name a value that differs"
        if event.id in seen:
            yield (
                f"events[{number}].id: is the same as that of events[{seen[event.id]}], and two "
                "events with one id are one event; begin it with a word of its own"
            )
        seen.setdefault(event.id, number)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Compares a `data` template with the schema of its document, level by level."""

    mapping: FileMapping
    root: dict[str, Any]

    def problems(self, schema: dict[str, Any], template: Any, place: str) -> Iterator[str]:
        schema = resolved_schema(self.root, schema)
        kind = schema.get("type")
        if kind == "object" and isinstance(template, dict):
            yield from self._of_object(schema, template, place)
        elif kind == "array" and isinstance(template, list):
            for number, element in enumerate(template, 1):
                yield from self.problems(schema["items"], element, f"{place}[{number}]")
        elif kind == "object":
            yield f'{place}: is an object; write a table: {{ field = "value" }}'
        elif kind == "array":
            yield f"{place}: is a list; write [ ... ] with what one row adds to it"
        elif not isinstance(template, str):
            yield f"{place}: is one value; write the name of a column or constant"
        elif not _is_value(self.mapping, template):
            yield f"{place}: {_unknown_value(self.mapping, template)}"
        elif not self._fits(schema.get("format"), template):
            word = "date" if schema["format"] == _DATE else "time"
            yield f"{place}: {template!r} must be of kind {word!r}"

    def _fits(self, wanted: str | None, name: str) -> bool:
        if wanted not in (_DATE, _TIME) or name in self.mapping.constants:
            return True
        return _format_of(self.mapping, name) == wanted

    def _of_object(
        self, schema: dict[str, Any], template: dict[str, Any], place: str
    ) -> Iterator[str]:
        fields = schema.get("properties")
        for name, part in template.items():
            if fields is None:
                # An object with any names (such as targets): each of its fields is one value.
                yield from self.problems({}, part, f"{place}.{name}")
            elif name in fields:
                yield from self.problems(fields[name], part, f"{place}.{name}")
            else:
                known = ", ".join(fields)
                yield f"{place}.{name}: is not a field of this document; its fields are {known}"
        for name in schema.get("required", ()):
            if name not in template:
                yield f"{place}.{name}: is required; name the value that it comes from"
