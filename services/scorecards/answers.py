"""Models of the answers about suppliers, for the OpenAPI document (see `services.http.answers`)."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from services.http.answers import Answer
from services.readiness.policy_parts import GateName, Letter
from services.readiness.stage import StageName


class Window(Answer):
    """The span of days that figures are about."""

    first: date = Field(alias="from", description="first day of the window")
    to: date = Field(description="the day after the last day of the window; equal to `as_of`")


class Heading(Answer):
    """Which figures an answer has."""

    as_of: date = Field(description="the figures hold for the moment when this day began")
    window: Window = Field(description="the days that the figures are about")
    buyer_id: str | None = Field(description="the buyer whose orders count; null: all buyers")


class PartOfList(Answer):
    """How much of a list an answer has."""

    total: int = Field(description="number of entries in the whole list")
    next_offset: int | None = Field(
        description="`offset` of the next part of the list; null after the last part"
    )


class EventName(Answer):
    """The source and id of an event, which identify it together."""

    source: str = Field(description="the CloudEvents source: /erp/<partner id>/...")
    id: str = Field(description="the CloudEvents id")


class PlainFigure(Answer):
    """A figure that is one number, such as a count or a percentile."""

    value: float | None = Field(description="the figure in its own unit; null: it has no value")


class RatioFigure(PlainFigure):
    """A figure that is a numerator over a denominator."""

    numerator: float = Field(description="sum of the parts above the line, an exact decimal")
    denominator: float = Field(description="sum of the parts below the line, an exact decimal")
    ci95: tuple[float, float] | None = Field(
        default=None,
        description="95 % Wilson interval of the value; only in shares of cases, null without any",
    )
    mixed_units: bool = Field(
        default=False, description="true where added quantities have several units; else left out"
    )


class LoadFigure(PlainFigure):
    """The load of a supplier's declared processes. The value is the highest load."""

    processes: dict[str, RatioFigure] = Field(
        description="by process: quantity still to deliver over declared quantity per month"
    )


Figures = dict[str, RatioFigure | LoadFigure | PlainFigure]
GroupFigures = dict[str, RatioFigure | PlainFigure]

KPIS = "figures by key; docs/figures.md defines each. Shares are fractions, ppm is per million"


class Score(Answer):
    """The performance score."""

    value: float | None = Field(description="points, 0 to 100, unrounded; null: no figure counts")
    provisional: bool = Field(description="whether there is too little data for a grade")
    pillars: dict[str, float | None] = Field(description="points by pillar, 0 to 100, unrounded")


class Grade(Answer):
    """The grade of a day, and the published grade."""

    value: Letter | None = Field(description="grade of the day; null: too little data")
    published: Letter | None = Field(description="grade that moves at month ends; null: none yet")
    gates: list[GateName] = Field(description="gates in force, which cap both grades")
    insufficient: bool = Field(description="whether there is too little data for a grade")


class Stage(Answer):
    """The stage of independence in one assessor's opinion."""

    assessor: str = Field(description="partner id of the assessor")
    value: StageName = Field(description="the stage, after its limits")
    mean: float = Field(description="mean mark of the three pillars, 0 to 100, unrounded")
    assessed_on: date = Field(description="day of the assessment")
    limits: list[str] = Field(
        description="what keeps the stage from Mandiri: a certificate that expired, `five_r` or "
        "`buyer_concentration`"
    )


class Judged(Answer):
    """A supplier's figures, score, grade and stages."""

    kpis: Figures = Field(description=KPIS)
    score: Score = Field(description="the performance score")
    grade: Grade = Field(description="the grades")
    stage: list[Stage] = Field(description="the stages of independence, one per assessor")


class Case(Answer):
    """An order line or document that counts against a supplier. Only the names it has are given."""

    buyer_id: str = Field(description="partner id of the buyer")
    order_no: str | None = Field(default=None, description="of an order line: number of the order")
    line_no: str | None = Field(default=None, description="of an order line: number in the order")
    receipt_no: str | None = Field(default=None, description="number of the receipt")
    inspection_no: str | None = Field(default=None, description="number of the inspection")
    complaint_no: str | None = Field(default=None, description="number of the complaint")
    step: str | None = Field(default=None, description="step of the complaint, such as containment")


