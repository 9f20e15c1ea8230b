"""Rows to events: what the mapping makes of each row, and of the rows of one document together.

Every event knows, for each of its fields, the row and column it came from: so that an error that
comes back from the gateway as a JSON pointer is shown where the sender can mend it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pydantic_core import to_json

from schemas.validation import escape
from services.formats.columns import filled, placeholders
from services.formats.mapping import EventTemplate, FileMapping, Rule
from services.formats.mapping_checks import OWN_PLACEHOLDERS
from services.formats.readings import Reading, RowReadings
from services.formats.rows import BrokenRow, CellFault, Refused, Row, text_of

_DIFFER: Final = (
    "differs from row {row} of the same document, which has {text!r}; correct one of them"
)


@dataclass(frozen=True)
class MappedEvent:
    """An event made of rows, with the reading behind each of its fields by JSON pointer."""

    event: dict[str, Any]
    rows: tuple[int, ...]
    origins: dict[str, Reading]

    @property
    def event_id(self) -> str:
        """The event's id."""
        return str(self.event["id"])

    @cached_property
    def body(self) -> bytes:
        """The event as JSON without line breaks."""
        return to_json(self.event)

    def located(self, errors: Iterable[tuple[str, str]]) -> tuple[CellFault, ...]:
        """Trace errors (JSON pointer, message) back to the rows and columns they stem from."""
        return _of_document(self.rows, [self._located(pointer, text) for pointer, text in errors])

    def _located(self, pointer: str, message: str) -> CellFault:
        steps = pointer
        while steps:
            if steps in self.origins:
                return self.origins[steps].fault(message)
            steps = steps.rpartition("/")[0]
        said = f"{pointer}: {message}" if pointer else message
        return CellFault(self.rows[0], "", "", said)


@dataclass(slots=True)
class Counts:
    """How many rows a file had, were left out by rule, and said again what an earlier one said."""

    rows: int = 0
    left_out: int = 0
    repeated: int = 0


@dataclass(slots=True)
class _Group:
    """The rows of one document, in the order of the file."""

    rows: list[RowReadings] = field(default_factory=list)
    broken: list[CellFault] = field(default_factory=list)


@dataclass(slots=True)
class _Document:
    """A document in the making: what it says, where that came from, what is wrong."""

    origins: dict[str, Reading] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)

    def take(self, pointer: str, reading: Reading) -> None:
        self.origins[pointer] = reading
        if reading.problem is not None:
            self.faults.append(reading.fault(reading.problem))


class RowsToEvents:
    """Makes events of the rows of one file, by one mapping."""

    def __init__(self, mapping: FileMapping) -> None:
        self.counts = Counts()
        self._mapping = mapping
        self._groups: list[dict[tuple[str, ...], _Group]] = [{} for _ in mapping.events]
        self._seen: dict[str, tuple[bytes, int]] = {}

    def convert(self, rows: Iterable[Row | BrokenRow]) -> Iterator[MappedEvent | Refused]:
        """Yield events and refusals; documents of several rows once the last row is read."""
        for row in rows:
            self.counts.rows += 1
            if isinstance(row, BrokenRow):
                self._spoil(row)
                yield Refused((row.fault,))
            elif any(_holds(rule, row) for rule in self._mapping.leave_out):
                self.counts.left_out += 1
            else:
                yield from self._of_row(RowReadings(self._mapping, row))
        for template, groups in zip(self._mapping.events, self._groups, strict=True):
            for group in groups.values():
                if group.rows:
                    yield from self._built(template, group.rows, group.broken)

    def _of_row(self, row: RowReadings) -> Iterator[MappedEvent | Refused]:
        for template, groups in zip(self._mapping.events, self._groups, strict=True):
            if not all(_holds(rule, row.row) for rule in template.only):
                continue
            wanted = [row[name] for name in template.when]
            if any(reading.value is None and reading.problem is None for reading in wanted):
                continue
            if not template.group_by:
                yield from self._built(template, [row], [])
                continue
            faults = _faults_of_key([row[name] for name in template.group_by], "group_by")
            if faults:
                yield Refused(faults)
            else:
                groups.setdefault(_key(template, row), _Group()).rows.append(row)

    def _spoil(self, broken: BrokenRow) -> None:
        # A document without one of its lines would be taken for the whole of it: it must wait
        # until the broken row is mended. Which document that is, the cells that can be told say.
        row = RowReadings(self._mapping, Row(broken.fault.row, broken.guess))
        for template, groups in zip(self._mapping.events, self._groups, strict=True):
            readings = [row[name] for name in template.group_by]
            if readings and all(reading.value is not None for reading in readings):
                groups.setdefault(_key(template, row), _Group()).broken.append(broken.fault)

    def _built(
        self, template: EventTemplate, rows: list[RowReadings], broken: Sequence[CellFault]
    ) -> Iterator[MappedEvent | Refused]:
        document = _Document()
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": "",
            "source": self._mapping.event_source,
        }
        event["type"] = template.type
        time = _time(template, rows, document)
        if time is not None:
            event["time"] = time
        event["data"] = _rendered(template.data, rows, "/data", document)
        for name in ("subject", "id"):
            text = getattr(template, name)
            if text is not None:
                event[name] = _text(name, text, rows, event, document)
        numbers = tuple(row.row.number for row in rows)
        if document.faults or broken:
            concerned = sorted({*numbers, *(fault.row for fault in broken)})
            faults = _of_document(concerned, [*document.faults, *broken])
            yield Refused(faults, event["id"] or None)
            return
        yield from self._unless_seen(MappedEvent(event, numbers, document.origins))

    def _unless_seen(self, built: MappedEvent) -> Iterator[MappedEvent | Refused]:
        content = hashlib.blake2b(built.body, digest_size=16).digest()
        first = self._seen.setdefault(built.event_id, (content, built.rows[0]))
        if first == (content, built.rows[0]):
            yield built
        elif first[0] == content:
            self.counts.repeated += 1
        else:
            message = (
                f"gives the event id {built.event_id!r} to other content than row {first[1]} did; "
                "name in 'id' what tells the two apart, or correct one of the rows"
            )
            yield Refused((CellFault(built.rows[0], "", "", message),), built.event_id)


