"""Orders: placed and changed by the buyer, confirmed by the supplier, cancelled by either."""

from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import AfterValidator, Field

from schemas.fields import (
    BusinessDate,
    Currency,
    Document,
    DocumentNumber,
    Identifier,
    Money,
    Quantity,
    Text,
    Unit,
    unique_line_numbers,
)


class OrderLine(Document):
    """One line of a purchase order: what, how much, for when."""

    line_no: DocumentNumber
    item_no: DocumentNumber
    description: Text | None = None
    quantity: Quantity
    uom: Unit | None = None
    unit_price: Money | None = None
    requested_date: BusinessDate
    ship_to: Text | None = None


class _Numbered(Protocol):
    @property
    def line_no(self) -> str: ...


_Line = TypeVar("_Line", bound=_Numbered)


def _each_line_once(lines: list[_Line]) -> list[_Line]:
    unique_line_numbers([line.line_no for line in lines])
    return lines


def _each_number_once(line_nos: list[str]) -> list[str]:
    unique_line_numbers(line_nos)
    return line_nos


class _OrderDocument(Document):
    buyer_id: Identifier
    supplier_id: Identifier
    order_no: DocumentNumber


class _OrderWithLines(_OrderDocument):
    lines: Annotated[list[OrderLine], Field(min_length=1), AfterValidator(_each_line_once)]
    currency: Currency | None = Field(
        default=None, description="of the unit prices; IDR where none was ever said"
    )
    partnership: Text | None = Field(default=None, description="the agreement it falls under")


class OrderPlaced(_OrderWithLines):
    """A purchase order with its lines."""


class OrderChanged(_OrderWithLines):
    """The changed lines of an order, whole; a line not named stays as it is."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]


class OrderCancelled(_OrderDocument):
    """An order, or some of its lines, called off."""

    lines: (
        Annotated[list[DocumentNumber], Field(min_length=1), AfterValidator(_each_number_once)]
        | None
    ) = Field(default=None, description="line numbers; absent: the whole order")
    by: Literal["buyer", "supplier"]
    reason: Text | None = None


class ConfirmedLine(Document):
    """What the supplier says to one line."""

    line_no: DocumentNumber
    status: Literal["accepted", "changed", "rejected"]
    confirmed_quantity: Quantity | None = None
    confirmed_date: BusinessDate | None = None


class OrderConfirmed(_OrderDocument):
    """The supplier's answer to an order, line by line."""

    lines: Annotated[list[ConfirmedLine], Field(min_length=1), AfterValidator(_each_line_once)]
