"""Sessions: who opened a link or signed in with a key stays signed in, by a signed cookie.

The cookie holds the id of the link or key, never the key; a link or key that is revoked ends the
sessions that it began.
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
"""After which a buyer or programme manager signs in again: their screens stand in offices."""

SESSION_COOKIE: Final = "rantai_session"
_SALT: Final = "rantai.session.v1"
_LONGEST: Final = 2 * 366 * 24 * 3600


class _By(StrEnum):
    LINK = "link"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page.

    `session`: names this sign-in; forms are bound to it. `link`: the id of the link that was
    opened; None where a key was shown. `buyer`: of a supplier's visitor who came by a link for one
    buyer's orders alone; shown and sent is nothing of others then.
    """

    role: Role
    partner: str
    may_act: bool
    session: str
    buyer: str | None = None
    link: str | None = None

    @property
    def orders_of(self) -> str | None:
        """The only buyer whose orders are shown; None where those of all are."""
        return self.partner if self.role is Role.BUYER else self.buyer


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in as the browser keeps it: the cookie's text, and for how many seconds."""

    cookie: str
    seconds: int
    visitor: Visitor


class Sessions:
    """Begins sessions and reads their cookies."""

    def __init__(self, keys: KeyStore, links: Links) -> None:
        self._keys, self._links = keys, links
        self._signer = URLSafeTimedSerializer(links.secret, salt=_SALT)

    def by_link(self, link: LinkRecord) -> Session:
        """Begin the session of somebody who opened a link; it ends with the link."""
        left = datetime.fromisoformat(link.expires_at) - datetime.now(UTC)
        name = secrets.token_urlsafe(12)
        return Session(
            self._cookie(_By.LINK, link.link_id, name),
            max(0, int(left.total_seconds())),
            _of_link(link, name),
        )

    def by_key(self, principal: Principal) -> Session:
        """Begin the session of somebody who showed a key."""
        name = secrets.token_urlsafe(12)
        return Session(
            self._cookie(_By.KEY, principal.key_id, name),
            KEY_SESSION_SECONDS,
            _of_key(principal, name),
        )

    def came_by(self, cookie: str | None) -> str | None:
        """Return the link or key that a cookie was given for, as `link:<id>` or `key:<id>`.

        Whether it may still be used is another question (`visitor`). None for a cookie that is
        missing, changed or too old.
        """
        signed = self._signed(cookie)
        return None if signed is None else f"{signed[0]}:{signed[1]}"

    def visitor(self, cookie: str | None) -> Visitor | None:
        """Return who a cookie is of; None where it is missing, changed, too old or revoked."""
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
        """Return what a cookie says: by what, its id, the session, and since when."""
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
