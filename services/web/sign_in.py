"""Signing in: by opening a link, or with an API key. There are no passwords."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from schemas.catalogue import Role
from services.access.sessions import SESSION_COOKIE, Session
from services.web.form_tokens import fields_of
from services.web.rendering import html
from services.web.site import (
    SIGN_OUT,
    PageMaker,
    PageRefused,
    Site,
    Visit,
    answer,
    frame_without_visitor,
    guarded,
    home,
    keep_session,
    language_of,
    see_other,
)


def routes(site: Site, first_pages: dict[Role, PageMaker]) -> APIRouter:
    """Return the routes of links and signing in. `first_pages`: the page of a link, by role."""
    router = APIRouter(include_in_schema=False)

    @router.get("/s/{token}")
    @router.get("/p/{token}")
    async def opened(request: Request, token: str) -> Response:
        """Show the page that a link opens, and sign the visitor in.

        It returns the page itself, not a redirect: on a weak signal that would be another wait.
        """

        async def make() -> Response:
            link = site.links.open(token)
            before = site.sessions.visitor(request.cookies.get(SESSION_COOKIE))
            if before is not None and (before.role, before.partner) != (link.role, link.partner):
                raise PageRefused(
                    "link_other", who=before.partner, token=site.forms.token(before, SIGN_OUT)
                )
            session = site.sessions.by_link(link)
            visit = Visit(site, request, session.visitor, language_of(request))
            return _with_session(site, session, await first_pages[link.role](visit))

        return await guarded(request, make)

    @router.get("/")
    async def begin(request: Request) -> Response:
        """Redirect to the visitor's own page, or to the sign-in."""
        visitor = site.sessions.visitor(request.cookies.get(SESSION_COOKIE))
        return see_other("/sign-in" if visitor is None else home(visitor))

    @router.get("/sign-in")
    async def ask(request: Request) -> Response:
        """Show the form that asks for a key."""

        async def make() -> Response:
            return _form(request, wrong=False)

        return await guarded(request, make)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        """Check a key, and sign its holder in."""

        async def make() -> Response:
            site.forms.require_own(request)
            principal = site.keys.authenticate((await fields_of(request)).get("key", ""))
            if principal is None:
                return _form(request, wrong=True)
            session = site.sessions.by_key(principal)
            return _with_session(site, session, see_other(home(session.visitor)))

        return await guarded(request, make)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """Sign out on this device."""

        async def make(visit: Visit) -> Response:
            await site.forms.read(request, visit.visitor, SIGN_OUT)
            response = see_other("/sign-in")
            response.delete_cookie(SESSION_COOKIE)
            return response

        return await answer(site, request, make)

    return router


def _with_session(site: Site, session: Session, response: Response) -> Response:
    keep_session(response, session, site)
    return response


def _form(request: Request, *, wrong: bool) -> Response:
    language = language_of(request)
    context = {**frame_without_visitor(request, language), "wrong": wrong}
    return html(language, "sign_in.html", context, 401 if wrong else 200)
