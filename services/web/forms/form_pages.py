"""The pages of forms, of what a partner sent, and of a buyer's open disputes.

A form that was sent is answered with a redirection to the list of sent events, which shows its
state. If something is wrong, the form is shown again with what was typed and what is wrong.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from schemas.fields import Spelled
from services.assessment.awaited import FormReader
from services.kafka.topics import BrokerUnavailable
from services.scorecards.scorecard_api import run_query
from services.text import line_words
from services.text.language import mark
from services.web import page_query
from services.web.form_tokens import Form, FormFault, FormRefused
from services.web.forms import form_events, sent_words
from services.web.forms.desk import (
    Desk,
    FormKind,
    Offer,
    ShownForm,
    form_address,
    line_address,
    shown_form,
)
from services.web.forms.line_forms import MOST_ROWS, ConfirmForm, DespatchForm, DisputeForm
from services.web.forms.other_forms import CapacityForm, ComplaintAnswerForm, DisputeAnswerForm
from services.web.forms.sending import MOST_SHOWN, NotTaken, Sending
from services.web.forms.typed_fields import Typed
from services.web.site import PageRefused, Site, Visit, answer, see_other

_KINDS: Final[tuple[FormKind, ...]] = (
    ConfirmForm(),
    DespatchForm(),
    ComplaintAnswerForm(),
    CapacityForm(),
    DisputeForm(),
    DisputeAnswerForm(),
)
KINDS: Final[Mapping[str, FormKind]] = {kind.name: kind for kind in _KINDS}
RETRY_SECONDS: Final = 5
_MOST_DISPUTES: Final = 100


class _Desks:
    """What the routes share: the reader of what forms may offer, and the sender of their events."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.awaiting = FormReader(site.reader.store.clickhouse, site.reader.store.rules)
        self.sending = Sending(site, self.awaiting)

    async def at(self, visit: Visit, supplier_id: str, name: str) -> tuple[Desk, FormKind]:
        """Return the desk and the kind of a form, by its name in the address.

        Raises PageRefused if there is no such form, or the visitor may not send it about this
        supplier.
        """
        kind = KINDS.get(name)
        if kind is None:
            raise PageRefused("not_known")
        visit.require(kind.role)
        await visit.selection(page_query.View(self.site.reader.today()), supplier_id)
        visit.require_acting()
        return Desk(visit, self.awaiting, self.sending, supplier_id, datetime.now(UTC)), kind


def routes(site: Site) -> APIRouter:
    """Return the routes of all forms, of sent events, and of a buyer's open disputes."""
    router = APIRouter(include_in_schema=False)
    desks = _Desks(site)

    @router.get("/suppliers/{supplier_id}/send/{name}")
    async def form(request: Request, supplier_id: Spelled, name: str) -> Response:
        """Show a form, or a choice of what it can be about."""

        async def make(visit: Visit) -> Response:
            desk, kind = await desks.at(visit, supplier_id, name)
            offer = await kind.offer(desk, None)
            token = visit.form_token(_purpose(kind)) if offer.subject is not None else ""
            return await _form_page(desk, kind, offer, shown_form(desk, kind, offer, token))

        return await answer(site, request, make)

    @router.post("/suppliers/{supplier_id}/send/{name}")
    async def send(request: Request, supplier_id: Spelled, name: str) -> Response:
        """Send a filled-in form."""

        async def make(visit: Visit) -> Response:
            desk, kind = await desks.at(visit, supplier_id, name)
            return await _process(desk, kind)

        return await answer(site, request, make)

    @router.get("/suppliers/{supplier_id}/sent")
    async def sent(request: Request, supplier_id: Spelled) -> Response:
        """Show a supplier the events that it sent."""

        async def make(visit: Visit) -> Response:
            visit.require(Role.SUPPLIER)
            if visit.visitor.buyer is not None:
                # The list is not limited to the orders of the buyer that the visitor may see.
                raise PageRefused("not_yours")
            await visit.selection(page_query.View(site.reader.today()), supplier_id)
            return await _sent_page(visit, desks.sending)

        return await answer(site, request, make)

    @router.get("/buyer/sent")
    async def buyer_sent(request: Request) -> Response:
        """Show a buyer the events that it sent."""

        async def make(visit: Visit) -> Response:
            visit.require(Role.BUYER)
            return await _sent_page(visit, desks.sending)

        return await answer(site, request, make)

    @router.get("/buyer/disputes")
    async def disputes(request: Request) -> Response:
        """Show a buyer the lines that suppliers dispute."""

        async def make(visit: Visit) -> Response:
            visit.require(Role.BUYER)
            return await _disputes_page(visit, desks.awaiting)

        return await answer(site, request, make)

    return router


def supplier_actions(visit: Visit, supplier_id: str) -> list[tuple[str, str]]:
    """Return the links to what a visitor can send on a supplier's page, as (address, text).

    Empty if the visitor is not that supplier or may only read. `actions_part.html` shows them under
    the name `actions`.
    """
    if not visit.may_act or (visit.visitor.role, visit.visitor.partner) != (
        Role.SUPPLIER,
        supplier_id,
    ):
        return []
    forms = [
        (form_address(supplier_id, kind.name), visit.language.text(kind.title))
        for kind in _KINDS
        if kind.role is Role.SUPPLIER
    ]
    return [*forms, (sent_address(visit), visit.language.text("What was sent"))]


