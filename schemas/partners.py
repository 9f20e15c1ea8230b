"""Partners: who they are, what they hold, how they were assessed, and what binds them."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from schemas.fields import (
    BusinessDate,
    Document,
    DocumentNumber,
    HappenedOn,
    Identifier,
    NonEmptyText,
    OpenEndDate,
    Percentage,
    Quantity,
    Target,
    Text,
    Unit,
)

_MAIL_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")


def _each_name_once(raw: Any, read: ValidatorFunctionWrapHandler) -> dict[str, Decimal]:
    """Sort targets by name, so that the sender's order of them does not count as content."""
    targets: dict[str, Decimal] = read(raw)
    if len(targets) < len(raw):
        raise ValueError("has a name twice: white space at the ends of a name does not count")
    return dict(sorted(targets.items()))


Targets = Annotated[
    dict[Identifier, Target],
    WrapValidator(_each_name_once),
    Field(json_schema_extra={"additionalProperties": False}),
]


def _sign_and_digits(value: str) -> str:
    if not 0 < len(value) <= 64 or not value.isprintable() or not any(map(str.isdigit, value)):
        raise ValueError(
            'must be a telephone number of at most 64 characters, such as "+62 283 351234"'
        )
    return value


def _mail_address(value: str) -> str:
    if len(value) > 254 or not value.isprintable() or not _MAIL_ADDRESS.fullmatch(value):
        raise ValueError('must be one e-mail address, such as "nama@bengkel.co.id"')
    return value


Telephone = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_sign_and_digits),
    Field(
        description="at most 64 printable characters with a digit among them",
        json_schema_extra={"pattern": r"[0-9]"},
    ),
]
MailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_mail_address),
    Field(
        description="one e-mail address",
        json_schema_extra={"pattern": r"^\s*[^\s@]+@[^\s@]+\s*$"},
    ),
]


class Contact(Document):
    """Whom to call: at least one of these; shown to its partners in dealings and the programme."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: NonEmptyText | None = None
    telephone: Telephone | None = None
    email: MailAddress | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.telephone is None and self.email is None:
            raise ValueError("must have a name, telephone or email; leave it out if none is known")
        return self


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
    contact: Contact | None = None


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
    assessed_on: HappenedOn
    pillars: AssessedPillars
    five_r: FiveR | None = None
    evidence: Text | None = None


class PartnerCoached(_AboutSupplier):
    """A coaching session held."""

    coach: NonEmptyText
    held_on: HappenedOn
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
    ended_on: HappenedOn
    reason: Text | None = None
