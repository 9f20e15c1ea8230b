"""The mapping file: how the rows of an ERP's export become events.

A mapping is TOML, has everything that is particular to one export of one ERP, and is read once and
checked as a whole: against itself, and against the documents that the events must be. In order:

- `mapping`: version of this notation: 1.
- `sender`: the partner who sends; `source`: the events' source, such as `/erp/{sender}/sap-prd`.
- `[file]`: encoding, delimiter, where the header is.
- `[defaults]`: what holds for every column that does not say otherwise: words for "no value",
  separators of numbers, formats of dates, the zone.
- `[constants]`: values that are the same for every row.
- `[columns.<name>]`: values read from a column of the file, or chosen from others; see `columns`.
- `[[leave_out]]`: which rows to leave out; a row that fits one of them is counted and left.
- `[[events]]`: what a row becomes, one event or several; rows with the same `group_by` become the
  lines of one document.

Event ids come of the values of the row and never of its place (unless the template asks for
`{row}`), so the same file sent twice is the same events. `README.md` beside this file explains one
mapping line by line.
"""

import re
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.formats.columns import (
    Column,
    DateFormats,
    Encoding,
    MappingTable,
    Template,
    ValueName,
    Zone,
)
from services.formats.rows import FileRow, text_of


class FileFormat(MappingTable):
    """`[file]`: how the text file is laid out.

    encoding: of a file without byte-order mark; a mark decides for itself.
    delimiter, quote: between cells (a tab is "\\t"), and around a cell that has one inside.
    skip_rows: lines before the header (a report's title).
    names: the columns' names where the file has no header; the first row is then data.
    short_rows: a row with too few cells is a fault ("reject") or has empty cells ("fill").
    fill_down: columns that a row leaves empty where they are as in the row above it, from the
    outermost to the innermost: ["PO", "Vendor"]. A column is filled where it is empty and none
    named before it has another value than above.
    """

    encoding: Encoding = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'[^\r\n"]')] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1, pattern=r"[^\r\n]")] = '"'
    skip_rows: Annotated[int, Field(ge=0, le=10_000)] = 0
    names: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    short_rows: Literal["reject", "fill"] = "reject"
    fill_down: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class Defaults(MappingTable):
    """`[defaults]`: for every column that does not say otherwise.

    no_value: words that mean "nothing here", beside the empty cell, of every column.
    decimal, thousands: the separators of numbers; "" = there is none.
    formats: of dates and times; see `dates`.
    zone: of a time of day without an offset: where the ERP's clock stands.
    site: the zone of the receiving site, as the policy has it. A date without a time of day is a
    business date there: it is never moved to another day, whatever `zone` says.
    at: the time of day, at the site, of such a date where an event needs an instant.
    """

    no_value: tuple[str, ...] = ()
    decimal: Annotated[str, Field(max_length=1)] = "."
    thousands: Annotated[str, Field(max_length=1)] = ""
    formats: DateFormats = ("YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ", "YYYY-MM-DD hh:mm:ss")
    zone: Zone = "Asia/Jakarta"
    site: Zone = "Asia/Jakarta"
    at: time = time(12)


class Rule(MappingTable):
    """A condition on a row: `[[leave_out]]`, or `only` of an event.

    column: the column's name in the file.
    One of: equals, one_of, none_of, matches (a regular expression for the whole cell), empty
    (true or false). Texts are compared letter by letter, without spaces around them. A cell that
    fill_down filled is compared as filled; to 'empty' it is what the file has: empty.
    """

    column: str
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None
    matches: str | None = None
    empty: bool | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> "Rule":
        conditions = (self.equals, self.one_of, self.none_of, self.matches, self.empty)
        if sum(condition is not None for condition in conditions) != 1:
            raise ValueError("needs exactly one of equals, one_of, none_of, matches, empty")
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                place = f" from character {error.pos + 1} on" if error.pos is not None else ""
                raise ValueError(
                    f"'matches' is no regular expression{place}; write for instance 'Total.*', and "
                    "put a \\\\ before a sign that is meant as such"
                ) from None
        return self

    def holds_of(self, row: FileRow) -> bool:
        """Whether a row fits the condition."""
        if self.empty is not None and self.column in row.filled:
            return self.empty
        return self.holds(text_of(row.cells[self.column]))

    def holds(self, text: str) -> bool:
        """Whether a cell's text fits the condition."""
        if self.equals is not None:
            return text == self.equals
        if self.one_of is not None:
            return text in self.one_of
        if self.none_of is not None:
            return text not in self.none_of
        if self.matches is not None:
            return re.fullmatch(self.matches, text) is not None
        return (text == "") is self.empty


class EventTemplate(MappingTable):
    """`[[events]]`: one event of a row, or of several rows of the same document.

    type: from the catalogue: "id.rantai.order.placed.v1".
    id: a template of values that tell this document from every other: "order/{order_no}". It may
    name `{row}`, the row's number (only where the file is never sent in another order), and
    `{digest}`, which changes with the content (a corrected row is then a new version; let `time`
    be when the row was last changed, for the version of the latest time is the one that stands).
    time: the value (of kind time) that says when it happened in the sender's system.
    subject: a template, optional.
    when: values without which a row does not become this event (goods not yet received).
    only: conditions that a row must fit, all of them, to become this event (a movement type).
    group_by: values that tell the document; its rows may stand anywhere in the file. Absent: every
    row is a document of its own.
    time_across_rows: where the rows of a document differ in `time`: "same" = that is a fault.
    data: the document: fields, and the names of the values that go there. A list has one element
    for each row; an element of which the row has no value is left out.
    """

    type: str
    id: Template
    time: ValueName
    subject: Template | None = None
    when: tuple[ValueName, ...] = ()
    only: tuple[Rule, ...] = ()
    group_by: tuple[ValueName, ...] = ()
    time_across_rows: Literal["same", "earliest", "latest"] = "same"
    data: dict[str, Any]


class FileMapping(MappingTable):
    """The whole of a mapping file; see the module's own text for its tables."""

    mapping: Literal[1]
    sender: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    source: str
    file: FileFormat = FileFormat()
    defaults: Defaults = Defaults()
    constants: dict[ValueName, str | int] = Field(default_factory=dict)
    columns: dict[ValueName, Column]
    leave_out: tuple[Rule, ...] = ()
    events: Annotated[tuple[EventTemplate, ...], Field(min_length=1)]

    @property
    def event_source(self) -> str:
        """The source that every event of this mapping has."""
        return self.source.replace("{sender}", self.sender)
