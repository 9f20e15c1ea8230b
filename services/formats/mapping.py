"""The mapping file: how the rows of an ERP's export become events.

A mapping is a TOML file with everything that is particular to one export of one ERP. It is read
once and checked as a whole: against itself, and against the documents of its events. It has:

- `mapping`: the version of this notation: 1.
- `sender`: the partner who sends; `source`: the events' source, such as `/erp/{sender}/sap-prd`.
- `[file]`: encoding, delimiter, where the header is.
- `[defaults]`: settings for every column that has none of its own: words for "no value",
  separators of numbers, formats of dates, the zone.
- `[constants]`: values that are the same for every row.
- `[columns.<name>]`: values read from a column of the file, or chosen from others; see `columns`.
- `[[leave_out]]`: which rows to leave out; a row that meets one of these conditions is counted and
  skipped.
- `[[events]]`: what a row becomes, one event or several; rows with the same values of `group_by`
  become the lines of one document.

Event ids are made from the values of a row and not from its position (unless the template names
`{row}`), so sending the same file twice gives the same events. `README.md` beside this file
explains one mapping line by line.
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

    encoding: of a file without a byte-order mark; a mark takes precedence.
    delimiter, quote: the character between cells (a tab is "\\t"), and the one around a cell that
    contains it.
    skip_rows: the number of lines before the header (such as a report's title).
    names: the names of the columns of a file without a header; its first row is then data.
    short_rows: whether a row with too few cells is a fault ("reject") or gets empty cells ("fill").
    fill_down: columns that a row leaves empty to repeat the row above it, from the outermost to
    the innermost: ["PO", "Vendor"]. An empty cell is filled unless a column named before it
    differs from the row above.
    """

    encoding: Encoding = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'[^\r\n"]')] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1, pattern=r"[^\r\n]")] = '"'
    skip_rows: Annotated[int, Field(ge=0, le=10_000)] = 0
    names: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    short_rows: Literal["reject", "fill"] = "reject"
    fill_down: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class Defaults(MappingTable):
    """`[defaults]`: settings for every column that has none of its own.

    no_value: words that mean "nothing here", besides the empty cell, in every column.
    decimal, thousands: the separators of numbers; "" = there is none.
    formats: the accepted formats of dates and times; see `dates`.
    zone: the zone of a time of day without an offset: that of the ERP's clock.
    site: the zone of the receiving site, the same as in the policy. A date without a time of day
    is a business date there: it is never moved to another day, whatever `zone` is.
    at: the time of day at the site that such a date gets where an event needs an instant.
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
    fill_down filled has its filled text, but for 'empty' it counts as empty, as it is in the file.
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
                    f"'matches' is not a regular expression{place}; write for example 'Total.*', "
                    "with \\\\ before a character that stands for itself"
                ) from None
        return self

    def holds_of(self, row: FileRow) -> bool:
        """Whether a row meets the condition."""
        if self.empty is not None and self.column in row.filled:
            return self.empty
        return self.holds(text_of(row.cells[self.column]))

    def holds(self, text: str) -> bool:
        """Whether a cell's text meets the condition."""
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
    """`[[events]]`: one event made from a row, or from several rows of the same document.

    type: from the catalogue: "id.rantai.order.placed.v1".
    id: a template of values that tell this document from every other: "order/{order_no}". It may
    name `{row}`, the row's number (only if the file is never sent in another order), and
    `{digest}`, which changes with the content (a corrected row is then a new version; `time` must
    then be when the row was last changed, because the version with the latest time stands).
    time: the value (of kind time) that says when it happened in the sender's system.
    subject: a template, optional.
    when: values without which a row does not become this event (such as a receipt date, for goods
    not yet received).
    only: conditions, all of which a row must meet to become this event (such as a movement type).
    group_by: values that identify the document; its rows may be anywhere in the file. Without it
    every row is a document of its own.
    time_across_rows: which `time` to take if the rows of a document differ in it: the "earliest",
    the "latest", or none, because they must be the "same".
    data: the document: its fields, each with the name of the value that fills it. A list has one
    element for each row; an element for which the row has no value is left out.
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
    """A whole mapping file; the docstring of this module describes its tables."""

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
