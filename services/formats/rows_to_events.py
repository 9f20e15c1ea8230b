"""Make events from rows, as the mapping says: from one row, or from all rows of one document.

Every event knows the row and column that each of its fields came from, so that an error which the
gateway reports by JSON pointer can be shown where the sender can correct it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pydantic_core import to_json

from schemas.envelope import sender_of
from services.formats.document_fields import code_values, sources_of
from services.formats.documents import (
    MappedDocument,
    document_faults,
    faults_of_key,
    filled_data,
    text_in,
    time_of,
)
from services.formats.filling import FillDown
from services.formats.mapping import EventTemplate, FileMapping
from services.formats.row_readings import CellReading, RowReadings
from services.formats.rows import BrokenRow, CellFault, FileRow, RefusedDocument

_FOREIGN: Final = (
    "is not {sender}, in whose name this file is sent, and only its own documents are accepted; "
    "leave these rows out by [[leave_out]], or if it is your own name for {sender}, map it to that "
    "in 'values' of its column"
)
_FURTHER: Final = (
    "is empty, so this row does not name its document. The document of row {above} above it is "
    "held back too, because it may be incomplete without this row. If the row is a further line of "
    "it, set fill_down = [{columns}] in [file]; if not, fill the cell, or leave the row out by "
    "[[leave_out]]"
)
_PARTED: Final = (
    "is in row {other} as well, and each row would be sent as this whole document, of which only "
    'one version stands; make one document of the rows by group_by = ["{name}"], or add to the '
    "number, by a 'template', what tells the documents apart"
)
_NUMBERS: Final = {
    "id.rantai.delivery.despatched.v1": "despatch_no",
    "id.rantai.delivery.received.v1": "receipt_no",
    "id.rantai.delivery.returned.v1": "return_no",
}
"""Types whose event is the whole document, and the field with the document's number. Orders are not
here because they always have a group_by; rows of other types do not depend on each other."""

_UNCLEAR: Final = (
    "{problem} (the document of row {above} above it is held back too: this row may belong to it)"
)


@dataclass(frozen=True)
class MappedEvent:
    """An event made from rows. `origins` has the reading of each field, by JSON pointer."""

    event: dict[str, Any]
    rows: tuple[int, ...]
    origins: dict[str, CellReading]

    @property
    def event_id(self) -> str:
        """The event's id."""
        return str(self.event["id"])

    @property
    def row(self) -> int:
        """The number of its first row."""
        return self.rows[0]

    @cached_property
    def body(self) -> bytes:
        """The event as JSON without line breaks."""
        return to_json(self.event)

    def located(self, errors: Iterable[tuple[str, str]]) -> tuple[CellFault, ...]:
        """Trace errors (JSON pointer, message) back to the rows and columns they stem from."""
        return document_faults(
            self.rows, [self._located(pointer, text) for pointer, text in errors]
        )

    def _located(self, pointer: str, message: str) -> CellFault:
        foreign = self._foreign_buyer() if pointer == "/type" else None
        if foreign is not None:
            return foreign
        steps = pointer
        while steps:
            if steps in self.origins:
                return self.origins[steps].fault(message)
            steps = steps.rpartition("/")[0]
        said = f"{pointer}: {message}" if pointer else message
        return CellFault(self.rows[0], "", "", said)

    def _foreign_buyer(self) -> CellFault | None:
        """Return the fault of a document that is neither the sender's purchase nor its sale."""
        data, origin = self.event["data"], self.origins.get("/data/buyer_id")
        sender = sender_of(self.event["source"])
        if origin is None or sender in (data.get("buyer_id"), data.get("supplier_id")):
            return None
        return origin.fault(_FOREIGN.format(sender=sender))


@dataclass(slots=True)
class Counts:
    """How many rows a file had, and how many of them gave no event, by reason.

    left_out: left out by [[leave_out]]. unfit: met 'only' and 'when' of no event. repeated: gave
    the same event as an earlier row.
    """

    rows: int = 0
    left_out: int = 0
    unfit: int = 0
    repeated: int = 0


