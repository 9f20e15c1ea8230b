"""What all forms share: who fills one in, what it offers, and how it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from schemas.catalogue import Role
from schemas.spelling import one_spelling
from services.assessment.awaited import FormReader
from services.scorecards.scorecard_api import run_query
from services.text.language import Language
from services.text.line_words import order_line
from services.web.forms.form_events import FormLine
from services.web.forms.sending import Sending
from services.web.forms.typed_fields import Typed, is_name
from services.web.site import Visit


@dataclass(frozen=True, slots=True)
class Desk:
    """A visitor who may send a form, and the supplier that the form is about.

    `now`: the time of the event that the form becomes.
    """

    visit: Visit
    awaiting: FormReader
    sending: Sending
    supplier_id: str
    now: datetime

    @property
    def language(self) -> Language:
        """The visitor's language."""
        return self.visit.language

    @property
    def zone(self) -> str:
        """The sites' time zone."""
        return self.visit.policy.zone

    @property
    def today(self) -> date:
        """Today's date at the sites."""
        return self.visit.today

    @property
    def tomorrow(self) -> date:
        """The day to read facts as of, so that those of today count."""
        return self.today + timedelta(days=1)

    def asked(self, name: str) -> str:
        """Return an order, line, buyer or the like that the address names; "" if it names none."""
        text = one_spelling(self.visit.query.get(name, ""))
        return text if is_name(text) else ""

    async def names(self, partners: Sequence[str]) -> dict[str, str]:
        """Return the names of partners, by id."""
        reader = self.visit.reader
        return await run_query(lambda: reader.names(list(partners)))


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form offers. `subject`: what it is about, None if that is still to be chosen or gone.

    `rows`: the order lines that it offers. `query`: the parameters that name the subject in the
    address. `defaults`: the first values of its fields. `context`: the template's values.
    """

    subject: Any = None
    rows: Sequence[FormLine] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


class FormKind(Protocol):
    """One kind of form."""

    @property
    def name(self) -> str:
        """The form's name in its address."""

    @property
    def role(self) -> Role:
        """The role that may send the form."""

    @property
    def event_type(self) -> str:
        """The type of the event that the form becomes."""

    @property
    def title(self) -> str:
        """What the form is for: a sentence of the catalogue."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the fields by name; the name of a row's field without the row's number."""

    async def offer(self, desk: Desk, typed: Typed | None) -> Offer:
        """Return what the form offers. `typed`: the sent form; None when it is first shown."""

    async def make(self, desk: Desk, typed: Typed, offer: Offer) -> dict[str, Any] | None:
        """Return the data of the form's event; None if it notes faults in `typed`."""


@dataclass(frozen=True, slots=True)
class ShownForm:
    """A form as its template shows it.

    `values`, `labels`: by field. `faults`: in words, by field. `summary`: of each fault its field,
    the field's label, and the fault in words.
    """

    address: str
    token: str
    values: Mapping[str, str]
    faults: Mapping[str, str]
    summary: Sequence[tuple[str, str, str]]
    labels: Mapping[str, str]

    def value(self, name: str) -> str:
        """Return the value of a field; "" if it is empty."""
        return self.values.get(name, "")

    def fault(self, name: str) -> str:
        """Return what is wrong with a field; "" if nothing is."""
        return self.faults.get(name, "")


def shown_form(
    desk: Desk, kind: FormKind, offer: Offer, token: str, typed: Typed | None = None
) -> ShownForm:
    """Return a form for its template: new, or with what was typed and what is wrong with it."""
    language = desk.language
    faults = {} if typed is None else typed.said(language)
    query = urlencode(offer.query)
    labels = {name: language.text(label) for name, label in kind.labels.items()}
    return ShownForm(
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
    """Return the address of a form about a supplier. `query`: names what the form is about."""
    parameters = urlencode(query)
    return f"/suppliers/{supplier_id}/send/{name}{'?' if parameters else ''}{parameters}"


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
