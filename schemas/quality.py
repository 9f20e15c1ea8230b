"""Quality: inspections of lots, complaints and the steps of their answer, disputes of a line."""

from typing import Literal

from pydantic import Field

from schemas.fields import (
    Document,
    DocumentNumber,
    HappenedAt,
    Identifier,
    NonEmptyText,
    Quantity,
    Text,
    Unit,
    WebAddress,
)


class Defect(Document):
    """A kind of defect and, where it was counted, how many pieces had it."""

    code: DocumentNumber
    quantity: Quantity | None = None


class _QualityDocument(Document):
    buyer_id: Identifier
    supplier_id: Identifier


class QualityInspected(_QualityDocument):
    """An inspected lot. A concession uses what is out of specification: not an acceptance."""

    inspection_no: DocumentNumber
    inspected_at: HappenedAt
    receipt_no: DocumentNumber | None = None
    order_no: DocumentNumber
    line_no: DocumentNumber
    item_no: DocumentNumber | None = None
    quantity_inspected: Quantity
    quantity_rejected: Quantity
    uom: Unit | None = Field(
        default=None, description="of all its quantities; absent: that of the order line"
    )
    disposition: Literal["accepted", "rejected", "concession", "rework"]
    defects: list[Defect] | None = None


class ComplaintOpened(_QualityDocument):
    """A complaint; `inspection_no` where it repeats what an inspection found."""

    complaint_no: DocumentNumber
    opened_at: HappenedAt
    severity: Literal["minor", "major", "line_stop", "safety"]
    order_no: DocumentNumber | None = None
    line_no: DocumentNumber | None = None
    item_no: DocumentNumber | None = None
    quantity: Quantity | None = None
    inspection_no: DocumentNumber | None = None
    failure_mode: Text | None = None


class ComplaintAnswered(_QualityDocument):
    """A step of the supplier's answer done."""

    complaint_no: DocumentNumber
    step: Literal["containment", "corrective_action"]
    answered_at: HappenedAt


class ComplaintClosed(_QualityDocument):
    """A complaint closed; closing does every step not yet done."""

    complaint_no: DocumentNumber
    closed_at: HappenedAt


class LineDisputed(_QualityDocument):
    """The supplier disputes what the buyer's system says of an order line. Moves no figure."""

    order_no: DocumentNumber
    line_no: DocumentNumber
    reason: NonEmptyText
    evidence: WebAddress | None = None


class DisputeAnswered(_QualityDocument):
    """The buyer's answer to a dispute. The correction itself is an ordinary event."""

    order_no: DocumentNumber
    line_no: DocumentNumber
    answer: Literal["corrected", "upheld"]
    note: Text | None = None