def _holds(rule: Rule, row: Row) -> bool:
    return rule.holds(text_of(row.cells[rule.column]))


def _key(template: EventTemplate, row: RowReadings) -> tuple[str, ...]:
    return tuple(str(row[name].written) for name in template.group_by)


def _faults_of_key(readings: Iterable[Reading], purpose: str) -> tuple[CellFault, ...]:
    return tuple(
        reading.fault(reading.problem or f"is empty, and the event's {purpose} needs it")
        for reading in readings
        if reading.value is None
    )


def _of_document(rows: Sequence[int], faults: Iterable[CellFault]) -> tuple[CellFault, ...]:
    """Say with each fault that it costs the whole document; the same fault once."""
    faults = dict.fromkeys(faults)
    if len(rows) == 1:
        return tuple(faults)
    named = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
    return tuple(
        fault.saying(f"(refused with its whole document: rows {named})") for fault in faults
    )


def _time(template: EventTemplate, rows: list[RowReadings], document: _Document) -> str | None:
    readings = [row[template.time] for row in rows]
    if template.time_across_rows != "same" and all(each.problem is None for each in readings):
        pick = min if template.time_across_rows == "earliest" else max
        found = [reading for reading in readings if reading.value is not None]
        if found:
            chosen = pick(found, key=lambda reading: reading.value)  # type: ignore[arg-type, return-value]
            readings = [chosen]
    time = _agreed(readings, "/time", document)
    return None if time is None else str(time)


def _agreed(readings: Sequence[Reading], pointer: str, document: _Document) -> str | int | None:
    """Return the one value that all rows of a document have (or leave empty)."""
    chosen = readings[0]
    for reading in readings:
        if reading.problem is not None or chosen.value is None:
            chosen = reading
        elif reading.value is not None and reading.value != chosen.value:
            message = _DIFFER.format(row=chosen.row, text=chosen.text)
            document.faults.append(reading.fault(message))
        if reading.problem is not None:
            break
    document.take(pointer, chosen)
    return chosen.written


def _rendered(template: Any, rows: Sequence[RowReadings], pointer: str, document: _Document) -> Any:
    """Put the rows' values into a template: None where it has no value of theirs."""
    if isinstance(template, str):
        return _agreed([row[template] for row in rows], pointer, document)
    if isinstance(template, list):
        return _elements(template, rows, pointer, document)
    result = {}
    for name, part in template.items():
        if isinstance(part, dict) and _says_nothing(part, rows):
            continue
        value = _rendered(part, rows, f"{pointer}/{escape(name)}", document)
        if value is not None:
            result[name] = value
    return result


def _elements(
    template: list[Any], rows: Sequence[RowReadings], pointer: str, document: _Document
) -> list[Any] | None:
    elements: list[Any] = []
    for row in rows:
        for part in template:
            if not _says_nothing(part, [row]):
                elements.append(_rendered(part, [row], f"{pointer}/{len(elements)}", document))
    return elements or None


def _says_nothing(template: Any, rows: Sequence[RowReadings]) -> bool:
    """Whether a part of a document has nothing of these rows: no value, or constants alone.

    A constant that stands by itself says what the mapping wants said; a constant beside values
    that are all missing (the code of a defect that nobody counted) says nothing.
    """
    if isinstance(template, str):
        return all(row[template].value is None and row[template].problem is None for row in rows)
    names = list(_names(template))
    readings = [row[name] for row in rows for name in names]
    told = [reading for reading in readings if not reading.constant]
    return bool(told) and all(each.value is None and each.problem is None for each in told)


def _names(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    else:
        for part in template.values() if isinstance(template, dict) else template:
            yield from _names(part)


def _text(
    name: str, template: str, rows: list[RowReadings], event: dict[str, Any], document: _Document
) -> str:
    """Fill an event's id or subject; "" where that cannot be done."""
    row = rows[0]
    readings = {each: row[each] for each in placeholders(template) if each not in OWN_PLACEHOLDERS}
    faults = _faults_of_key(readings.values(), name)
    document.faults.extend(faults)
    if faults:
        return ""
    values = {each: str(reading.written) for each, reading in readings.items()}
    values["row"] = str(row.row.number)
    if "digest" in placeholders(template):
        values["digest"] = hashlib.blake2b(to_json(event), digest_size=8).hexdigest()
    text = filled(template, values)
    document.origins[f"/{name}"] = Reading(row.row.number, text, name, text)
    return text
