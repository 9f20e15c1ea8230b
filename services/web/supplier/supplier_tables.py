"""A supplier's tables as files: figures, months, month ends, and lists of order lines."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import simplejson
from fastapi.responses import Response

from services.assessment.figure_store import Selection
from services.readiness.policy import Policy
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.text.language import Language, mark
from services.web import kpi_words, table_files
from services.web.kpi_words import ratio_cells, ratio_columns
from services.web.site import PageRefused, Visit
from services.web.table_files import Kind, Table, TableColumn, TableQuery, TableRow

LISTS: Final = {
    "late": mark("Late lines"),
    "overdue": mark("Lines overdue and still awaited"),
    "rejected": mark("Lines with rejected goods"),
    "open": mark("Open lines"),
    "short": mark("Short lines"),
    "any": mark("Order lines"),
}
"""Titles of the tables of order lines, by the status of their lines in the JSON API."""

_MOST_MONTH_ENDS: Final = 240


async def answer(visit: Visit, wanted: TableQuery, selection: Selection) -> Response:
    """Return the table of a supplier that `wanted` names. Raises Unreadable, PageRefused."""
    if wanted.key in LISTS:
        table = await run_query(lambda: lines(visit, selection, wanted.key))
    elif wanted.key == "figures":
        table = await run_query(lambda: figures(visit, selection))
    elif wanted.key == "months":
        table = await run_query(lambda: months(visit, selection))
    elif wanted.key == "month-ends":
        if visit.visitor.orders_of is not None:
            # Month ends are evaluated from the orders of all buyers.
            raise PageRefused("not_yours")
        table = await run_query(lambda: month_ends(visit, selection.suppliers[0]))
    else:
        raise table_files.no_such_table(wanted)
    return await table_files.answer(visit, wanted, table)


def figures(visit: Visit, selection: Selection) -> Table:
    """Return every figure of a scorecard: value, numerator, denominator, interval."""
    language, supplier_id = visit.language, selection.suppliers[0]
    card = simplejson.loads(visit.reader.scorecard(supplier_id, selection), use_decimal=True)
    columns = [
        TableColumn(language.text("Figure")),
        TableColumn(language.text("Key")),
        TableColumn(language.text("Value"), Kind.NUMBER),
        TableColumn(language.text("Measured in")),
        TableColumn(language.text("Numerator"), Kind.QUANTITY),
        TableColumn(language.text("Denominator"), Kind.QUANTITY),
        TableColumn(language.text("At least (95 %%)"), Kind.NUMBER),
        TableColumn(language.text("At most (95 %%)"), Kind.NUMBER),
        TableColumn(language.text("Mixed units")),
    ]
    rows = [_figure(language, key, shown) for key, shown in card["kpis"].items()]
    title = language.text("Figures")
    return Table("figures", title, columns, rows, supplier_id, selection.as_of)


def _figure(language: Language, key: str, shown: Mapping[str, Any]) -> TableRow:
    low, high = shown.get("ci95") or (None, None)
    return [
        kpi_words.title(language, key),
        key,
        shown["value"],
        kpi_words.unit(language, key),
        shown.get("numerator"),
        shown.get("denominator"),
        low,
        high,
        _yes_or_no(language, shown.get("mixed_units", False)),
    ]


def months(visit: Visit, selection: Selection) -> Table:
    """Return the figures of the month of a day and of the 12 months before it, oldest first."""
    language = visit.language
    found = visit.reader.monthly_figures(selection)
    columns = [TableColumn(language.text("Month")), *ratio_columns(language)]
    rows = [[name, *ratio_cells(one)] for name, one in found.items()]
    title = language.text("Figures by month")
    return Table("months", title, columns, rows, selection.suppliers[0], selection.as_of)


def month_ends(visit: Visit, supplier_id: str) -> Table:
    """Return grade, score and pillars as they were frozen at month ends, oldest first."""
    language = visit.language
    columns = [
        TableColumn(language.text("Month")),
        TableColumn(language.text("As of the day"), Kind.DATE),
        TableColumn(language.text("Grade")),
        TableColumn(language.text("Grade by the figures")),
        TableColumn(language.text("Enough data")),
        TableColumn(language.text("Score"), Kind.NUMBER),
        TableColumn(language.text("Provisional")),
        TableColumn(language.text("Quality"), Kind.NUMBER),
        TableColumn(language.text("Delivery"), Kind.NUMBER),
        TableColumn(language.text("Responsiveness"), Kind.NUMBER),
        TableColumn(language.text("Rules of version")),
        TableColumn(language.text("Edition of the figures"), Kind.COUNT),
        TableColumn(language.text("Events counted"), Kind.COUNT),
    ]
    rows: list[TableRow] = []
    for one in reversed(visit.site.evaluations.frozen(supplier_id, _MOST_MONTH_ENDS)):
        grade, score = one.scorecard["grade"], one.scorecard["score"]
        pillars = score["pillars"]
        rows.append(
            [
                (one.as_of - timedelta(days=1)).strftime("%Y-%m"),
                one.as_of,
                None if grade["insufficient"] else grade["published"],
                grade["value"],
                _yes_or_no(language, not grade["insufficient"]),
                score["value"],
                _yes_or_no(language, score["provisional"]),
                *(pillars.get(name) for name in ("quality", "delivery", "responsiveness")),
                one.policy_version,
                one.edition,
                one.inputs.events,
            ]
        )
    return Table("month-ends", language.text("Month ends"), columns, rows, supplier_id)


def lines(visit: Visit, selection: Selection, status: str) -> Table:
    """Return every order line of a status, newest due date first, without prices."""
    reader, language = visit.reader, visit.language
    supplier_id = selection.suppliers[0]
    found = reader.lines(supplier_id, selection, status, table_files.MOST_ROWS, 0)
    table_files.require_rows(found["total"])
    names = reader.names(sorted({row["buyer_id"] for row in found["lines"]}))
    rows = [
        line_cells(language, row, selection.as_of, reader.policy, names) for row in found["lines"]
    ]
    title = language.text(LISTS[status])
    return Table(status, title, line_columns(language), rows, supplier_id, selection.as_of)


def line_columns(language: Language) -> list[TableColumn]:
    """Return the columns of a table of order lines."""
    return [
        TableColumn(language.text("Order")),
        TableColumn(language.text("Line")),
        TableColumn(language.text("Item")),
        TableColumn(language.text("Unit")),
        TableColumn(language.text("Ordered"), Kind.QUANTITY),
        TableColumn(language.text("Received"), Kind.QUANTITY),
        TableColumn(language.text("Sent back"), Kind.QUANTITY),
        TableColumn(language.text("Ordered on"), Kind.DATE),
        TableColumn(language.text("Asked for"), Kind.DATE),
        TableColumn(language.text("Due"), Kind.DATE),
        TableColumn(language.text("Last received on"), Kind.DATE),
        TableColumn(language.text("Complete")),
        TableColumn(language.text("Days late"), Kind.COUNT),
        TableColumn(language.text("On time and in full")),
        TableColumn(language.text("Not judged because")),
        TableColumn(language.text("Inspected"), Kind.QUANTITY),
        TableColumn(language.text("Rejected"), Kind.QUANTITY),
        TableColumn(language.text("Complaints"), Kind.COUNT),
        TableColumn(language.text("Dispute open")),
        TableColumn(language.text("Buyer")),
        TableColumn(language.text("Buyer's id")),
    ]


def line_cells(
    language: Language,
    row: Mapping[str, Any],
    as_of: date,
    policy: Policy,
    names: Mapping[str, str],
) -> TableRow:
    """Return the cells of an order line. `row`: an entry of `lines` in the JSON API."""
    days, complete = line_words.days_late(row, as_of, policy)
    received = max((one["received_on"] for one in row["receipts"]), default=None)
    judged = row["on_time_in_full"]
    return [
        row["order_no"],
        row["line_no"],
        row["item_no"],
        row["uom"],
        row["ordered"],
        row["received"],
        row["returned"],
        date.fromisoformat(row["ordered_on"]),
        date.fromisoformat(row["requested_date"]),
        date.fromisoformat(row["due_date"]),
        None if received is None else date.fromisoformat(received),
        _yes_or_no(language, complete),
        days,
        None if judged is None else _yes_or_no(language, judged),
        None if row["out_because"] is None else line_words.why_out(language, row["out_because"]),
        row["quantity_inspected"],
        row["quantity_rejected"],
        row["complaints"],
        _yes_or_no(language, row["dispute_open"]),
        names.get(row["buyer_id"], row["buyer_id"]),
        row["buyer_id"],
    ]


def _yes_or_no(language: Language, value: bool) -> str:
    return language.text("yes") if value else language.text("no")
