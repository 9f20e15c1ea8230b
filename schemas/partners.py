"""Partners: who they are, what they hold, how they were assessed, and what binds them."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.fields import (
    BusinessDate,
    Document,
    DocumentNumber,
    Identifier,
    NonEmptyText,
    OpenEndDate,
    Percentage,
    Quantity,
    Target,
    Text,
    Unit,
)


def _sorted_by_name(targets: dict[str, Decimal]) -> dict[str, Decimal]:
    """Bring targets into one order: how the sender ordered them is no part of what they say."""
    return dict(sorted(targets.items()))


Targets = Annotated[
    dict[Identifier, Target],
    AfterValidator(_sorted_by_name),
    Field(json_schema_extra={"additionalProperties": False}),
]


class PartnerRegistered(Document):
    """Master data of a partner. Sent again, it replaces what stood."""

    partner_id: Identifier
    role: Literal["supplier", "buyer", "cooperative"]
    name: NonEmptyText
    province: Text | None = None
    regency: Text | None = None
    cluster: Text | None = None
    sector: Text | None = None
    licence_no: Text | None = None
    languages: list[Text] | None = None


class _AboutSupplier(Document):
    supplier_id: Identifier
    buyer_id: Identifier | None = Field(
        default=None, description="the buyer who says so, where it is one and not the programme"
    )


class PartnerCertified(_AboutSupplier):
    """A certificate held: NIB (business licence), SNI, ISO9001, IATF16949, ..."""

    certificate: DocumentNumber
    number: Text | None = None
    valid_from: BusinessDate
    valid_to: OpenEndDate | None = None
    issuer: Text | None = None


class AssessedPillars(Document):
    """Marks of production, marketing and finance, 0 to 100."""

    produksi: Percentage
    pemasaran: Percentage
    keuangan: Percentage


class FiveR(Document):
    """Marks of the workplace's order (5R: ringkas, rapi, resik, rawat, rajin), 0 to 100."""

    ringkas: Percentage
    rapi: Percentage
    resik: Percentage
    rawat: Percentage
    rajin: Percentage


class PartnerAssessed(_AboutSupplier):
    """An assessor's opinion of a supplier's independence."""

    assessor: NonEmptyText
    assessed_on: BusinessDate
    pillars: AssessedPillars
    five_r: FiveR | None = None
    evidence: Text | None = None


class PartnerCoached(_AboutSupplier):
    """A coaching session held."""

    coach: NonEmptyText
    held_on: BusinessDate
    topic: Literal["production", "marketing", "finance", "licensing", "5r"]
    hours: Quantity | None = None


class CapacityDeclared(_AboutSupplier):
    """What a process can make in a month, from a day on."""

    process: NonEmptyText
    valid_from: BusinessDate
    quantity_per_month: Quantity
    uom: Unit | None = None
    items: list[DocumentNumber] | None = None


class PartnershipAgreed(Document):
    """An agreement between a buyer and a supplier, with targets by figure."""

    buyer_id: Identifier
    supplier_id: Identifier
    kind: Literal[
        "subcontract",
        "joint_venture",
        "licence",
        "franchise",
        "horizontal",
        "vertical",
        "strategic",
        "cluster",
    ]
    valid_from: BusinessDate
    valid_to: OpenEndDate | None = None
    targets: Targets | None = Field(
        default=None,
        description="a target value by the key of its figure, such as otif",
    )


class PartnershipEnded(Document):
    """The end of the agreement between a buyer and a supplier."""

    buyer_id: Identifier
    supplier_id: Identifier
    ended_on: BusinessDate
    reason: Text | None = None
