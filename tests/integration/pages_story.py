"""What the pages' partners did: three suppliers of two buyers, written as an ERP would send it."""

import json
from datetime import date
from typing import Any

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from services.warehouse.ledger import LedgerRecord

BUYER, OTHER, SUPPLIER, SMALL, BULK = "PG-AHM", "PG-TMMIN", "PG-IKM-1", "PG-IKM-2", "PG-IKM-3"
NASTY = "PO\"'<script>alert(1)</script>&amp;"


class Story:
    """Events of a few partners, written as an ERP would send them."""

    def __init__(self) -> None:
        self.records: list[LedgerRecord] = []

    def tell(self, sender: str, kind: str, time: str, **data: Any) -> None:
        event = {
            "specversion": "1.0",
            "id": f"pages-{len(self.records)}",
            "source": f"/erp/{sender}/test",
            "type": f"id.rantai.{kind}.v1",
            "time": time,
            "data": data,
        }
        accepted = validate(parse(json.dumps(event).encode()), Sender(sender, tuple(Role)))
        assert isinstance(accepted, Accepted), accepted
        a, i = accepted, len(self.records)
        self.records.append(
            LedgerRecord(a.source, a.id, a.content.hex(), a.value, a.topic, 0, i, 1_795_000_000_000)
        )

    def order(self, buyer: str, supplier: str, number: str, due: date, lines: int = 1) -> None:
        self.tell(
            buyer,
            "order.placed",
            "2026-07-01T08:00:00+07:00",
            buyer_id=buyer,
            supplier_id=supplier,
            order_no=number,
            lines=[
                {
                    "line_no": str(10 * n),
                    "item_no": "BRK-<1>",
                    "quantity": 100,
                    "uom": "PCS",
                    "requested_date": due.isoformat(),
                }
                for n in range(1, lines + 1)
            ],
        )

    def receive(self, buyer: str, supplier: str, number: str, on: date, quantity: int) -> None:
        at = f"{on.isoformat()}T09:00:00+07:00"
        self.tell(
            buyer,
            "delivery.received",
            at,
            buyer_id=buyer,
            supplier_id=supplier,
            receipt_no=f"R-{number}-{on}",
            received_at=at,
            lines=[{"order_no": number, "line_no": "10", "quantity": quantity}],
        )

    def inspect(self, buyer: str, supplier: str, number: str, line_no: str, rejected: int) -> None:
        at = "2026-10-20T09:00:00+07:00"
        self.tell(
            buyer,
            "quality.inspected",
            at,
            buyer_id=buyer,
            supplier_id=supplier,
            inspection_no=f"QI-{number}-{line_no}",
            inspected_at=at,
            order_no=number,
            line_no=line_no,
            quantity_inspected=50,
            quantity_rejected=rejected,
            disposition="rejected" if rejected else "accepted",
        )

    def register(self, partner: str, role: str, name: str, cluster: str | None = None) -> None:
        self.tell(
            "PG-YDBA",
            "partner.registered",
            "2026-01-05T09:00:00+07:00",
            partner_id=partner,
            role=role,
            name=name,
            cluster=cluster,
        )


def tell_all(story: Story) -> None:
    story.register(BUYER, "buyer", "PT Astra & Kawan")
    story.register(SUPPLIER, "supplier", "CV Logam <Jaya>", "pg-tegal")
    story.register(SMALL, "supplier", "UD Kecil", "pg-tegal")
    for n in range(1, 10):  # Nine lines: one late and incomplete, one late, one too early.
        due = date(2026, 9 + n % 3, 10)
        number = NASTY if n == 1 else f"A{n}"
        story.order(BUYER, SUPPLIER, number, due)
        received = {1: due.replace(day=14), 2: due.replace(day=1)}.get(n, due)
        if n != 3:
            story.receive(BUYER, SUPPLIER, number, received, 100)
        story.inspect(BUYER, SUPPLIER, number, "10", 7 if n == 1 else 0)
    story.order(OTHER, SUPPLIER, "RAHASIA-1", date(2026, 10, 5))
    story.receive(OTHER, SUPPLIER, "RAHASIA-1", date(2026, 10, 29), 60)
    story.order(BUYER, SMALL, "B1", date(2026, 10, 5))
    story.receive(BUYER, SMALL, "B1", date(2026, 10, 5), 100)
    story.order(OTHER, BULK, "4500017731-BULK", date(2026, 10, 5), lines=60)
    for n in range(1, 61):
        story.inspect(OTHER, BULK, "4500017731-BULK", str(10 * n), 5)
