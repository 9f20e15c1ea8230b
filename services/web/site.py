"""What all pages share: the site, a visit with its visitor and language, and refusals.

Every route answers through `answer`, or through `guarded` where nobody needs to be signed in. What
can't be shown or done is explained in plain words, with what to do, and it is presented as a fault
of the server only if it is one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import QueryParams

from schemas.catalogue import Role
from schemas.validation import Sender
from services.access.keys import KeyStore
from services.access.links import LinkRefused, Links
from services.access.record_file import RecordFileError
from services.access.sessions import SESSION_COOKIE, Session, Sessions, Visitor
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.http.service import Problem
from services.readiness.policy import Policy
from services.scorecards.scorecard_api import READ_TOO_LARGE, run_query
from services.text.language import INDONESIAN, LANGUAGES, Language
from services.web.form_tokens import FormRefused, Forms
from services.web.page_query import Unreadable, View
from services.web.rendering import html

LANGUAGE_COOKIE: Final = "rantai_language"
SIGN_OUT: Final = "sign-out"
_LANGUAGE_SECONDS: Final = 366 * 24 * 3600
_STATUS: Final = {
    "sign_in": 401,
    "busy": 429,
    "not_known": 404,
    "form_twice": 409,
    "form_too_large": 413,
    "not_taken": 422,
    "query": 400,
}
"""HTTP status of a refusal by its reason; 403 for reasons that are not listed."""


class SubmitOutcome(Protocol):
    """The outcome of sending events: how many are safe, and what is wrong with the others."""

    @property
    def accepted(self) -> int:
        """The number of events that were accepted."""

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """An entry for each rejected event: `index`, `id`, `errors` (each `pointer`, `message`)."""


Submit = Callable[[list[Any], Sender], Awaitable[SubmitOutcome]]
"""Sends parsed CloudEvents through the gateway's intake. Raises BrokerUnavailable."""


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages work with. `base_url`: the public address of the site."""

    reader: ScorecardReader
    evaluations: EvaluationStore
    keys: KeyStore
    links: Links
    sessions: Sessions
    forms: Forms
    submit: Submit
    base_url: str

    @property
    def secure(self) -> bool:
        """Whether the pages are reached over TLS only: cookies are then limited to TLS too."""
        return self.base_url.startswith("https://")


class PageRefused(Exception):
    """Something is not shown or done. `reason`: one of `refused.html`; `more`: values for it."""

    def __init__(self, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.reason, self.more = reason, more


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a visitor who is signed in."""

    site: Site
    request: Request
    visitor: Visitor
    language: Language

    async def page(
        self, template: str, context: Callable[[], Mapping[str, Any]], status: int = 200
    ) -> Response:
        """Return a page of the site, rendered in a reader's turn.

        `context` is called there too: putting figures into words takes as long as the template, and
        on the event loop both would block all other requests.
        """
        return await run_query(
            lambda: html(self.language, template, {**_frame(self), **context()}, status)
        )

    @property
    def reader(self) -> ScorecardReader:
        """The reader of figures."""
        return self.site.reader

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.site.reader.policy

    @property
    def forms(self) -> Forms:
        """The forms, which issue tokens and read what is sent."""
        return self.site.forms

    @property
    def links(self) -> Links:
        """The links that open pages."""
        return self.site.links

    @property
    def today(self) -> date:
        """The present day at the site."""
        return self.site.reader.today()

    @property
    def query(self) -> QueryParams:
        """The parameters of the address."""
        return self.request.query_params

    def form_token(self, purpose: str) -> str:
        """Return a token for a form on a page."""
        return self.forms.token(self.visitor, purpose)

    @property
    def may_act(self) -> bool:
        """Whether the visitor may send events and make links."""
        return self.visitor.may_act

    def require(self, *roles: Role) -> None:
        """Raise PageRefused if the visitor has none of these roles."""
        if self.visitor.role not in roles:
            raise PageRefused("not_yours")

    def require_acting(self) -> None:
        """Raise PageRefused if the visitor may only read."""
        if not self.visitor.may_act:
            raise PageRefused("read_only")

    async def selection(self, view: View, supplier_id: str) -> Selection:
        """Return the selection of a supplier's facts that the visitor may see.

        A buyer sees those of its own orders, and a visitor who came by a buyer's link those of that
        buyer's orders; others see all, or the orders of the buyer that the view names.

        Raises PageRefused if the visitor may not see the supplier.
        """
        role, partner = self.visitor.role, self.visitor.partner
        if role is Role.SUPPLIER:
            if supplier_id != partner:
                raise PageRefused("not_yours")
        elif not await run_query(
            lambda: self.site.reader.knows(supplier_id, [partner] if role is Role.BUYER else [])
        ):
            # Not `not_yours`: that would disclose that another buyer has such a supplier.
            raise PageRefused("not_known")
        buyer = self.visitor.orders_of or view.buyer_id
        return view.selection([supplier_id], [buyer] if buyer else [])