class NextStep(Answer):
    """A figure to improve, and the cases to put right."""

    kpi: str = Field(description="key of the figure in `kpis`")
    gain: float = Field(description="points of the score that putting the cases right would gain")
    cases: list[Case] = Field(description="the worst cases behind the figure")


class Scorecard(Heading, Judged):
    """The scorecard of a supplier."""

    supplier_id: str = Field(description="partner id of the supplier")
    next_steps: list[NextStep] = Field(description="the changes that would gain most, best first")
    policy_version: str = Field(description="version of the policy that judged")
    computed_at: datetime = Field(description="when the figures were computed, UTC")


class RegisteredSupplier(Answer):
    """A supplier as registered. Null: not registered, or left empty there."""

    supplier_id: str = Field(description="partner id of the supplier")
    name: str | None = Field(description="name of the company")
    province: str | None = Field(description="province of its site")
    regency: str | None = Field(description="regency or city of its site")
    cluster: str | None = Field(description="cluster that it belongs to")
    sector: str | None = Field(description="sector of industry")
    buyers: list[str] = Field(description="partner ids of its buyers, as far as the key may see")


class Suppliers(PartOfList):
    """A part of the list of suppliers."""

    suppliers: list[RegisteredSupplier] = Field(description="suppliers, by partner id")


class Receipt(Answer):
    """Goods received on an order line."""

    received_on: date = Field(description="day of the receipt, at the buyer's site")
    quantity: float = Field(description="quantity received, in the unit of the line")
    receipt_no: str = Field(description="number of the receipt")


class OrderLine(Answer):
    """An order line at `as_of`. Quantities are exact decimals in the unit of the line."""

    buyer_id: str = Field(description="partner id of the buyer")
    order_no: str = Field(description="number of the order")
    line_no: str = Field(description="number of the line in the order")
    item_no: str = Field(description="number of the item")
    uom: str | None = Field(description="unit of the quantities; null: the order names none")
    ordered: float = Field(description="quantity ordered")
    ordered_on: date = Field(description="day of the order's first version")
    requested_date: date = Field(description="day for which the buyer asked")
    due_date: date = Field(description="day on which the line is due")
    due_set_by: EventName = Field(description="the event that set the due date")
    out_because: str | None = Field(description="why the line is not judged; null: it is")
    cancelled_by: str | None = Field(description="who cancelled the line; null: nobody")
    received: float = Field(description="quantity received")
    returned: float = Field(description="quantity sent back")
    receipts: list[Receipt] = Field(description="the receipts of the line")
    judged: bool = Field(description="whether the line counts in `otif` in the window")
    on_time_in_full: bool | None = Field(description="result of `otif`; null: not judged")
    status: list[str] = Field(description="of late, open, overdue, short, rejected: all that hold")
    quantity_inspected: float = Field(description="quantity in inspections")
    quantity_rejected: float = Field(description="quantity that inspections rejected")
    complaints: int = Field(description="number of complaints that name the line")
    dispute_open: bool = Field(description="whether a dispute about the line is open")
    events: list[EventName] = Field(description="the events about the line")


class OrderLines(Heading, PartOfList):
    """A part of the order lines behind a supplier's figures, latest due date first."""

    supplier_id: str = Field(description="partner id of the supplier")
    status: str | None = Field(description="the status that was asked for; null: judged or open")
    lines: list[OrderLine] = Field(description="the order lines")


