"""Explaining a figure: every line or document that it is made of, what it adds, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from schemas.units import factor
from services.assessment.figure_store import FigureStore, Selection
from services.readiness.assessed import standing_capacities
from services.readiness.contributions import FAMILIES, Contribution, contribution
from services.readiness.figures import json_number
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import Capacity, value_of

EXPLAINED: Final = (*FAMILIES, "buyer_concentration")
"""The keys of the figures that can be explained: all of them."""

_ALL: Final = 2**31
_MICROSECONDS_AN_HOUR: Final = Decimal(3_600_000_000)
_OF_A_LINE: Final = ("due", "requested", "overdue", "completed", "backlog")


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a line is not on time and in full.

    short: only `quantity` of `bound` by `day`. over: `quantity` in the house on `day` (received
    less returned), at most `bound`. early: `quantity` on `day`, before `first`.
    """

    kind: Literal["short", "early", "over"]
    quantity: Decimal
    day: date
    bound: Decimal = Decimal(0)
    first: date | None = None

    def __str__(self) -> str:
        if self.kind == "early":
            return f"early: {_plain(self.quantity)} on {self.day}, before {self.first}"
        if self.kind == "short":
            return f"short: {_plain(self.quantity)} of {_plain(self.bound)} by {self.day}"
        held = f"{_plain(self.quantity)} in the house on {self.day}"
        return f"over: {held}, {_plain(self.bound)} at most"


def parts_of(
    store: FigureStore, selection: Selection, kpi: str
) -> list[tuple[dict[str, Any], Contribution]]:
    """Return the parts of a supplier's figure, oldest first, each with what it adds.

    KeyError for a key that is none, and for the concentration of buyers, which has no such parts.
    """
    families = FAMILIES[kpi]
    found = (
        (part, contribution(kpi, part, selection.as_of))
        for part in store.parts(selection, list(families))
    )
    # Every complaint is looked at; only one that stops a line is a case of its own.
    return [(part, adds) for part, adds in found if kpi != "line_stops" or adds.value]


def explain(store: FigureStore, selection: Selection, kpi: str) -> list[dict[str, Any]]:
    """Return the parts of a supplier's figure, oldest first, with the events behind each.

    The numerators, the denominators or the values of the parts add up to the figure's (of a median
    or percentile they are its cases). KeyError for a key that is none.
    """
    if kpi == "buyer_concentration":
        return shares_of_buyers(store, selection)
    parts = parts_of(store, selection, kpi)
    lines = _lines(store, selection) if any(part["kind"] == "line" for part, _ in parts) else {}
    events = {(r["buyer_id"], r["kind"], r["number"]): r["events"] for r in store.events(selection)}
    makers = _makers(store, selection) if kpi == "capacity_load" else {}
    explained = []
    for part, adds in parts:
        line = lines.get((part["buyer_id"], part["number"], part["line_no"]))
        explained.append(
            {
                **_named(part),
                **_added(kpi, adds),
                **_why(kpi, part, line, store.policy),
                **(_loads(part, adds, makers) if kpi == "capacity_load" else {}),
                "events": _events(part, line, events),
            }
        )
    return explained


def _named(part: Row) -> dict[str, Any]:
    names: dict[str, Any] = {"buyer_id": part["buyer_id"], "kind": part["kind"]}
    if part["kind"] == "line":
        names |= {"order_no": part["number"], "line_no": part["line_no"]}
    else:
        names[f"{part['kind']}_no"] = part["number"]
    return {**names, "day": part["day"].isoformat()}


def _added(kpi: str, adds: Contribution) -> dict[str, Any]:
    if adds.numerator is not None and adds.denominator is not None:
        return {
            "numerator": json_number(adds.numerator),
            "denominator": json_number(adds.denominator),
        }
    if adds.value is None:
        return {"value": None}
    if kpi == "confirmation_hours_median":
        # Not confirmed is longer than any time.
        return {"value": None if adds.value < 0 else float(adds.value / _MICROSECONDS_AN_HOUR)}
    return {"value": json_number(adds.value)}


def _why(kpi: str, part: Row, line: Row | None, policy: Policy) -> dict[str, Any]:
    if part["kind"] != "line":
        return {"reason": _of_a_document(kpi, part)}
    if part["family"] not in _OF_A_LINE or line is None:
        return {"reason": _of_an_answer(part, policy)}
    told = _told(line)
    if kpi in ("otif", "otif_requested"):
        told["missed"] = [str(one) for one in missed(kpi, part, line, policy)]
        told["reason"] = "on time and in full" if part["b"] else "; ".join(told["missed"])
    else:
        told["reason"] = _of_a_quantity(kpi, part, line)
    return told


def _told(line: Row) -> dict[str, Any]:
    source, name = line["due_set_by"]
    return {
        "ordered": json_number(line["ordered"]),
        "requested_date": line["requested_date"].isoformat(),
        "due_date": line["due_date"].isoformat(),
        "due_set_by": {"source": source, "id": name},
        "received": json_number(line["received"]),
        "returned": json_number(line["returned"]),
        "receipts": [
            {"receipt_no": number, "received_on": on.isoformat(), "quantity": json_number(quantity)}
            for on, quantity, number in line["receipts"]
        ],
    }


