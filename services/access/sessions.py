"""Sessions: a signed cookie keeps a visitor signed in after opening a link or showing a key.

The cookie holds the id of the link or key, never the key. Revoking a link or key ends the sessions
that it began.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from schemas.catalogue import Role
from services.access.keys import KeyStore, Principal
from services.access.links import LinkRecord, Links, Rights

KEY_SESSION_SECONDS: Final = 12 * 3600
"""How long a sign-in by key lasts: short, because the screens of buyers and programme managers
stand in offices."""

SESSION_COOKIE: Final = "rantai_session"
_SALT: Final = "rantai.session.v1"
_LONGEST: Final = 2 * 366 * 24 * 3600


class _By(StrEnum):
    LINK = "link"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person signed in to the pages, and what they may see and do.

    `session`: identifies this sign-in; forms are bound to it. `link`: the id of the link that was
    opened; None after signing in with a key. `buyer`: set if that link is limited to one buyer's
    orders; then nothing of other buyers is shown or sent.
    """

    role: Role
    partner: str
    may_act: bool
    session: str
    buyer: str | None = None
    link: str | None = None

    @property
    def orders_of(self) -> str | None:
        """The only buyer whose orders are shown; None if the orders of all buyers are."""
        return self.partner if self.role is Role.BUYER else self.buyer


@dataclass(frozen=True, slots=True)
class Session:
    """A new sign-in: the text of the cookie, its lifetime in seconds, and the visitor."""

    cookie: str
    seconds: int
    visitor: Visitor


class Sessions:
    """Begins sessions and reads their cookies."""

    def __init__(self, keys: KeyStore, links: Links) -> None:
        self._keys, self._links = keys, links
        self._signer = URLSafeTimedSerializer(links.secret, salt=_SALT)

    def by_link(self, link: LinkRecord) -> Session:
        """Begin a session by a link that was opened; it ends with the link."""
        left = datetime.fromisoformat(link.expires_at) - datetime.now(UTC)
        name = secrets.token_urlsafe(12)
        return Session(
            self._cookie(_By.LINK, link.link_id, name),
            max(0, int(left.total_seconds())),
            _of_link(link, name),
        )

    def by_key(self, principal: Principal) -> Session:
        """Begin a session by a key; it lasts `KEY_SESSION_SECONDS`."""
        name = secrets.token_urlsafe(12)
        return Session(
            self._cookie(_By.KEY, principal.key_id, name),
            KEY_SESSION_SECONDS,
            _of_key(principal, name),
        )

    def credential_of(self, cookie: str | None) -> str | None:
        """Return the link or key that a cookie was issued for, as `link:<id>` or `key:<id>`.

        That link or key may be expired or revoked; `visitor` checks it. Returns None if the cookie
        is missing, altered or too old.
        """
        signed = self._signed(cookie)
        return None if signed is None else f"{signed[0]}:{signed[1]}"

    def visitor(self, cookie: str | None) -> Visitor | None:
        """Return the visitor of a cookie, or None if it is missing, altered, too old or revoked.

        Raises RecordFileError if the file of keys or links was never read.
        """
        signed = self._signed(cookie)
        if signed is None:
            return None
        by, name, session, at = signed
        if by == _By.LINK:
            link = self._links.valid(name)
            return None if link is None else _of_link(link, session)
        if (datetime.now(UTC) - at).total_seconds() > KEY_SESSION_SECONDS:
            return None
        principal = self._keys.principal(name)
        return None if principal is None else _of_key(principal, session)

    def _signed(self, cookie: str | None) -> tuple[str, str, str, datetime] | None:
        """Return a cookie's content: link or key, its id, the session, and when it was issued."""
        if not cookie:
            return None
        try:
            (by, name, session), at = self._signer.loads(
                cookie, max_age=_LONGEST, return_timestamp=True
            )
        except (BadSignature, ValueError, TypeError):
            return None
        return by, name, session, at

    def _cookie(self, by: _By, name: str, session: str) -> str:
        return str(self._signer.dumps([by.value, name, session]))


def _of_link(link: LinkRecord, session: str) -> Visitor:
    may_act = link.rights is Rights.ACT
    return Visitor(link.role, link.partner, may_act, session, link.buyer, link.link_id)


def _of_key(principal: Principal, session: str) -> Visitor:
    return Visitor(principal.role, principal.partner, True, session)