PageMaker = Callable[[Visit], Awaitable[Response]]


async def answer(site: Site, request: Request, make: PageMaker) -> Response:
    """Return the page that `make` builds for the visitor, or a page that explains the refusal.

    Without a session that is the page that asks to sign in.
    """

    async def visited() -> Response:
        visitor = site.sessions.visitor(request.cookies.get(SESSION_COOKIE))
        if visitor is None:
            raise PageRefused("sign_in")
        return await make(Visit(site, request, visitor, language_of(request)))

    return await guarded(request, visited)


async def guarded(request: Request, make: Callable[[], Awaitable[Response]]) -> Response:
    """Return what `make` builds, or a page that explains what went wrong and what to do.

    If the request chooses a language, the answer sets the cookie that remembers it.
    """
    try:
        response = await make()
    except LinkRefused as refused:
        response = _refusal(request, f"link_{refused.why.value}")
    except FormRefused as refused:
        response = _refusal(request, refused.why.value)
    except PageRefused as refused:
        response = _refusal(request, refused.reason, **refused.more)
    except Unreadable as error:
        response = _refusal(
            request, "query", what=error.said(language_of(request)), again=request.url.path
        )
    except RecordFileError:
        # The log names the file and the remedy: the visitor can do nothing about it.
        response = _refusal(request, "records", 503)
    except Problem as problem:
        reason = "much" if problem.status == READ_TOO_LARGE else "store"
        response = _refusal(request, reason, problem.status, problem.headers)
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            request.query_params["lang"],
            max_age=_LANGUAGE_SECONDS,
            httponly=True,
            samesite="lax",
        )
    return response


def refused_busy(request: Request, problem: Problem) -> Response:
    """Return the page for a request that finds no place. `problem`: a 429."""
    return _refusal(request, "busy", problem.status, problem.headers)


def language_of(request: Request) -> Language:
    """Return the language that the address or the cookie asks for; Indonesian by default."""
    for code in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if code is not None and code in LANGUAGES:
            return LANGUAGES[code]
    return LANGUAGES[INDONESIAN]


def home(visitor: Visitor) -> str:
    """Return the address of the visitor's first page."""
    if visitor.role is Role.SUPPLIER:
        return f"/suppliers/{visitor.partner}"
    return "/buyer" if visitor.role is Role.BUYER else "/programme"


def keep_session(response: Response, session: Session, site: Site) -> None:
    """Set the session's cookie on a response."""
    response.set_cookie(
        SESSION_COOKIE,
        session.cookie,
        max_age=session.seconds,
        httponly=True,
        samesite="lax",
        secure=site.secure,
    )


def see_other(address: str) -> Response:
    """Return a redirect (303) as the answer to a form: reloading the page sends nothing twice."""
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


def _refusal(
    request: Request,
    reason: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    language = language_of(request)
    context = {
        **frame_without_visitor(request, language),
        "reason": reason,
        **{"what": "", "again": "/", "who": "", "token": "", **more},
    }
    return html(language, "refused.html", context, status or _STATUS.get(reason, 403), headers)


def frame_without_visitor(request: Request, language: Language) -> dict[str, Any]:
    """Return the variables of `base.html` for a page without a visitor."""
    return {"visit": None, "home": "/", "languages": _switch(request, language), "sign_out": ""}


def _frame(visit: Visit) -> dict[str, Any]:
    return {
        "visit": visit,
        "home": home(visit.visitor),
        "languages": _switch(visit.request, visit.language, home(visit.visitor)),
        "sign_out": visit.form_token(SIGN_OUT),
    }


def _switch(request: Request, language: Language, begin: str = "/") -> list[tuple[str, str, str]]:
    """Return the other languages: code, own name, and the address of this page in it.

    A page that answers a form has no address of its own, and the address of a link is secret: for
    both it is `begin` instead, the visitor's first page.
    """
    own = request.method == "GET" and not request.url.path.startswith(("/s/", "/p/"))
    path, query = (request.url.path, dict(request.query_params)) if own else (begin, {})
    return [
        (code, other.locale.get_display_name(code) or code, _address(path, query, code))
        for code, other in LANGUAGES.items()
        if code != language.code
    ]


def _address(path: str, query: Mapping[str, str], code: str) -> str:
    return f"{path}?{urlencode({**query, 'lang': code})}"