def missed(kpi: str, part: Row, line: Row, policy: Policy) -> list[Miss]:
    """Return what kept a line from being on time and in full; nothing where it was."""
    if part["b"]:
        return []
    tolerances = policy.tolerances_for(part["buyer_id"], line["item_no"])
    day = line["due_date"] if kpi == "otif" else line["requested_date"]
    last = day + timedelta(days=tolerances.late_days)
    first = day - timedelta(days=tolerances.early_days)
    by_then = sum((q for on, q, _ in line["receipts"] if on <= last), Decimal(0))
    found = []
    if by_then < line["ordered"] * (1 - tolerances.under):
        found.append(Miss("short", by_then, last, line["ordered"]))
    early = [(on, q) for on, q, _ in line["receipts"] if on < first]
    if early:
        on, quantity = early[0]
        found.append(Miss("early", quantity, on, first=first))
    over = next(
        (one for one in line["in_the_house"] if one[0] <= last and one[1] > line["most"]), None
    )
    if over is not None:
        on, quantity = over
        found.append(Miss("over", quantity, on, line["most"]))
    return found


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _of_a_quantity(kpi: str, part: Row, line: Row) -> str:
    ordered = _plain(line["ordered"])
    kept = _plain(line["received"] - line["returned"])
    return {
        "on_time_quantity": f"{_plain(part['c'])} of {ordered} in time",
        "fill_rate": f"{_plain(part['d'])} of {ordered} kept",
        "mean_days_late": f"{_plain(part['f'])} of {ordered} still missing",
        "overdue_lines": f"due {line['due_date']}, {kept} of {ordered} received and kept",
        "capacity_load": f"{_plain(part['a'])} of {ordered} still to come",
    }.get(kpi, f"complete on {part['day']}, {_plain(part['a'])} days after the order")


def _of_an_answer(part: Row, policy: Policy) -> str:
    family = part["family"]
    if family == "asked":
        within = f"{policy.confirmation.sla_hours} hours"
        return f"confirmed within {within}" if part["b"] else f"not confirmed within {within}"
    if family == "answered":
        return "taken on" if part["b"] else "rejected"
    if family == "retroactive":
        return "written afterwards: it asks for a date before its own, or goods came before it"
    return "received" if family == "received" else "no order line of this number"


def _of_a_document(kpi: str, part: Row) -> str:
    good = bool(part["b"])
    if kpi == "ppm" and part["family"] == "inspected":
        return _of_a_lot(part)
    return {
        "inspected": "accepted" if good else "not accepted",
        "complained": "stops the line or endangers" if good else "complaint",
        "receipt": "announced before it came" if good else "not announced before it came",
        "step": f"{part['label']} {'done in time' if good else 'not done in time'}",
        "open": "not closed",
    }[part["family"]]


def _of_a_lot(part: Row) -> str:
    """Say what of an inspection counts: at most what is left of its receipt line."""
    counts, said = part["a"], part["c"]
    if counts == said:
        return f"{_plain(counts)} rejected"
    return f"{_plain(counts)} of {_plain(said)} rejected count: no more is left of the receipt"


def _events(
    part: Row, line: Row | None, events: Mapping[tuple[str, str, str], Sequence[tuple[str, str]]]
) -> list[dict[str, str]]:
    number = part["number"]
    if part["kind"] == "line":
        number = f"{number}\n{part['line_no']}"
    found = events.get((part["buyer_id"], part["kind"], number), [])
    if line is not None:
        found = line["events"]
    return [{"source": source, "id": name} for source, name in found]


def _lines(store: FigureStore, selection: Selection) -> dict[tuple[str, str, str], Row]:
    rows = store.lines(selection, "any", _ALL, 0)
    return {(row["buyer_id"], row["order_no"], row["line_no"]): row for row in rows}


def _makers(store: FigureStore, selection: Selection) -> dict[str, list[Capacity]]:
    found: dict[str, list[Capacity]] = {}
    for one in standing_capacities(store.partner_facts(selection), selection.as_of):
        for item in set(one.items):
            found.setdefault(item, []).append(one)
    return found


def _loads(
    part: Row, adds: Contribution, makers: Mapping[str, Sequence[Capacity]]
) -> dict[str, Any]:
    """Return which processes make a line's item, and what the line asks of each in its unit.

    None where that does not convert: such a process has no load.
    """
    asked = Fraction(adds.value or 0)
    of_each = {
        one.process: None if (times := factor(part["unit"], one.unit)) is None else asked * times
        for one in makers.get(part["label"], ())
    }
    return {
        "processes": list(of_each),
        "in_units_of_processes": {
            process: None if quantity is None else json_number(quantity)
            for process, quantity in of_each.items()
        },
    }


def shares_of_buyers(store: FigureStore, selection: Selection) -> list[dict[str, Any]]:
    """Return each buyer's share of the value received; nothing where one buyer is looked at."""
    # Shares, never what they are made of: prices stay with who agreed them.
    values: dict[str, Fraction] = {}
    for row in store.sums(selection):
        if row["family"] == "value":
            so_far = values.get(row["buyer"], Fraction(0))
            value = value_of(row["label"], row["value"], store.policy.base_currency)
            values[row["buyer"]] = so_far + value
    total = sum(values.values(), Fraction(0))
    if selection.buyers or not total:
        return []
    return [
        {"buyer_id": buyer, "share": float(value / total), "reason": "share of the value received"}
        for buyer, value in sorted(values.items())
        if value
    ]
