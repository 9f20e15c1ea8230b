"""The catalogue: every event type, its document, its topic, and who may send it.

One discriminated union over all types; its validator is compiled once, on import.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from schemas.deliveries import (
    DeliveryDespatched,
    DeliveryReceived,
    DeliveryReturned,
    DeliveryReversed,
)
from schemas.envelope import Event
from schemas.fields import Document
from schemas.orders import OrderCancelled, OrderChanged, OrderConfirmed, OrderPlaced
from schemas.partners import (
    CapacityDeclared,
    PartnerAssessed,
    PartnerCertified,
    PartnerCoached,
    PartnerRegistered,
    PartnershipAgreed,
    PartnershipEnded,
)
from schemas.quality import (
    ComplaintAnswered,
    ComplaintClosed,
    ComplaintOpened,
    DisputeAnswered,
    LineDisputed,
    QualityInspected,
)


class Role(StrEnum):
    """The role of an API key or link: a buyer, a supplier, or the programme."""

    BUYER = "buyer"
    SUPPLIER = "supplier"
    PROGRAMME = "programme"


ORDERS: Final = "rantai.orders"
DELIVERIES: Final = "rantai.deliveries"
QUALITY: Final = "rantai.quality"
PARTNERS: Final = "rantai.partners"
CANONICAL_TOPICS: Final = (ORDERS, DELIVERIES, QUALITY, PARTNERS)
REJECTED: Final = "rantai.rejected"
READINESS: Final = "rantai.readiness"
INBOUND_PREFIX: Final = "rantai.inbound."

AnyEvent = Annotated[
    Event[Literal["id.rantai.order.placed.v1"], OrderPlaced]
    | Event[Literal["id.rantai.order.changed.v1"], OrderChanged]
    | Event[Literal["id.rantai.order.cancelled.v1"], OrderCancelled]
    | Event[Literal["id.rantai.order.confirmed.v1"], OrderConfirmed]
    | Event[Literal["id.rantai.delivery.despatched.v1"], DeliveryDespatched]
    | Event[Literal["id.rantai.delivery.received.v1"], DeliveryReceived]
    | Event[Literal["id.rantai.delivery.reversed.v1"], DeliveryReversed]
    | Event[Literal["id.rantai.delivery.returned.v1"], DeliveryReturned]
    | Event[Literal["id.rantai.quality.inspected.v1"], QualityInspected]
    | Event[Literal["id.rantai.quality.complaint_opened.v1"], ComplaintOpened]
    | Event[Literal["id.rantai.quality.complaint_answered.v1"], ComplaintAnswered]
    | Event[Literal["id.rantai.quality.complaint_closed.v1"], ComplaintClosed]
    | Event[Literal["id.rantai.line.disputed.v1"], LineDisputed]
    | Event[Literal["id.rantai.line.dispute_answered.v1"], DisputeAnswered]
    | Event[Literal["id.rantai.partner.registered.v1"], PartnerRegistered]
    | Event[Literal["id.rantai.partner.certified.v1"], PartnerCertified]
    | Event[Literal["id.rantai.partner.assessed.v1"], PartnerAssessed]
    | Event[Literal["id.rantai.partner.coached.v1"], PartnerCoached]
    | Event[Literal["id.rantai.partner.capacity_declared.v1"], CapacityDeclared]
    | Event[Literal["id.rantai.partnership.agreed.v1"], PartnershipAgreed]
    | Event[Literal["id.rantai.partnership.ended.v1"], PartnershipEnded],
    Field(discriminator="type"),
]
EVENT: Final[TypeAdapter[Any]] = TypeAdapter(AnyEvent)
"""The compiled validator of the union."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One row of the catalogue.

    data: the model of the document. topic: the canonical topic.
    supplier_sends: whether a supplier may send the type, about itself.
    """

    name: str
    data: type[Document]
    topic: str
    supplier_sends: bool = False


_ROWS: Final = (
    EventType("id.rantai.order.placed.v1", OrderPlaced, ORDERS),
    EventType("id.rantai.order.changed.v1", OrderChanged, ORDERS),
    EventType("id.rantai.order.cancelled.v1", OrderCancelled, ORDERS),
    EventType("id.rantai.order.confirmed.v1", OrderConfirmed, ORDERS, True),
    EventType("id.rantai.delivery.despatched.v1", DeliveryDespatched, DELIVERIES, True),
    EventType("id.rantai.delivery.received.v1", DeliveryReceived, DELIVERIES),
    EventType("id.rantai.delivery.reversed.v1", DeliveryReversed, DELIVERIES),
    EventType("id.rantai.delivery.returned.v1", DeliveryReturned, DELIVERIES),
    EventType("id.rantai.quality.inspected.v1", QualityInspected, QUALITY),
    EventType("id.rantai.quality.complaint_opened.v1", ComplaintOpened, QUALITY),
    EventType("id.rantai.quality.complaint_answered.v1", ComplaintAnswered, QUALITY, True),
    EventType("id.rantai.quality.complaint_closed.v1", ComplaintClosed, QUALITY),
    EventType("id.rantai.line.disputed.v1", LineDisputed, QUALITY, True),
    EventType("id.rantai.line.dispute_answered.v1", DisputeAnswered, QUALITY),
    EventType("id.rantai.partner.registered.v1", PartnerRegistered, PARTNERS),
    EventType("id.rantai.partner.certified.v1", PartnerCertified, PARTNERS),
    EventType("id.rantai.partner.assessed.v1", PartnerAssessed, PARTNERS),
    EventType("id.rantai.partner.coached.v1", PartnerCoached, PARTNERS),
    EventType("id.rantai.partner.capacity_declared.v1", CapacityDeclared, PARTNERS, True),
    EventType("id.rantai.partnership.agreed.v1", PartnershipAgreed, PARTNERS),
    EventType("id.rantai.partnership.ended.v1", PartnershipEnded, PARTNERS),
)
CATALOGUE: Final = {row.name: row for row in _ROWS}


def inbound_topic(partner: str) -> str:
    """Return the topic on which a partner with a Kafka client sends."""
    return INBOUND_PREFIX + partner


def supplier_of(data: Any) -> str:
    """Return the id of the supplier that a document is about, the key of its Kafka record.

    `partner.registered` has no `supplier_id`; its `partner_id` is taken.
    """
    supplier: str | None = getattr(data, "supplier_id", None)
    return supplier if supplier is not None else str(data.partner_id)


def may_send(role: Role, partner: str, event_type: str, data: Any) -> bool:
    """Return whether a partner in a role may send this document.

    The source of the event is checked separately (`schemas.validation`).
    """
    row = CATALOGUE[event_type]
    if role is Role.PROGRAMME:
        return event_type.startswith("id.rantai.partner.")
    if role is Role.SUPPLIER:
        return row.supplier_sends and getattr(data, "supplier_id", None) == partner
    return getattr(data, "buyer_id", None) == partner
