"""Form tokens: a form is accepted only from this site's own pages, and only once.

A form carries a signed token that is bound to the visitor's session and to the purpose of the form.
The token's number becomes the id of the event, so a form that is sent twice makes one event.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.access.sessions import Visitor
from services.http.bodies import body_of
from services.http.service import Problem

TOKEN_FIELD: Final = "form"  # noqa: S105 - the field's name
TOKEN_SECONDS: Final = 12 * 3600
"""How long a token is valid: a page may stay open on a phone for a working day."""

_SALT: Final = "rantai.form.v1"
_MOST_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 500
_REMEMBERED: Final = 100_000


class FormFault(StrEnum):
    """Why a form is refused. The values are reasons of `refused.html`."""

    ELSEWHERE = "form_elsewhere"
    STALE = "form_stale"
    TWICE = "form_twice"
    TOO_LARGE = "form_too_large"


class FormRefused(ValueError):
    """A form that came from another site, is too old or too large, or was sent before."""

    def __init__(self, why: FormFault) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was sent.

    `number`: identifies it; `fields`: by name, as typed but without outer white space; `token`: its
    token, with which the page can show the same form again if something in it is wrong.
    """

    number: str
    fields: dict[str, str]
    token: str = ""

    def lists(self, prefix: str) -> dict[str, str]:
        """Return the fields whose names begin with a prefix, by the rest of the name."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.fields.items()
            if name.startswith(prefix)
        }


class Forms:
    """Issues tokens for forms, and reads the forms that are sent.

    `own_host`: the host of the public address, if one is set: behind a proxy it may differ
    from the `Host` header.
    """

    def __init__(self, secret: str, own_host: str | None = None) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._own_host = own_host
        self._used: OrderedDict[str, None] = OrderedDict()
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def token(self, visitor: Visitor, purpose: str) -> str:
        """Return a new token for a form of this visitor. `purpose`: names what the form does."""
        return str(self._signer.dumps([visitor.session, purpose, secrets.token_hex(12)]))

    async def read(self, request: Request, visitor: Visitor, purpose: str) -> Form:
        """Return the form in a request, if its token is for this visitor and purpose.

        Raises FormRefused; Problem 400 or 408 if the body does not arrive.
        """
        self.require_own(request)
        fields = await _fields(request)
        token = fields.pop(TOKEN_FIELD, "")
        try:
            session, made_for, number = self._signer.loads(token, max_age=TOKEN_SECONDS)
        except (BadSignature, ValueError, TypeError):
            raise FormRefused(FormFault.STALE) from None
        if (session, made_for) != (visitor.session, purpose):
            raise FormRefused(FormFault.STALE)
        if number in self._used:
            raise FormRefused(FormFault.TWICE)
        return Form(number, fields, token)

    @asynccontextmanager
    async def taking(self, form: Form) -> AsyncIterator[None]:
        """Hold a form while it is processed; call `done` inside once that has succeeded.

        The same form, sent meanwhile, waits and is then refused. If processing fails, the form that
        waits is processed instead: a visitor who tapped twice sees the last answer.

        Raises FormRefused if the form is done already.
        """
        lock = self._under_way.setdefault(form.number, asyncio.Lock())
        async with lock:
            if form.number in self._used:
                raise FormRefused(FormFault.TWICE)
            yield

    def done(self, form: Form) -> None:
        """Remember that a form was processed: it is refused from then on."""
        self._used[form.number] = None
        while len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)

    def require_own(self, request: Request) -> None:
        """Raise FormRefused if the browser says that the request comes from another site."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        hosts = {request.headers.get("host"), self._own_host}
        foreign = origin is not None and urlsplit(origin).netloc not in hosts
        if foreign or site not in ("same-origin", "none"):
            raise FormRefused(FormFault.ELSEWHERE)


async def fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form without a token, such as the sign-in.

    Raises as `Forms.read`.
    """
    return await _fields(request)


async def _fields(request: Request) -> dict[str, str]:
    try:
        body = await body_of(request, _MOST_BYTES, "a form is smaller")
    except Problem as problem:
        if problem.status != 413:
            raise
        raise FormRefused(FormFault.TOO_LARGE) from None
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise FormRefused(FormFault.STALE) from None
    return {name: value.strip() for name, value in pairs}