def line_actions(visit: Visit, line: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the links to what a visitor can send about an order line, as (address, text).

    `line`: supplier_id, buyer_id, order_no, line_no, `status` (a list, as in the JSON API) and, if
    it is known, dispute_open. `line_actions.html` shows the links under the name `actions`.
    """
    visitor, text = visit.visitor, visit.language.text
    supplier_id = line["supplier_id"]
    about = {"buyer": line["buyer_id"], "order": line["order_no"], "line": line["line_no"]}
    if not visit.may_act:
        return []
    if visitor.role is Role.BUYER and visitor.partner == line["buyer_id"]:
        del about["buyer"]
        address = form_address(supplier_id, DisputeAnswerForm.name, **about)
        return [(address, text(DisputeAnswerForm.title))] if line.get("dispute_open") else []
    if (visitor.role, visitor.partner) != (Role.SUPPLIER, supplier_id):
        return []
    found: list[tuple[str, str]] = []
    if "open" in line["status"]:
        found += [
            (
                form_address(supplier_id, ConfirmForm.name, **about),
                text("Confirm this line, propose another day, or decline"),
            ),
            (
                form_address(supplier_id, DespatchForm.name, **about),
                text("Announce a delivery of this line"),
            ),
        ]
    return [
        *found,
        (form_address(supplier_id, DisputeForm.name, **about), text("Dispute this line")),
    ]


def sent_address(visit: Visit) -> str:
    """Return the address of the list of what a visitor sent."""
    visitor = visit.visitor
    return "/buyer/sent" if visitor.role is Role.BUYER else f"/suppliers/{visitor.partner}/sent"


async def _process(desk: Desk, kind: FormKind) -> Response:
    """Process a form that was sent: it becomes one event, or none."""
    visit = desk.visit
    try:
        form = await visit.forms.read(visit.request, visit.visitor, _purpose(kind))
        typed = Typed(form.fields)
        desk = _at_the_moment_of(desk, form)
        offer = await kind.offer(desk, typed)
        if offer.subject is None:
            raise PageRefused(
                "not_taken", what=_gone_words(desk, typed), again=visit.request.url.path
            )
        return await _send_or_show_again(desk, kind, offer, form, typed)
    except FormRefused as refused:
        if refused.why is FormFault.TWICE:
            raise PageRefused("form_twice", again=sent_address(visit)) from None
        raise


async def _send_or_show_again(
    desk: Desk, kind: FormKind, offer: Offer, form: Form, typed: Typed
) -> Response:
    visitor = desk.visit.visitor
    data = await kind.make(desk, typed, offer)
    if data is None:
        return await _form_page(
            desk, kind, offer, shown_form(desk, kind, offer, form.token, typed), 422
        )
    try:
        await desk.sending.send(form, kind.event_type, data, (visitor.partner, visitor.role))
    except NotTaken as refused:
        for error in refused.errors:
            typed.fault(
                form_events.field_of(error["pointer"]),
                mark("This was not taken: %(why)s."),
                why=error["message"],
            )
        return await _form_page(
            desk, kind, offer, shown_form(desk, kind, offer, form.token, typed), 422
        )
    except BrokerUnavailable:
        response = await _form_page(
            desk, kind, offer, shown_form(desk, kind, offer, form.token, typed), 503
        )
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return see_other(f"{sent_address(desk.visit)}?new={form.number}")


def _at_the_moment_of(desk: Desk, form: Form) -> Desk:
    """Return a desk whose `now` is the time of the form's event; see `Sending.moment`."""
    return Desk(
        desk.visit, desk.awaiting, desk.sending, desk.supplier_id, desk.sending.moment(form)
    )


def _gone_words(desk: Desk, typed: Typed) -> str:
    said = typed.said(desk.language)
    return said.get("", "") or desk.language.text("What this form is about is not open any more.")


def _purpose(kind: FormKind) -> str:
    return f"send-{kind.name}"


async def _form_page(
    desk: Desk, kind: FormKind, offer: Offer, form: ShownForm, status: int = 200
) -> Response:
    language = desk.language
    context = {
        **offer.context,
        "title": language.text(kind.title),
        "supplier_id": desk.supplier_id,
        "ready": offer.subject is not None,
        "rows": offer.rows,
        "form": form,
        "away": status == 503,
        "quantity": partial(line_words.quantity, language),
        "order_line": partial(line_words.order_line, language),
        "unit": partial(line_words.unit, language),
        "carried": form_events.hidden_value,
        "address": partial(form_address, desk.supplier_id),
        "line_address": partial(line_address, desk.supplier_id),
        "sent": sent_address(desk.visit),
        "most_rows": MOST_ROWS,
    }
    return await desk.visit.page(
        f"send_{kind.name.replace('-', '_')}.html", lambda: context, status
    )


async def _sent_page(visit: Visit, sending: Sending) -> Response:
    found = await sending.sent(visit.visitor.partner)
    reader, language = visit.reader, visit.language
    partners = sent_words.partners(found)
    names = await run_query(lambda: reader.names(partners))
    new = visit.query.get("new", "")
    rows = [sent_words.sent_words(language, one, names, reader.policy.zone) for one in found]
    return await visit.page(
        "sent.html",
        lambda: {
            "rows": rows,
            "new": next((row for row in rows if row.id == new), None),
            "most": MOST_SHOWN,
            "actions": supplier_actions(visit, visit.visitor.partner)[:-1],
        },
    )


async def _disputes_page(visit: Visit, awaiting: FormReader) -> Response:
    reader, buyer = visit.reader, visit.visitor.partner
    total, found = await run_query(lambda: awaiting.disputes([buyer], limit=_MOST_DISPUTES))
    names = await run_query(lambda: reader.names(sorted({one.supplier_id for one in found})))
    return await visit.page(
        "buyer_disputes.html",
        lambda: {
            "total": total,
            "disputes": found,
            "names": names,
            "address": form_address,
            "moment": partial(visit.language.moment, zone=reader.policy.zone),
            "order_line": partial(line_words.order_line, visit.language),
            "answer_form": DisputeAnswerForm.name,
            "sent": sent_address(visit),
        },
    )
