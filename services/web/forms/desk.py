"""Where forms are filled in: who fills in which, what it offers, and how it is shown again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from schemas.catalogue import Role
from schemas.spelling import one_spelling
from services.assessment.awaited import Awaiting
from services.scorecards.scorecard_api import blocking
from services.text.language import Language
from services.text.line_words import order_line
from services.web.forms.form_events import FormLine
from services.web.forms.sending import Sending
from services.web.forms.typed_fields import Typed, named
from services.web.site import Visit


@dataclass(frozen=True, slots=True)
class Desk:
    """A visit of somebody who may send, and the supplier that it is about."""

    visit: Visit
    awaiting: Awaiting
    sending: Sending
    supplier_id: str
    now: datetime

    @property
    def language(self) -> Language:
        """The visitor's."""
        return self.visit.language

    @property
    def zone(self) -> str:
        """The sites' time zone."""
        return self.visit.site.reader.policy.zone

    @property
    def today(self) -> date:
        """The day at the sites."""
        return self.visit.site.reader.today()

    @property
    def tomorrow(self) -> date:
        """As of which day what happened today is seen."""
        return self.today + timedelta(days=1)

    def asked(self, name: str) -> str:
        """Return what the address names: an order, a line, a buyer; "" where it names none."""
        text = one_spelling(self.visit.request.query_params.get(name, ""))
        return text if named(text) else ""

    async def names(self, partners: Sequence[str]) -> dict[str, str]:
        """Return what partners are called."""
        reader = self.visit.site.reader
        return await blocking(lambda: reader.names(list(partners)))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form is about. `subject`: what it needs, None where it is still to be chosen.

    `query`: names it in the address. `defaults`: what stands in the fields at first. `context`:
    what the template shows.
    """

    subject: Any = None
    rows: Sequence[FormLine] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


class FormKind(Protocol):
    """One of the forms."""

    @property
    def name(self) -> str:
        """Its name in the address."""

    @property
    def role(self) -> Role:
        """Who sends it."""

    @property
    def event_type(self) -> str:
        """What it becomes."""

    @property
    def title(self) -> str:
        """What it is for, of the catalogue of sentences."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What its fields are called; those of a row without the row's number."""

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Return what it is about; `typed` where it was sent."""

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of its event, or None and say what is wrong."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A form as its template shows it. `faults`: by field, in words."""

    address: str
    token: str
    values: Mapping[str, str]
    faults: Mapping[str, str]
    summary: Sequence[tuple[str, str, str]]
    labels: Mapping[str, str]

    def value(self, name: str) -> str:
        """Return what stands in a field."""
        return self.values.get(name, "")

    def fault(self, name: str) -> str:
        """Return what is wrong with a field; "" where nothing is."""
        return self.faults.get(name, "")


def shown(
    desk: Desk, kind: FormKind, offer: Offer, token: str, typed: Typed | None = None
) -> Shown:
    """Return a form as it is shown: new, or with what was typed and what is wrong."""
    language = desk.language
    faults = {} if typed is None else typed.said(language)
    query = urlencode(offer.query)
    labels = {name: language.text(label) for name, label in kind.labels.items()}
    return Shown(
        address=f"{form_address(desk.supplier_id, kind.name)}{'?' if query else ''}{query}",
        token=token,
        values=offer.defaults if typed is None else typed.fields,
        faults=faults,
        summary=[
            (name, _label(language, name, labels, offer.rows), words)
            for name, words in faults.items()
        ],
        labels=labels,
    )


def form_address(supplier_id: str, name: str, **query: str) -> str:
    """Return the address of a form about a supplier. `query`: what it is about."""
    asked = urlencode(query)
    return f"/suppliers/{supplier_id}/send/{name}{'?' if asked else ''}{asked}"


def line_address(supplier_id: str, buyer_id: str, order_no: str, line_no: str) -> str:
    """Return the address of the story of an order line."""
    query = urlencode({"buyer": buyer_id, "order": order_no, "line": line_no})
    return f"/suppliers/{supplier_id}/line?{query}"


def _label(
    language: Language, name: str, labels: Mapping[str, str], rows: Sequence[FormLine]
) -> str:
    base, _, place = name.partition("-")
    label = labels.get(base, "")
    row = next((row for row in rows if row.place == place), None)
    if row is None:
        return label
    return f"{label}, {order_line(language, row.line.order_no, row.line.line_no)}"