@dataclass(slots=True)
class _Group:
    """The rows of one document, in the order of the file."""

    rows: list[RowReadings] = field(default_factory=list)
    broken: list[CellFault] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.rows[0].row.number if self.rows else self.broken[0].row

    @property
    def last(self) -> int:
        return max([row.row.number for row in self.rows[-1:]] + [f.row for f in self.broken[-1:]])


class _Groups:
    """The documents of one event template, by their values of `group_by`."""

    def __init__(self, template: EventTemplate) -> None:
        self.template = template
        self.by_key: dict[tuple[str, ...], _Group] = {}
        self.above: _Group | None = None
        """The document of the nearest row above; a row that names no document may belong to it."""

    def take(self, row: RowReadings) -> None:
        """Add a row to its document."""
        self._of(row).rows.append(row)

    def spoil(self, row: RowReadings, fault: CellFault) -> None:
        """Hold back the document that a broken row belongs to."""
        self._of(row).broken.append(fault)

    def has_key(self, row: RowReadings) -> bool:
        """Whether a row names the document that it belongs to."""
        return all(row[name].value is not None for name in self.template.group_by)

    def _of(self, row: RowReadings) -> _Group:
        key = tuple(str(row[name].written) for name in self.template.group_by)
        self.above = self.by_key.setdefault(key, _Group())
        return self.above


