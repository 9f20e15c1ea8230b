"""Explains a figure: every line or document that counts in it, what each adds, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from schemas.units import conversion_factor
from services.assessment.figure_store import FigureStore, Selection
from services.readiness.assessed import standing_capacities
from services.readiness.contributions import Contribution, contribution, families_of
from services.readiness.figures import json_number
from services.readiness.kpis import KPIS
from services.readiness.policy import Policy
from services.readiness.row import Row
from services.readiness.sums import Capacity, value_of

EXPLAINED: Final = tuple(KPIS)
"""The KPIs that can be explained: all of them."""

_ALL: Final = 2**31
_MICROSECONDS_AN_HOUR: Final = Decimal(3_600_000_000)
_LINE_FAMILIES: Final = ("due", "requested", "overdue", "completed", "backlog")


@dataclass(frozen=True, slots=True)
class Miss:
    """A reason why a line is not on time and in full.

    short: only `quantity` of the ordered `bound` was received by `day`. over: `quantity` was in the
    house on `day` (received less returned), more than the allowed `bound`. early: `quantity` was
    received on `day`, before the first allowed day `first`.
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

    Raises KeyError if `kpi` is unknown, or `buyer_concentration`, which has no such parts.
    """
    families = families_of(kpi)
    found = (
        (part, contribution(kpi, part, selection.as_of))
        for part in store.parts(selection, list(families))
    )
    # The family has every complaint; only those that count as line stops are cases.
    return [(part, adds) for part, adds in found if kpi != "line_stops" or adds.value]


def explain(store: FigureStore, selection: Selection, kpi: str) -> list[dict[str, Any]]:
    """Return the parts of a supplier's figure as JSON, oldest first, with the events behind each.

    The numerators and denominators, or the values, of the parts add up to the figure's; the values
    of a median or percentile are its cases. Raises KeyError if `kpi` is unknown.
    """
    if kpi == "buyer_concentration":
        return shares_of_buyers(store, selection)
    parts = parts_of(store, selection, kpi)
    lines = _lines(store, selection) if any(part["kind"] == "line" for part, _ in parts) else {}
    events = {(r["buyer_id"], r["kind"], r["number"]): r["events"] for r in store.events(selection)}
    makers = _processes_by_item(store, selection) if kpi == "capacity_load" else {}
    explained = []
    for part, adds in parts:
        line = lines.get((part["buyer_id"], part["number"], part["line_no"]))
        explained.append(
            {
                **_named(part),
                **_added(kpi, adds),
                **_reason(kpi, part, line, store.policy),
                **(_demands(part, adds, makers) if kpi == "capacity_load" else {}),
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
        # A negative value stands for "not confirmed", which ranks above every time.
        return {"value": None if adds.value < 0 else float(adds.value / _MICROSECONDS_AN_HOUR)}
    return {"value": json_number(adds.value)}


def _reason(kpi: str, part: Row, line: Row | None, policy: Policy) -> dict[str, Any]:
    if part["kind"] != "line":
        return {"reason": _document_reason(kpi, part)}
    if part["family"] not in _LINE_FAMILIES or line is None:
        return {"reason": _answer_reason(part, policy)}
    details = _line_details(line)
    if kpi in ("otif", "otif_requested"):
        details["missed"] = [str(one) for one in missed(kpi, part, line, policy)]
        details["reason"] = "on time and in full" if part["b"] else "; ".join(details["missed"])
    else:
        details["reason"] = _quantity_reason(kpi, part, line)
    return details


def _line_details(line: Row) -> dict[str, Any]:
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
    """Return the reasons why a line is not on time and in full; none if it is.

    `kpi`: `otif`, or `otif_requested`, for which the requested date replaces the due date.
    """
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


def _quantity_reason(kpi: str, part: Row, line: Row) -> str:
    ordered = _plain(line["ordered"])
    kept = _plain(line["received"] - line["returned"])
    return {
        "on_time_quantity": f"{_plain(part['c'])} of {ordered} in time",
        "fill_rate": f"{_plain(part['d'])} of {ordered} kept",
        "mean_days_late": f"{_plain(part['f'])} of {ordered} still missing",
        "overdue_lines": f"due {line['due_date']}, {kept} of {ordered} received and kept",
        "capacity_load": f"{_plain(part['a'])} of {ordered} still to come",
    }.get(kpi, f"complete on {part['day']}, {_plain(part['a'])} days after the order")


def _answer_reason(part: Row, policy: Policy) -> str:
    family = part["family"]
    if family == "asked":
        within = f"{policy.confirmation.sla_hours} hours"
        return f"confirmed within {within}" if part["b"] else f"not confirmed within {within}"
    if family == "answered":
        return "accepted or changed" if part["b"] else "rejected"
    if family == "retroactive":
        return "retroactive: the order asks for a date before its own, or goods came before it"
    return "received" if family == "received" else "no order line of this number"


def _document_reason(kpi: str, part: Row) -> str:
    good = bool(part["b"])
    if kpi == "ppm" and part["family"] == "inspected":
        return _lot_reason(part)
    return {
        "inspected": "accepted" if good else "not accepted",
        "complained": "line stop or safety complaint" if good else "complaint",
        "receipt": "announced before it came" if good else "not announced before it came",
        "step": f"{part['label']} {'done in time' if good else 'not done in time'}",
        "open": "not closed",
    }[part["family"]]


def _lot_reason(part: Row) -> str:
    """Return the rejected quantity that counts: at most what is left of the receipt line."""
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


def _processes_by_item(store: FigureStore, selection: Selection) -> dict[str, list[Capacity]]:
    found: dict[str, list[Capacity]] = {}
    for one in standing_capacities(store.partner_facts(selection), selection.as_of):
        for item in set(one.items):
            found.setdefault(item, []).append(one)
    return found


def _demands(
    part: Row, adds: Contribution, makers: Mapping[str, Sequence[Capacity]]
) -> dict[str, Any]:
    """Return the processes that make a line's item, and the line's demand in the unit of each.

    The demand is None if the unit does not convert: such a process has no load.
    """
    demand = Fraction(adds.value or 0)
    of_each = {
        one.process: None
        if (times := conversion_factor(part["unit"], one.unit)) is None
        else demand * times
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
    """Return each buyer's share of the value received as JSON; none if the selection has buyers."""
    # Only shares, never the values: prices stay between the partners that agreed on them.
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
