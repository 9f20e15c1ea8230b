"""Build a document from its rows: the fields of the mapping's template, with their origins.

`rows_to_events` has one part of an event built after the other. The faults are collected in a
`MappedDocument`, each with the row and column that it comes from.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import to_json

from schemas.validation import escape
from services.formats.columns import filled, placeholders
from services.formats.mapping import EventTemplate
from services.formats.mapping_checks import OWN_PLACEHOLDERS
from services.formats.row_readings import CellReading, RowReadings
from services.formats.rows import CellFault

_ORDERS: Final = "id.rantai.order."
_LINES: Final = "/data/lines"
_DIFFER: Final = (
    "differs from row {row} of the same document, which has {text!r}; correct one of them"
)
_LINES_DIFFER: Final = (
    "differs from row {row}, which is the same line {line!r} of this document and has {text!r}; "
    "correct one of them, or give the lines different numbers"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of an order, as the first row that has it says."""

    row: int
    element: Any
    origins: dict[str, CellReading]


@dataclass(slots=True)
class MappedDocument:
    """What is known of a document that is being built, apart from its fields themselves.

    order: whether it is a document of an order, in which rows that give one line alike are that
    one line.
    origins: where each field came from, by JSON pointer.
    lines: the lines of an order, by line number.
    """

    order: bool = False
    origins: dict[str, CellReading] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)
    lines: dict[str, _Line] = field(default_factory=dict)

    @classmethod
    def of(cls, template: EventTemplate) -> "MappedDocument":
        """Return an empty document for an event template."""
        return cls(order=template.type.startswith(_ORDERS))

    def take(self, pointer: str, reading: CellReading) -> None:
        """Record where a field came from, and its fault if it could not be read."""
        self.origins[pointer] = reading
        if reading.problem is not None:
            self.faults.append(reading.fault(reading.problem))

    def add(self, part: "MappedDocument") -> None:
        """Take over the origins and faults of a part of the document."""
        self.origins.update(part.origins)
        self.faults += part.faults

    def has_line(self, element: Any, row: int, origins: dict[str, CellReading]) -> bool:
        """Record a line of an order, and return whether the document already had it.

        If the line differs from the one recorded before, that is recorded as a fault.
        """
        number = element.get("line_no") if isinstance(element, dict) else element
        if not isinstance(number, str):
            return False
        first = self.lines.setdefault(number, _Line(row, element, origins))
        if first.origins is origins:
            return False
        if first.element != element:
            self.faults.append(_of_lines(number, first, element, origins, row))
        return True


def _of_lines(
    number: str, first: _Line, element: Any, origins: dict[str, CellReading], row: int
) -> CellFault:
    """Return the fault of a row that gives a line with other values than an earlier row."""
    here, there = (
        {p.rpartition("/")[2]: r for p, r in o.items()} for o in (origins, first.origins)
    )
    names = [name for name in element if element[name] != first.element.get(name)]
    names += [name for name in first.element if name not in element]
    name = names[0] if names else ""
    text = there[name].text if name in there else ""
    message = _LINES_DIFFER.format(row=first.row, line=number, text=text)
    return here[name].fault(message) if name in here else CellFault(row, "", "", message)


def faults_of_key(readings: Iterable[CellReading], purpose: str) -> tuple[CellFault, ...]:
    """Return a fault for each of these values that is missing.

    `purpose`: the setting of the event that needs the values, such as "id".
    """
    return tuple(
        reading.fault(reading.problem or f"is empty, and the event's {purpose} needs it")
        for reading in readings
        if reading.value is None
    )


def document_faults(rows: Sequence[int], faults: Iterable[CellFault]) -> tuple[CellFault, ...]:
    """Return the faults without duplicates, each saying that its whole document is refused.

    `rows`: the rows of the document; the faults of a single row stay as they are.
    """
    faults = dict.fromkeys(faults)
    if len(rows) == 1:
        return tuple(faults)
    named = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
    return tuple(
        fault.saying(f"(refused with its whole document: rows {named})") for fault in faults
    )


