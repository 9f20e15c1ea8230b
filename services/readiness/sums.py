"""Computes the figures of docs/figures.md from the sums of their parts at a date.

The sums add up over suppliers: the figure of a cluster or programme is computed from the added sums
of its suppliers, never from their figures.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

from schemas.units import conversion_factor, smallest_units_of
from services.readiness.figures import Figure, Load, Plain
from services.readiness.kpis import COUNTS, RATIOS, Ratio, Term
from services.readiness.policy import Policy

AnyFigure = Figure | Plain | Load
_NONE: Final = Decimal(0)
_EPOCH: Final = date(1970, 1, 1)
_FINEST: Final = Decimal("1e-18")
_LETTERS: Final = ("a", "b", "c", "d", "e", "f", "g", "value")
_IN_UNITS: Final = {"due": "acdefg", "received": "a", "inspected": "ac", "backlog": "a"}
"""The letters of each family that are quantities, in the smallest unit of the label's unit kind."""

_MICROSECONDS_AN_HOUR: Final = 3_600_000_000
EXACT: Final = Context(prec=100)
"""For arithmetic on the store's sums of up to 76 digits; the default context rounds to 28."""


@dataclass(slots=True)
class Family:
    """The added parts of one family, for one label and buyer.

    `n`: the number of parts. `sums`: by letter, and of `value`. `months`: calendar months as
    yyyymm, for `due` only. `cases`: single values, for `asked` and `completed` only.
    """

    n: int = 0
    sums: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(_LETTERS, _NONE))
    months: set[int] = field(default_factory=set)
    cases: list[Decimal] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of `figure_sums`, or of `grade_sums`, which has fewer columns."""
        self.n += row["n"]
        for letter in _LETTERS:
            if letter in row:
                self.sums[letter] += row[letter]
        self.months.update(row["months"])
        self.cases += row.get("cases", ())


@dataclass(frozen=True, slots=True)
class Capacity:
    """The quantity of some items that a supplier declares it can make in a month with one process.

    `unit`: the unit of the quantity; '' if the declaration names none.
    """

    process: str
    quantity_per_month: Decimal
    items: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class FigureSums:
    """The sums from which the figures of one or several suppliers are computed, at a date.

    `families`: by family, then by (label, buyer); each '' where the family does not use it.
    """

    as_of: date
    families: Mapping[str, Mapping[tuple[str, str], Family]]

    @classmethod
    def of(cls, as_of: date, rows: Iterable[Mapping[str, Any]]) -> "FigureSums":
        """Add up rows of `figure_sums` or `grade_sums`. All rows must be of the date `as_of`."""
        families: dict[str, dict[tuple[str, str], Family]] = {}
        with localcontext(EXACT):
            for row in rows:
                of_label = families.setdefault(row["family"], {})
                named = (row.get("label", ""), row.get("buyer", ""))
                of_label.setdefault(named, Family()).add(row)
        return cls(as_of, families)

    def count(self, family: str) -> int:
        """Return the number of parts of a family."""
        return sum(one.n for one in self.families.get(family, {}).values())

    def sum(self, family: str, letter: str) -> Fraction:
        """Return the sum of a letter over a family, with each quantity in the unit of its line."""
        quantity = letter in _IN_UNITS.get(family, "")
        return sum(
            (
                Fraction(one.sums[letter]) / (smallest_units_of(unit_of(label)) if quantity else 1)
                for (label, _), one in self.families.get(family, {}).items()
            ),
            Fraction(0),
        )

    def cases(self, family: str) -> list[Decimal]:
        """Return the single values of a family in ascending order."""
        found = self.families.get(family, {}).values()
        return sorted(value for one in found for value in one.cases)

    @property
    def matured_lines(self) -> int:
        """The number of lines that matured in the window."""
        return self.count("due")

    @property
    def matured_months(self) -> int:
        """The number of calendar months in which matured lines' due date + late tolerance falls."""
        return len(set().union(*(one.months for one in self.families.get("due", {}).values())))

    @property
    def line_stops(self) -> int:
        """The number of complaints `line_stop` or `safety` opened in the window."""
        return int(self.sum("complained", "b"))

    @property
    def overdue_step(self) -> bool:
        """Whether a step of a complaint is overdue and not done."""
        return self.count("undone") > 0

    def scored(self) -> dict[str, Fraction | None]:
        """Return the exact values of all ratios; `Scorer` takes its values from them."""
        return {key: figure.exact for key, figure in self.ratios().items()}

    def figures(
        self, policy: Policy, capacities: Sequence[Capacity] = (), *, one_buyer: bool = False
    ) -> dict[str, AnyFigure]:
        """Return every figure by KPI.

        `capacities`: those in force at the date. `one_buyer`: the sums are of one buyer's orders,
        so the concentration of buyers has no value.
        """
        lead = self.cases("completed")
        enough = lead if len(lead) >= policy.lead_time.min_lines else []
        return {
            **self.ratios(),
            "confirmation_hours_median": Plain(self._confirmation_median()),
            "lead_time_days_p50": Plain(percentile(enough, Fraction(1, 2))),
            "lead_time_days_p90": Plain(percentile(enough, Fraction(9, 10))),
            "lead_time_cv": Plain(variation(enough)),
            **{key: Plain(int(self._added(one.family, one.term))) for key, one in COUNTS.items()},
            "buyer_concentration": Plain(None if one_buyer else self.concentration(policy)),
            "capacity_load": self._load(capacities),
        }

    def ratios(self) -> dict[str, Figure]:
        """Return the figures that are a numerator over a denominator."""
        return {key: self._ratio(ratio) for key, ratio in RATIOS.items()}

    def _ratio(self, ratio: Ratio) -> Figure:
        terms = ratio.families.items()
        return Figure(
            sum((self._added(family, above) for family, (above, _) in terms), Fraction(0)),
            sum((self._added(family, below) for family, (_, below) in terms), Fraction(0)),
            scale=ratio.scale,
            counts=ratio.counts,
            mixed_units=ratio.units_of is not None and len(self.units(ratio.units_of)) > 1,
        )

    def _added(self, family: str, term: Term) -> Fraction:
        """Return what all parts of a family add to a figure."""
        if term == "0":
            return Fraction(0)
        if term == "n":
            return Fraction(self.count(family))
        if term == "late":
            # What is still missing is valued at T - due, whenever that is.
            today = (self.as_of - _EPOCH).days
            return self.sum(family, "e") + self.sum(family, "f") * today - self.sum(family, "g")
        return self.sum(family, term)

    def units(self, family: str) -> set[str]:
        """Return the units of the quantities in a family."""
        found = self.families.get(family, {})
        return {label for (label, _), one in found.items() if label and one.sums["a"]}

    def _confirmation_median(self) -> Fraction | None:
        # -1 stands for "not confirmed", which ranks above every time.
        known = self.cases("asked")
        waited = [Fraction(one) for one in known if one >= 0]
        size = len(known)
        if size == 0 or size // 2 >= len(waited):
            return None
        middle = waited[(size - 1) // 2 : size // 2 + 1]
        return sum(middle, Fraction(0)) / len(middle) / _MICROSECONDS_AN_HOUR

    def concentration(self, policy: Policy) -> Fraction | None:
        """Return the Herfindahl-Hirschman index of the buyers' shares of the value received.

        Only prices in the policy's base currency count. Returns None if the total is 0.
        """
        by_buyer: dict[str, Fraction] = {}
        for (label, buyer), one in self.families.get("value", {}).items():
            value = value_of(label, one.sums["value"], policy.base_currency)
            by_buyer[buyer] = by_buyer.get(buyer, Fraction(0)) + value
        total = sum(by_buyer.values(), Fraction(0))
        if total == 0:
            return None
        return sum(((value / total) ** 2 for value in by_buyer.values()), Fraction(0))

    def _load(self, capacities: Sequence[Capacity]) -> Load:
        backlog: dict[str, list[tuple[str, Fraction]]] = {}
        for (label, _), one in self.families.get("backlog", {}).items():
            unit, item = label.split("\n", 1)
            quantity = Fraction(one.sums["a"]) / smallest_units_of(unit)
            backlog.setdefault(item, []).append((unit, quantity))
        processes = {}
        for capacity in sorted(capacities, key=lambda one: one.process):
            if not capacity.items or not capacity.quantity_per_month:
                continue  # a process without items or of quantity 0 has no load
            demand = _demand(capacity, backlog)
            if demand is not None:
                per_month = Fraction(capacity.quantity_per_month)
                processes[capacity.process] = Figure(demand, per_month)
        return Load(processes)


def _demand(
    capacity: Capacity, backlog: Mapping[str, Sequence[tuple[str, Fraction]]]
) -> Fraction | None:
    """Return the backlog of a process's items in its unit; None if some of it does not convert."""
    demand = Fraction(0)
    for item in set(capacity.items):
        for unit, quantity in backlog.get(item, ()):
            times = conversion_factor(unit, capacity.unit)
            if times is None:
                return None
            demand += quantity * times
    return demand


def in_units(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part with its quantities in the unit of its line.

    An infinite decimal is cut off after 18 decimals. The label of a backlog part, which is unit and
    item, is split: `label` is then the item and `unit` the unit.
    """
    unit = unit_of(part["label"])
    found = dict(part)
    if smallest_units_of(unit) > 1:
        for letter in _IN_UNITS.get(part["family"], ""):
            found[letter] = in_unit(part[letter], unit)
    if part["family"] == "backlog":
        found["unit"], found["label"] = part["label"].split("\n", 1)
    return found


def in_unit(quantity: Decimal, unit: str) -> Decimal:
    """Convert a quantity from the smallest unit of its kind, as the store holds it, to `unit`.

    An infinite decimal is cut off after 18 decimals, as the store does.
    """
    one = smallest_units_of(unit)
    if one == 1:
        return quantity
    with localcontext(EXACT):
        return (quantity / one).quantize(_FINEST, ROUND_DOWN).normalize()


def unit_of(label: str) -> str:
    """Return the unit in a part's label; in a backlog label the item follows the unit."""
    return label.split("\n", 1)[0]


def value_of(label: str, value: Decimal, currency: str) -> Fraction:
    """Return the value received in a currency; 0 if the label names another currency.

    `value`: the sum of quantity x price of a `value` part. `label`: the currency, a line break, and
    the number of smallest units that a price is for.
    """
    named, scale = label.split("\n", 1)
    return Fraction(value) / Fraction(scale) if named == currency else Fraction(0)


def percentile(rising: Sequence[Decimal], share: Fraction) -> Fraction | None:
    """Return a percentile by linear interpolation; None without values.

    `rising`: the values in ascending order. `share`: 0 to 1.
    """
    if not rising:
        return None
    place = share * (len(rising) - 1)
    low = math.floor(place)
    high = min(low + 1, len(rising) - 1)
    under, over = Fraction(rising[low]), Fraction(rising[high])
    return under + (over - under) * (place - low)


def variation(values: Sequence[Decimal]) -> float | None:
    """Return the population standard deviation over the mean; None without values or at mean 0."""
    if not values:
        return None
    exact = [Fraction(value) for value in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    if mean == 0:
        return None
    variance = sum(((value - mean) ** 2 for value in exact), Fraction(0)) / len(exact)
    return math.sqrt(variance) / float(mean)
