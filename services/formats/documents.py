"""The document that rows make together: its fields from the mapping's template, with their origins.

`rows_to_events` asks for one part of an event after the other. What is wrong is gathered in
`Document`, each fault with the row and column that it stems from.
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
    "correct one of them, or give the lines numbers of their own"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of an order as its first row has it."""

    row: int
    element: Any
    origins: dict[str, CellReading]


@dataclass(slots=True)
class MappedDocument:
    """A document in the making: what it says, where that came from, what is wrong.

    order: whether it is one of an order: rows that say one line of it alike are that one line.
    """

    order: bool = False
    origins: dict[str, CellReading] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)
    lines: dict[str, _Line] = field(default_factory=dict)

    @classmethod
    def of(cls, template: EventTemplate) -> "MappedDocument":
        """Return an empty document of an event."""
        return cls(order=template.type.startswith(_ORDERS))

    def take(self, pointer: str, reading: CellReading) -> None:
        """Note where a field came from, and what is wrong with it."""
        self.origins[pointer] = reading
        if reading.problem is not None:
            self.faults.append(reading.fault(reading.problem))

    def add(self, part: "MappedDocument") -> None:
        """Take over what a part of the document says."""
        self.origins.update(part.origins)
        self.faults += part.faults

    def has_line(self, element: Any, row: int, origins: dict[str, CellReading]) -> bool:
        """Whether a line of an order stands in it already; one that differs is a fault."""
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
    """Return the fault of a row that says a line otherwise than an earlier row does."""
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
    """Return the faults of values that an event's `purpose` cannot do without."""
    return tuple(
        reading.fault(reading.problem or f"is empty, and the event's {purpose} needs it")
        for reading in readings
        if reading.value is None
    )


def of_document(rows: Sequence[int], faults: Iterable[CellFault]) -> tuple[CellFault, ...]:
    """Say with each fault that it costs the whole document; the same fault once."""
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
    """Return an event's time, chosen from its rows as the mapping says."""
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


def rendered(
    template: Any, rows: Sequence[RowReadings], pointer: str, document: MappedDocument
) -> Any:
    """Put the rows' values into a template: None where it has no value of theirs."""
    if isinstance(template, str):
        return _agreed([row[template] for row in rows], pointer, document)
    if isinstance(template, list):
        return _elements(template, rows, pointer, document)
    result = {}
    for name, part in template.items():
        if isinstance(part, dict) and _says_nothing(part, rows):
            continue
        value = rendered(part, rows, f"{pointer}/{escape(name)}", document)
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
            element = rendered(part, [row], f"{pointer}/{len(elements)}", made)
            told_apart = not document.order or pointer != _LINES or made.faults
            if not told_apart and document.has_line(element, row.row.number, made.origins):
                continue
            document.add(made)
            elements.append(element)
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


def text_in(
    name: str,
    template: str,
    rows: list[RowReadings],
    event: dict[str, Any],
    document: MappedDocument,
) -> str:
    """Fill an event's id or subject; "" where that cannot be done."""
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
