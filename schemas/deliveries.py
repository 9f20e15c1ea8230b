"""Deliveries: despatch advice, goods receipt, its reversal, goods sent back."""

from typing import Annotated

from pydantic import Field

from schemas.fields import (
    Document,
    DocumentNumber,
    HappenedAt,
    Identifier,
    Instant,
    Quantity,
    Text,
    Unit,
)


class DeliveredLine(Document):
    """A quantity of one order line. Two lines of one document for the same one add up."""

    order_no: DocumentNumber
    line_no: DocumentNumber
    quantity: Quantity
    uom: Unit | None = Field(default=None, description="absent: that of the order line")


DeliveredLines = Annotated[list[DeliveredLine], Field(min_length=1)]


class _DeliveryDocument(Document):
    buyer_id: Identifier
    supplier_id: Identifier


class DeliveryDespatched(_DeliveryDocument):
    """Despatch advice (surat jalan): what the supplier has sent."""

    despatch_no: DocumentNumber
    lines: DeliveredLines
    expected_at: Instant | None = None
    vehicle: Text | None = None


class DeliveryReceived(_DeliveryDocument):
    """Goods receipt (penerimaan barang): what arrived, and when it arrived physically."""

    receipt_no: DocumentNumber
    received_at: HappenedAt
    despatch_no: DocumentNumber | None = None
    lines: DeliveredLines


class DeliveryReversed(_DeliveryDocument):
    """A goods receipt entered wrongly, undone in whole or in part."""

    receipt_no: DocumentNumber
    lines: DeliveredLines | None = Field(default=None, description="absent: all of the receipt")


class DeliveryReturned(_DeliveryDocument):
    """Goods sent back to the supplier."""

    return_no: DocumentNumber
    returned_at: HappenedAt
    receipt_no: DocumentNumber | None = None
    lines: DeliveredLines
    reason: Text | None = None
