"""Puts next steps into words: what would raise a supplier's score most, and the cases. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.readiness.policy import Policy
from services.text.language import Language, mark
from services.text.standing_words import Card, Number, points
from services.web import addresses

MOST_CASES: Final = 5
"""The cases shown for a step: as many as a workshop can look into within a week."""

STEPS: Final = {
    "containment": mark("securing the goods"),
    "corrective_action": mark("putting the cause right"),
    "closing": mark("closing it"),
}
_TO_DO: Final = {
    "otif": mark(
        "Deliver orders in full on the date agreed: not late, not too early, not too much."
    ),
    "otif_requested": mark(
        "Deliver orders in full on the date that the buyer asked for, not only on the one agreed."
    ),
    "on_time_quantity": mark(
        "Send all that is ordered by the due date; where it is not complete, send what is ready."
    ),
    "fill_rate": mark("Send what is missing of orders, and replace goods that came back."),
    "mean_days_late": mark("Do first the orders that are the most and the longest late."),
    "ppm": mark("Find why goods are rejected, and check every delivery before it leaves."),
    "lot_acceptance": mark(
        "Take out bad goods before they leave, so that the whole lot is accepted at once."
    ),
    "confirmation_in_time": mark("Answer every new order within %(hours)s hours."),
    "order_acceptance": mark(
        "Do not decline an order at once: where the date is hard, answer with one you can keep."
    ),
    "despatch_notice_rate": mark("Send a despatch advice before the goods reach the buyer."),
    "complaint_response": mark(
        "Answer complaints before they are due: secure the goods within %(containment)s days, "
        "put the cause right within %(correction)s days, close it within %(closing)s days."
    ),
}


@dataclass(frozen=True, slots=True)
class CaseWords:
    """A case behind a next step. `address`: of the order line's page; None for other cases."""

    what: str
    address: str | None


@dataclass(frozen=True, slots=True)
class StepWords:
    """A next step. `kpi`: the figure that it would improve; `gain`: the points it would gain."""

    kpi: str
    what: str
    gain: str
    cases: tuple[CaseWords, ...]


def gained(language: Language, value: Number) -> str:
    """Return a gain in points, such as `+4.2 points`."""
    if Fraction(value) < Fraction(1, 20):
        tenth = language.number(Fraction(1, 10), 1)
        return language.text("less than +%(number)s points", number=tenth)
    return language.text("+%(number)s points", number=points(language, value))


def to_do(language: Language, policy: Policy) -> dict[str, str]:
    """Return what to do for each figure that a policy may score, by its key."""
    answers = policy.complaints
    values = {
        "hours": policy.confirmation.sla_hours,
        "containment": answers.containment_days,
        "correction": answers.corrective_action_days,
        "closing": answers.closing_days,
    }
    return {key: language.text(sentence, **values) for key, sentence in _TO_DO.items()}


def next_steps(
    language: Language, card: Card, policy: Policy, names: Mapping[str, str]
) -> list[StepWords]:
    """Return the next steps of a scorecard, largest gain first. `names`: of buyers, by id."""
    sentences = to_do(language, policy)
    return [
        StepWords(
            step["kpi"],
            sentences[step["kpi"]],
            gained(language, step["gain"]),
            tuple(
                CaseWords(_case(language, case, names), _address(card["supplier_id"], case))
                for case in step["cases"][:MOST_CASES]
            ),
        )
        for step in card["next_steps"]
    ]


def nothing_to_do(language: Language, card: Card) -> str:
    """Return the sentence for a scorecard without next steps."""
    score = card["score"]["value"]
    if score is None:
        return language.text("Nothing stands out, as there is no data yet.")
    if score == 100:
        return language.text("Nothing stands out: every figure is good.")
    # Points are flat at both ends: where much went wrong, a few cases fewer gain nothing.
    return language.text(
        "Nothing stands out: putting a few cases right does not raise the score yet. "
        "Begin with the figures below."
    )


def _case(language: Language, case: Mapping[str, str], names: Mapping[str, str]) -> str:
    if "order_no" in case:
        what = language.text(
            "Order %(order)s line %(line)s", order=case["order_no"], line=case["line_no"]
        )
    elif "inspection_no" in case:
        what = language.text("Inspection %(number)s", number=case["inspection_no"])
    elif "receipt_no" in case:
        what = language.text("Goods receipt %(number)s", number=case["receipt_no"])
    else:
        what = language.text("Complaint %(number)s", number=case["complaint_no"])
    if "step" in case:
        name = STEPS.get(case["step"])
        step = case["step"] if name is None else language.text(name)
        what += language.text(", step %(step)s", step=step)
    return f"{what}, {names.get(case['buyer_id'], case['buyer_id'])}"


def _address(supplier_id: str, case: Mapping[str, str]) -> str | None:
    if "order_no" not in case:
        return None
    return addresses.line(supplier_id, case["buyer_id"], case["order_no"], case["line_no"])