class FigurePart(Case):
    """A line or document that a figure is made of. Fields that do not concern it are left out."""

    kind: Literal["line", "receipt", "inspection", "complaint"] = Field(
        description="whether the part is an order line, or which document"
    )
    day: date = Field(description="the day on which the part counts")
    numerator: float | None = Field(
        default=None, description="what it adds above the line of a ratio"
    )
    denominator: float | None = Field(
        default=None, description="what it adds below the line of a ratio"
    )
    value: float | None = Field(
        default=None, description="what it adds to a count, or its case of a median or percentile"
    )
    reason: str = Field(description="why it counts as it does, in words")
    missed: list[str] = Field(default=[], description="reasons why the line missed `otif`")
    ordered: float | None = Field(
        default=None, description="quantity ordered, in the unit of the line"
    )
    requested_date: date | None = Field(default=None, description="day the buyer asked for")
    due_date: date | None = Field(default=None, description="day on which the line is due")
    due_set_by: EventName | None = Field(default=None, description="event that set the due date")
    received: float | None = Field(
        default=None, description="quantity received, in the unit of the line"
    )
    returned: float | None = Field(
        default=None, description="quantity sent back, in the unit of the line"
    )
    receipts: list[Receipt] = Field(default=[], description="the receipts of the line")
    processes: list[str] = Field(default=[], description="processes that make the line's item")
    in_units_of_processes: dict[str, float | None] = Field(
        default={}, description="quantity still to come in the unit of each process; null: no unit"
    )
    events: list[EventName] = Field(description="the events behind the part")


class BuyerShare(Answer):
    """A buyer's part of `buyer_concentration`."""

    buyer_id: str = Field(description="partner id of the buyer")
    share: float = Field(description="fraction of the value received by all buyers")
    reason: str = Field(description="what the share is of, in words")


class Explanation(Heading):
    """A figure with all the parts that it is made of."""

    supplier_id: str = Field(description="partner id of the supplier")
    kpi: str = Field(description="key of the figure")
    figure: RatioFigure | LoadFigure | PlainFigure = Field(description="as the scorecard has it")
    parts: list[FigurePart | BuyerShare] = Field(description="the parts, oldest first")
    policy_version: str = Field(description="version of the policy that judged")


class FigureRestated(Answer):
    """A figure that differs today from the frozen one; null: that side does not have the figure."""

    frozen: RatioFigure | LoadFigure | PlainFigure | None = Field(description="as it was frozen")
    now: RatioFigure | LoadFigure | PlainFigure | None = Field(description="as it is today")


class ScoreRestated(Answer):
    """A score that differs today from the frozen one."""

    frozen: Score = Field(description="as it was frozen")
    now: Score = Field(description="as it is today for the same date")


class GradeRestated(Answer):
    """Grades that differ today from the frozen ones."""

    frozen: Grade = Field(description="as they were frozen")
    now: Grade = Field(description="as they are today for the same date")


class StageRestated(Answer):
    """Stages that differ today from the frozen ones."""

    frozen: list[Stage] = Field(description="as they were frozen")
    now: list[Stage] = Field(description="as they are today for the same date")


class Restated(Answer):
    """What differs today from a frozen evaluation. What is equal is left out."""

    policy_version: str = Field(description="version of the policy that judges today")
    edition: int = Field(description="edition of docs/figures.md today")
    kpis: dict[str, FigureRestated] = Field(description="the figures that differ, by key")
    score: ScoreRestated | None = Field(default=None, description="the score, if it differs")
    grade: GradeRestated | None = Field(default=None, description="the grades, if they differ")
    stage: StageRestated | None = Field(default=None, description="the stages, if they differ")


class Inputs(Answer):
    """How much was known when an evaluation was frozen."""

    events: int = Field(description="number of events in the ledger")
    accepted_until: datetime = Field(description="when the newest of them was accepted, UTC")


class Evaluation(Heading, Judged):
    """The scorecard of a month end as it was frozen."""

    policy_version: str = Field(description="version of the policy that judged")
    edition: int = Field(description="edition of docs/figures.md that defined the figures")
    frozen_at: datetime = Field(description="when it was frozen, UTC")
    inputs: Inputs = Field(description="how much was known then")
    restated: Restated | None = Field(description="what differs today; null: nothing")


class Evaluations(Answer):
    """The frozen evaluations of a supplier."""

    supplier_id: str = Field(description="partner id of the supplier")
    evaluations: list[Evaluation] = Field(description="the evaluations, newest first")
