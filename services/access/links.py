"""Signed links: a page for one partner, opened without a password, for a limited time."""

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from schemas.catalogue import Role

LINK_SECONDS: Final = 90 * 24 * 3600
_SALT: Final = "rantai.link.v1"


class LinkRefused(ValueError):
    """A link that is expired, mistyped or not ours; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whose page a link opens."""

    role: Role
    partner: str


class Links:
    """Makes and reads links, signed with a secret in a file of the data directory."""

    def __init__(self, secret_file: Path) -> None:
        self._signer = URLSafeTimedSerializer(_secret(secret_file), salt=_SALT)

    def token(self, holder: LinkHolder) -> str:
        """Return the token of a link."""
        return str(self._signer.dumps([holder.role.value, holder.partner]))

    def read(self, token: str) -> LinkHolder:
        """Return whose page a token opens. Raises LinkRefused."""
        try:
            role, partner = self._signer.loads(token, max_age=LINK_SECONDS)
        except SignatureExpired:
            raise LinkRefused("this link has expired; ask for a new one") from None
        except BadSignature:
            raise LinkRefused("this link is not complete; open it again from the message") from None
        return LinkHolder(Role(role), str(partner))


def _secret(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Written beside, readable for its owner alone, then given its name: two processes that
        # start together agree on one, and none reads half of it.
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".link-")
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(name, file)
        Path(name).unlink()
    text = file.read_text().strip()
    if not text:
        # Anybody could sign with an empty secret.
        raise ValueError(f"{file} is empty; remove it to have a new secret made")
    return text