class RowsToEvents:
    """Makes events from the rows of one file, by one mapping."""

    def __init__(self, mapping: FileMapping) -> None:
        self.counts = Counts()
        self._mapping = mapping
        self._codes = code_values(mapping)
        self._fill = FillDown(mapping.file.fill_down)
        self._groups = [_Groups(template) for template in mapping.events]
        self._of_one_row: dict[tuple[str, ...], list[tuple[EventTemplate, MappedEvent]]] = {}
        self._seen: dict[str, tuple[bytes, int]] = {}
        self._contradicted: dict[str, int] = {}

    def convert(
        self, rows: Iterable[FileRow | BrokenRow]
    ) -> Iterator[MappedEvent | RefusedDocument]:
        """Yield events and refusals, in no particular order.

        A document that may have several rows is yielded after the last row of the file is read.
        """
        for each in rows:
            self.counts.rows += 1
            if isinstance(each, BrokenRow):
                self._spoil(self._fill.broken(each))
                yield RefusedDocument((each.fault,))
                continue
            row = self._fill.row(each)
            if any(rule.holds_of(row) for rule in self._mapping.leave_out):
                self.counts.left_out += 1
            else:
                yield from self._of_row(RowReadings(self._mapping, row, self._codes))
        for groups in self._groups:
            for group in groups.by_key.values():
                if group.rows:
                    yield from self._built(groups.template, group.rows, group.broken)
        for same in self._of_one_row.values():
            first = same[0][1].event_id
            further = [self._contradicted[first]] if first in self._contradicted else []
            parted = len(same) > 1 or further
            yield from _parted(same, further) if parted else [built for _, built in same]

    def _of_row(self, row: RowReadings) -> Iterator[MappedEvent | RefusedDocument]:
        silent: list[_Groups] = []
        keyless: list[_Groups] = []
        fits = False
        for groups in self._groups:
            template = groups.template
            if not all(rule.holds_of(row.row) for rule in template.only):
                continue
            wanted = [row[name] for name in template.when]
            if any(reading.value is None and reading.problem is None for reading in wanted):
                silent.append(groups)
                continue
            fits = True
            if not template.group_by:
                yield from self._alone(template, row)
            elif groups.has_key(row):
                groups.take(row)
            else:
                keyless.append(groups)
        if keyless:
            yield self._hold(row, keyless, silent)
        self.counts.unfit += not fits

    def _alone(
        self, template: EventTemplate, row: RowReadings
    ) -> Iterator[MappedEvent | RefusedDocument]:
        """Make a document from one row; keep it if a later row may belong to the same document."""
        for built in self._built(template, [row], []):
            number = _NUMBERS.get(template.type)
            if number is None or isinstance(built, RefusedDocument):
                yield built
                continue
            data = built.event["data"]
            names = ("buyer_id", "supplier_id", number)
            key = (template.type, *(str(data.get(name)) for name in names))
            self._of_one_row.setdefault(key, []).append((template, built))

    def _hold(
        self, row: RowReadings, keyless: list[_Groups], silent: list[_Groups]
    ) -> RefusedDocument:
        """Refuse a row that does not name its documents, and hold back those of the row above."""
        faults: dict[CellFault, None] = {}
        for groups in keyless:
            names = [name for name in groups.template.group_by if row[name].value is None]
            own = [self._of_key(row[name], name, groups.above) for name in names]
            faults.update(dict.fromkeys(own))
            if groups.above is None:
                continue
            groups.above.broken += own
            if all(row[name].problem is None for name in names):
                # A further row of an order may also belong to its receipt, and name neither.
                for other in silent:
                    above = other.above
                    if above is not None and above.last >= groups.above.first:
                        above.broken += [] if other.has_key(row) else own
        return RefusedDocument(tuple(faults))

    def _of_key(self, reading: CellReading, name: str, above: _Group | None) -> CellFault:
        if above is None:
            return faults_of_key([reading], "group_by")[0]
        if reading.problem is not None:
            return reading.fault(_UNCLEAR.format(problem=reading.problem, above=above.last))
        columns = ", ".join(f'"{source}"' for source in sources_of(self._mapping, name))
        return reading.fault(_FURTHER.format(above=above.last, columns=columns))

    def _spoil(self, broken: BrokenRow) -> None:
        # The legible cells of the row say which documents must be held back. If they name none, it
        # may be a further row of the documents above it.
        row = RowReadings(self._mapping, FileRow(broken.fault.row, broken.guess), self._codes)
        grouping = [groups for groups in self._groups if groups.template.group_by]
        named = [groups for groups in grouping if groups.has_key(row)]
        for groups in named:
            groups.spoil(row, broken.fault)
        for groups in [] if named else grouping:
            if groups.above is not None:
                groups.above.broken.append(broken.fault)

    def _built(
        self, template: EventTemplate, rows: list[RowReadings], broken: Sequence[CellFault]
    ) -> Iterator[MappedEvent | RefusedDocument]:
        document = MappedDocument.of(template)
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": "",
            "source": self._mapping.event_source,
        }
        event["type"] = template.type
        time = time_of(template, rows, document)
        if time is not None:
            event["time"] = time
        event["data"] = filled_data(template.data, rows, "/data", document)
        for name in ("subject", "id"):
            text = getattr(template, name)
            if text is not None:
                event[name] = text_in(name, text, rows, event, document)
        numbers = tuple(row.row.number for row in rows)
        if document.faults or broken:
            concerned = sorted({*numbers, *(fault.row for fault in broken)})
            faults = document_faults(concerned, [*document.faults, *broken])
            yield RefusedDocument(faults, event["id"] or None)
            return
        yield from self._unless_seen(MappedEvent(event, numbers, document.origins))

    def _unless_seen(self, built: MappedEvent) -> Iterator[MappedEvent | RefusedDocument]:
        content = hashlib.blake2b(built.body, digest_size=16).digest()
        first = self._seen.setdefault(built.event_id, (content, built.rows[0]))
        if first == (content, built.rows[0]):
            yield built
        elif first[0] == content:
            self.counts.repeated += 1
        else:
            message = (
                f"gives the event id {built.event_id!r} to other content than row {first[1]} does; "
                "name in 'id' a value that tells the two apart, make one document of them by "
                "group_by, or correct one of the rows"
            )
            self._contradicted.setdefault(built.event_id, built.row)
            yield RefusedDocument((CellFault(built.rows[0], "", "", message),), built.event_id)


def _parted(
    same: Sequence[tuple[EventTemplate, MappedEvent]], further: Sequence[int]
) -> Iterator[RefusedDocument]:
    """Refuse one-row documents that are parts of the same document.

    `further`: rows of that document which were refused before.
    """
    rows = [*(built.row for _, built in same), *further]
    for template, built in same:
        number = _NUMBERS[template.type]
        other = rows[1] if built.row == rows[0] else rows[0]
        message = _PARTED.format(other=other, name=template.data[number])
        origin = built.origins.get(f"/data/{number}")
        fault = CellFault(built.row, "", "", message) if origin is None else origin.fault(message)
        yield RefusedDocument((fault,), built.event_id)