def time_of(
    template: EventTemplate, rows: list[RowReadings], document: MappedDocument
) -> str | None:
    """Return an event's time, chosen from its rows by `time_across_rows`, or None without one."""
    readings = [row[template.time] for row in rows]
    if template.time_across_rows != "same" and all(each.problem is None for each in readings):
        pick = min if template.time_across_rows == "earliest" else max
        found = [reading for reading in readings if reading.value is not None]
        if found:
            chosen = pick(found, key=lambda reading: reading.value)  # type: ignore[arg-type, return-value]
            readings = [chosen]
    time = _agreed(readings, "/time", document)
    return None if time is None else str(time)


def _agreed(
    readings: Sequence[CellReading], pointer: str, document: MappedDocument
) -> str | int | None:
    """Return the value that all rows of a document share; rows may leave it empty.

    A row with another value is recorded as a fault.
    """
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


def filled_data(
    template: Any, rows: Sequence[RowReadings], pointer: str, document: MappedDocument
) -> Any:
    """Fill a template with the values of rows; fields without a value are left out.

    Returns None for a value or a list of which the rows have nothing.
    """
    if isinstance(template, str):
        return _agreed([row[template] for row in rows], pointer, document)
    if isinstance(template, list):
        return _elements(template, rows, pointer, document)
    result = {}
    for name, part in template.items():
        if isinstance(part, dict) and _says_nothing(part, rows):
            continue
        value = filled_data(part, rows, f"{pointer}/{escape(name)}", document)
        if value is not None:
            result[name] = value
    return result


def _elements(
    template: list[Any], rows: Sequence[RowReadings], pointer: str, document: MappedDocument
) -> list[Any] | None:
    elements: list[Any] = []
    for row in rows:
        for part in template:
            if _says_nothing(part, [row]):
                continue
            made = MappedDocument()
            element = filled_data(part, [row], f"{pointer}/{len(elements)}", made)
            own_element = not document.order or pointer != _LINES or made.faults
            if not own_element and document.has_line(element, row.row.number, made.origins):
                continue
            document.add(made)
            elements.append(element)
    return elements or None


def _says_nothing(template: Any, rows: Sequence[RowReadings]) -> bool:
    """Whether these rows have nothing to say in a part of a document.

    A constant beside values that are all missing (the code of a defect that nobody counted) says
    nothing. A part of constants alone is what the mapping wants said for every row.
    """
    if isinstance(template, str):
        return all(row[template].value is None and row[template].problem is None for row in rows)
    names = list(_names(template))
    readings = [row[name] for row in rows for name in names]
    read = [reading for reading in readings if not reading.constant]
    return bool(read) and all(each.value is None and each.problem is None for each in read)


def _names(template: Any) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    else:
        for part in template.values() if isinstance(template, dict) else template:
            yield from _names(part)


def text_in(
    name: str,
    template: str,
    rows: list[RowReadings],
    event: dict[str, Any],
    document: MappedDocument,
) -> str:
    """Return an event's id or subject, filled from its template.

    `name`: "id" or "subject". `event`: the event so far, for `{digest}`.
    Returns "" if a value is missing, and records that as a fault.
    """
    row = rows[0]
    readings = {each: row[each] for each in placeholders(template) if each not in OWN_PLACEHOLDERS}
    faults = faults_of_key(readings.values(), name)
    document.faults.extend(faults)
    if faults:
        return ""
    values = {each: str(reading.written) for each, reading in readings.items()}
    values["row"] = str(row.row.number)
    if "digest" in placeholders(template):
        values["digest"] = hashlib.blake2b(to_json(event), digest_size=8).hexdigest()
    text = filled(template, values)
    document.origins[f"/{name}"] = CellReading(row.row.number, text, name, text)
    return text
