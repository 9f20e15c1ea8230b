"""The quality of received goods: inspections, returns, complaints and their answers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from services.simulator.deliveries import PartialDelivery, Receipt
from services.simulator.story import OrderStory, whole_lots
from services.simulator.worktime import (
    chance,
    days_later,
    hours_later,
    minutes_later,
    moment,
    on_workday,
)

_SEVERITIES: Final = ("minor",) * 11 + ("major",) * 7 + ("line_stop", "safety")
_INSPECTED: Final = 0.8


@dataclass(frozen=True, slots=True)
class BadPieces:
    """Bad pieces of a delivery. `inspection_no`: the inspection that found them, or None."""

    part: PartialDelivery
    quantity: Decimal
    defect: str
    found_at: datetime
    inspection_no: str | None = None


def judge(story: OrderStory, receipt: Receipt) -> None:
    """Inspect the goods of a receipt, and complain about bad ones; some are found later."""
    rng = story.rng
    for part in receipt.parts:
        if chance(rng, _INSPECTED):
            finding = _inspect(story, receipt, part)
            if finding is not None and chance(rng, 0.3):
                _complain(story, finding)
        if chance(rng, story.conduct.complaint):
            found_at = days_later(receipt.booked_at, rng, 1, 12)
            quantity = whole_lots(part.line.item, part.quantity * rng.randint(1, 12) / 1000)
            _complain(story, BadPieces(part, quantity, _defect(story), found_at))


def _defect(story: OrderStory) -> str:
    return story.rng.choice(story.supplier.cluster.defects)


def _inspect(story: OrderStory, receipt: Receipt, part: PartialDelivery) -> BadPieces | None:
    rng, item = story.rng, part.line.item
    at = hours_later(receipt.booked_at, rng, 1, 26)
    rejected, disposition, codes = Decimal(0), "accepted", [_defect(story)]
    if chance(rng, story.conduct.bad_lot):
        share = Decimal(rng.randint(4, max(5, round(story.conduct.share_rejected_most * 1000))))
        rejected = min(part.quantity, whole_lots(item, part.quantity * share / 1000))
        disposition = rng.choice(("rejected", "rejected", "rework", "concession"))
        codes.extend(code for code in [_defect(story)] if code not in codes)
    split = [rejected] if len(codes) == 1 else _halves(rejected, item.step)
    defects = [
        {"code": code, "quantity": quantity}
        for code, quantity in zip(codes, split, strict=True)
        if quantity > 0
    ]
    inspection_no = story.number("QI")
    story.buyer_says(
        at,
        "quality.inspected",
        inspection_no=inspection_no,
        inspected_at=at,
        receipt_no=receipt.receipt_no,
        order_no=story.order_no,
        line_no=part.line.line_no,
        item_no=item.item_no,
        quantity_inspected=part.quantity,
        quantity_rejected=rejected,
        disposition=disposition,
        defects=defects or None,
    )
    finding = BadPieces(part, rejected, codes[0], at, inspection_no)
    if disposition == "rejected":
        _contest_or_return(story, receipt, finding)
    return finding if rejected else None


def _halves(quantity: Decimal, step: Decimal) -> list[Decimal]:
    first = (quantity / 2 // step) * step
    return [quantity - first, first]


def _contest_or_return(story: OrderStory, receipt: Receipt, finding: BadPieces) -> None:
    """Dispute a rejection in vain, or take the goods back and mostly replace them, or neither."""
    rng, line = story.rng, finding.part.line
    if chance(rng, 0.1):
        document: dict[str, Any] = {"order_no": story.order_no, "line_no": line.line_no}
        at = days_later(finding.found_at, rng, 1, 3)
        reason = "hasil ukur kami sesuai gambar"
        story.supplier_says(at, "line.disputed", reason=reason, **document)
        at = days_later(at, rng, 1, 4)
        note = "pengukuran ulang bersama: tetap di luar toleransi"
        story.buyer_says(at, "line.dispute_answered", answer="upheld", note=note, **document)
        return
    if not chance(rng, 0.6):
        return
    returned_at = days_later(finding.found_at, rng, 1, 4)
    back = [PartialDelivery(line, finding.quantity).as_line(story.order_no)]
    story.buyer_says(
        minutes_later(returned_at, rng, 5, 40),
        "delivery.returned",
        return_no=story.number("RT"),
        returned_at=returned_at,
        receipt_no=receipt.receipt_no,
        lines=back,
        reason=finding.defect.lower(),
    )
    if chance(rng, 0.75):
        _replace_goods(story, days_later(returned_at, rng, 3, 9), finding)


def _replace_goods(story: OrderStory, day: datetime, finding: BadPieces) -> None:
    received_at = moment(on_workday(day.date()), story.rng, 9, 15)
    story.buyer_says(
        minutes_later(received_at, story.rng, 5, 80),
        "delivery.received",
        not_before=received_at,
        receipt_no=story.number("GR"),
        received_at=received_at,
        lines=[PartialDelivery(finding.part.line, finding.quantity).as_line(story.order_no)],
    )


def _complain(story: OrderStory, finding: BadPieces) -> None:
    rng = story.rng
    opened_at = minutes_later(finding.found_at, rng, 20, 300)
    complaint_no = story.number("KL")
    story.buyer_says(
        opened_at,
        "quality.complaint_opened",
        complaint_no=complaint_no,
        opened_at=opened_at,
        severity=rng.choice(_SEVERITIES),
        order_no=story.order_no,
        line_no=finding.part.line.line_no,
        item_no=finding.part.line.item.item_no,
        quantity=finding.quantity,
        inspection_no=finding.inspection_no,
        failure_mode=finding.defect.lower(),
    )
    _answer(story, complaint_no, opened_at)


def _answer(story: OrderStory, complaint_no: str, opened_at: datetime) -> None:
    """Answer a complaint in time, late or in part.

    In time is: contained within 2 days, corrected within 14, closed within 60.
    """
    rng = story.rng
    in_time = chance(rng, story.conduct.answers_in_time)
    contained_at = hours_later(opened_at, rng, 2, 24) if in_time else None
    corrected_at = days_later(opened_at, rng, 5, 12)
    if not in_time:
        corrected_at = days_later(opened_at, rng, 15, 32)
        if chance(rng, 0.7):
            contained_at = days_later(opened_at, rng, 3, 9)
    steps = {"containment": contained_at, "corrective_action": corrected_at}
    if not in_time and chance(rng, 0.3):
        del steps["corrective_action"]
    for step, at in steps.items():
        if at is not None:
            story.supplier_says(
                at,
                "quality.complaint_answered",
                complaint_no=complaint_no,
                step=step,
                answered_at=at,
            )
    if in_time or chance(rng, 0.75):
        at = days_later(corrected_at, rng, 4, 30)
        story.buyer_says(at, "quality.complaint_closed", complaint_no=complaint_no, closed_at=at)
