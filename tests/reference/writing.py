"""Writes random events: their ids, times, numbers and envelopes."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

JAKARTA = timezone(timedelta(hours=7))
TOKYO = timezone(timedelta(hours=9))
MILLIONTH = Decimal("0.000001")

CLOCKS = (
    time(0, 0, 0),
    time(0, 0, 0, 1),
    time(7, 30, 0),
    time(12, 0, 0, 500_000),
    time(16, 59, 59),
    time(17, 0, 0),
    time(22, 15, 0, 120_000),
    time(23, 59, 59),
    time(23, 59, 59, 999_999),
)
"""Local times, most of them next to midnight in Jakarta or in UTC."""

ORDER_NUMBERS = (
    "PO-{}",
    "po-{}",
    "{}",
    "45000{:05d}",
    "PO/{} 'é\"x'",
    "PO/{} 'e\u0301\"x'",
    "PO {}\\n; -- {{a}}",
    "注文 {} %_",
)
LINE_NUMBERS = ("10", "20", "10.2", "010", "00010", "a", "A", "1/2", "é 'x\"")
UNITS = ("H87", "H87", "H87", "KGM", "MTR", "PCS", "EA", "KG", "DZN", "LUSIN", "GRO", "SET")
OTHER_UNITS = {
    "H87": ("PCS", "DZN", "GRO", "PR", "C62"), "PCS": ("EA", "LUSIN", "H87"), "EA": ("DZN", "MIL"),
    "KGM": ("GRM", "TNE"), "KG": ("KGM", "DTN"), "MTR": ("MMT", "CMT"), "DZN": ("H87", "PR"),
    "LUSIN": ("PCS", "GRO"), "GRO": ("DZN", "H87"), "SET": ("SET",),
}  # fmt: skip
"""The units into which each unit converts."""

SUPPLIER_IDS = ("S{}", "s{}", "S-{}.a", "s_{}-b")
BUYER_IDS = ("B{}", "b{}", "B-{}.c", "b_{}-d")


def supplier_ids(count: int) -> list[str]:
    """Return supplier ids, some of which differ only in case."""
    return [SUPPLIER_IDS[i % 4].format(i // 4 + 1) for i in range(count)]


def buyer_ids(count: int) -> list[str]:
    """Return buyer ids, some of which differ only in case."""
    return [BUYER_IDS[i % 4].format(i // 4 + 1) for i in range(count)]


@dataclass(frozen=True)
class Pair:
    """A buyer and a supplier that deal with each other."""

    buyer: str
    supplier: str

    @property
    def parties(self) -> dict[str, Any]:
        """The fields `buyer_id` and `supplier_id` of every document between them."""
        return {"buyer_id": self.buyer, "supplier_id": self.supplier}


@dataclass
class Writer:
    """Writes events whose times lie between `start` and `start` + `days` into `events`."""

    rng: random.Random
    start: date
    days: int
    events: list[dict[str, Any]] = field(default_factory=list)
    eager: bool = False
    """While set, every `chance` is true: everything that may happen does."""
    recent: list[datetime] = field(default_factory=list)
    """Times that are used again, so that some events have the same time."""
    _numbers: Counter[tuple[Pair, str]] = field(default_factory=Counter)
    _used: set[tuple[str, str]] = field(default_factory=set)

    def chance(self, share: float) -> bool:
        """Return True with a probability of `share`, or always while `eager`."""
        return self.rng.random() < share or self.eager

    def document_no(self, pair: Pair, prefix: str) -> str:
        """Return a new document number. Each pair counts from 1, so pairs share numbers."""
        self._numbers[pair, prefix] += 1
        return f"{prefix}{self._numbers[pair, prefix]}"

    def order_no(self, pair: Pair) -> str:
        """Return a new order number, at times an odd one. Other spellings are other orders."""
        self._numbers[pair, "order"] += 1
        spelling, rest = self.rng.choice(ORDER_NUMBERS), self._numbers[pair, "order"]
        return spelling.format(rest)

    def day(self, last: float = 1.0) -> date:
        """Choose a day in the first part of the span; `last`: the size of that part."""
        return self.start + timedelta(days=self.rng.randint(0, max(0, int(self.days * last) - 1)))

    def moment(self, day: date, offsets: Sequence[int] = (0,)) -> datetime:
        """Choose a time some days (one of `offsets`) from `day`, or one used before."""
        if self.recent and self.rng.random() < 0.12:
            return self.rng.choice(self.recent)
        day += timedelta(days=self.rng.choice(offsets))
        clock = self.rng.choice(CLOCKS)
        if self.rng.random() < 0.3:
            clock = time(self.rng.randrange(24), self.rng.randrange(60), self.rng.randrange(60))
        chosen = self.inside(datetime.combine(day, clock, JAKARTA))
        self.recent = [*self.recent[-7:], chosen]
        return chosen

    def after(self, moment: datetime, days: Sequence[int] = (0, 0, 1, 2)) -> datetime:
        """Choose a time up to 9 hours and some days after another; `days` may be negative."""
        hours = self.rng.choice((0, 0, 1, 9))
        return self.inside(moment + timedelta(days=self.rng.choice(days), hours=hours))

    @property
    def end(self) -> datetime:
        """The end of the span."""
        return datetime.combine(self.start, time(0), JAKARTA) + timedelta(days=self.days)

    def inside(self, moment: datetime) -> datetime:
        """Return a time, or the nearer end of the span if it lies outside."""
        return min(max(moment, self.end - timedelta(days=self.days)), self.end)

    def clock(self, day: date) -> datetime:
        """Choose a time on a day."""
        return datetime.combine(day, self.rng.choice(CLOCKS), JAKARTA)

    def about_48_hours(self, since: datetime) -> datetime:
        """Choose the time 48 hours later, or a microsecond before or after that."""
        aside = timedelta(microseconds=self.rng.choice((-1, 0, 0, 1)))
        return self.inside(since + timedelta(hours=48) + aside)

    def text(self, moment: datetime) -> str:
        """Return a time as text, in one of several offsets."""
        zone = self.rng.choice((JAKARTA, JAKARTA, UTC, TOKYO))
        return moment.astimezone(zone).isoformat().replace("+00:00", "Z")

    def amount(self) -> Decimal:
        """Choose a quantity above 0, small or large, with up to 6 decimals."""
        places = self.rng.choice((0, 0, 0, 1, 3, 6))
        digits = self.rng.choice((1, 2, 2, 3, 3))
        if self.rng.random() < 0.003:
            digits, places = 11, 6
        drawn = self.rng.randint(1, 10 ** (digits + places) - 1)
        return Decimal(drawn).scaleb(-places)

    def number(self, value: Decimal) -> int | str:
        """Return an exact number: a JSON integer, or a decimal string, at times with zeros."""
        exact = value.quantize(MILLIONTH)
        if exact == exact.to_integral_value() and self.rng.random() < 0.6:
            return int(exact)
        plain = format(exact, "f")
        return plain if self.rng.random() < 0.3 else plain.rstrip("0").rstrip(".")

    def portion(self, of: Decimal) -> Decimal:
        """Choose a quantity near or below another: all, a part, or about the over tolerance."""
        share = self.rng.choice(("1", "1", "1", "1", "0.5", "0.3", "0.999", "1.05", "1.06", "1.5"))
        chosen = (of * Decimal(share)).quantize(MILLIONTH)
        if self.rng.random() < 0.1:
            chosen += MILLIONTH
        return max(chosen, MILLIONTH)

    def unit(self, of: str) -> dict[str, str]:
        """Return the unit of a document line: none, that of the order line, or another.

        Some of the others do not convert into it.
        """
        draw = self.rng.random()
        if draw < 0.6:
            return {}
        if draw < 0.75:
            return {"uom": of}
        if draw < 0.95:
            return {"uom": self.rng.choice(OTHER_UNITS[of])}
        return {"uom": self.rng.choice(("KGM", "H87", "SET", "LTR"))}

    def write(
        self, sender: str, name: str, moment: datetime, data: dict[str, Any]
    ) -> dict[str, Any]:
        """Write one event and return it. Buyers send from SAP, all others from the app."""
        source = f"/erp/{sender}/{'sap' if sender == data.get('buyer_id') else 'app'}"
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": self._new_id(source),
            "source": source,
            "type": f"id.rantai.{name}.v1",
            "time": self.text(moment),
            "data": data,
        }
        if self.rng.random() < 0.1:
            event["subject"] = name
        if self.rng.random() < 0.1:
            trace, span = self.rng.getrandbits(128) or 1, self.rng.getrandbits(64) or 1
            event["traceparent"] = f"00-{trace:032x}-{span:016x}-01"
        self.events.append(event)
        return event

    def _new_id(self, source: str) -> str:
        """Return an id that is new for this source; other sources may use the same one."""
        while True:
            drawn = f"{self.rng.choice('aAzZ09')}{self.rng.getrandbits(20):05x}"
            if self.events and self.rng.random() < 0.03:
                drawn = self.rng.choice(self.events)["id"]
            if (source, drawn) not in self._used:
                self._used.add((source, drawn))
                return drawn
