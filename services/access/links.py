"""Signed links: each opens one partner's page without a password, for a limited time.

The signed token of a link names its id and whose page it opens. A file beside the secret records
every link that was made: what it allows, until when, and whether it is revoked.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import ConfigDict, TypeAdapter

from schemas.catalogue import Role
from services.access import private_files
from services.access.record_file import RecordFile

LINK_DAYS: Final = 90
MOST_DAYS: Final = 730
_SALT: Final = "rantai.link.v2"


class Rights(StrEnum):
    """What the holder of a link may do."""

    READ = "read"
    ACT = "act"


class LinkRefusal(StrEnum):
    """Why a link is refused. `INCOMPLETE`: its token is cut off, mistyped or not signed by us."""

    INCOMPLETE = "incomplete"
    EXPIRED = "expired"
    REVOKED = "revoked"


class LinkRefused(ValueError):
    """A link is expired, revoked, mistyped or not signed by us."""

    def __init__(self, why: LinkRefusal) -> None:
        super().__init__(f"this link is {why.value}; ask for a new one")
        self.why = why


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whose page a link opens, and what it allows there.

    `buyer`: limits a supplier's link to this buyer's orders. A buyer may make only such links:
    whoever makes a link can open it, and must not see through it what other buyers order.
    """

    role: Role
    partner: str
    rights: Rights = Rights.ACT
    buyer: str | None = None


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """One link as the file records it. Times: ISO 8601, UTC.

    `made_by`: the partner who made the link, "" if it was made by the command line. `made_from`:
    the id of the link by which that partner was signed in. The new link ends with that one: else
    whoever held a link for a day could stay for a year.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    link_id: str
    role: Role
    partner: str
    rights: Rights
    created_at: str
    expires_at: str
    made_by: str
    revoked_at: str | None = None
    buyer: str | None = None
    made_from: str | None = None

    @property
    def refusal(self) -> LinkRefusal | None:
        """Why the link is refused at present, or None if it opens its page."""
        if self.revoked_at is not None:
            return LinkRefusal.REVOKED
        over = datetime.now(UTC) > datetime.fromisoformat(self.expires_at)
        return LinkRefusal.EXPIRED if over else None


_CONTENT: Final = TypeAdapter(dict[str, list[LinkRecord]])


class Links:
    """Makes, opens and revokes links.

    `secret_file`: the secret that signs them; the records lie beside it, in `links.json`.
    """

    def __init__(self, secret_file: Path) -> None:
        self.secret = _secret(secret_file)
        self._signer = URLSafeSerializer(self.secret, salt=_SALT)
        self._file = RecordFile(
            secret_file.with_name("links.json"), "links", _CONTENT, lambda record: record.link_id
        )

    def create(
        self,
        holder: LinkHolder,
        days: float = LINK_DAYS,
        made_by: str = "",
        made_from: str | None = None,
    ) -> str:
        """Make a link and return its token.

        `made_from`: the id of a link that the new one must not outlast.
        Raises LinkRefused if that link is not valid at present; ValueError if `days` is not within
        2 years, or if `holder.buyer` is given for a link that is not a supplier's or may act.
        """
        if not 0 < days <= MOST_DAYS:
            raise ValueError(f"a link lasts between 0 and {MOST_DAYS} days, not {days:g}")
        if holder.buyer is not None and holder.role is not Role.SUPPLIER:
            raise ValueError("only a supplier's link can be limited to one buyer's orders")
        if holder.buyer is not None and holder.rights is not Rights.READ:
            # The buyer could use it to confirm orders in the supplier's name, which no buyer may.
            raise ValueError("a link that is limited to one buyer's orders must be for reading")
        now = datetime.now(UTC)
        record = LinkRecord(
            link_id=secrets.token_hex(8),
            role=holder.role,
            partner=holder.partner,
            rights=holder.rights,
            created_at=now.isoformat(timespec="seconds"),
            expires_at=(now + timedelta(days=days)).isoformat(timespec="seconds"),
            made_by=made_by,
            buyer=holder.buyer,
        )
        with self._file.changing() as records:
            if made_from is not None:
                record = _ending_with(record, records.get(made_from))
            records[record.link_id] = record
        return str(self._signer.dumps([record.link_id, *_whose(record)]))

    def open(self, token: str) -> LinkRecord:
        """Return the link of a token. Raises LinkRefused, RecordFileError."""
        try:
            link_id, *whose = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise LinkRefused(LinkRefusal.INCOMPLETE) from None
        record = self._file.current().get(link_id)
        if record is None or _whose(record) != whose:
            # Signed by us but not in the file: the file was restored from a copy. A link that can't
            # be revoked must open nothing.
            raise LinkRefused(LinkRefusal.REVOKED)
        if record.refusal is not None:
            raise LinkRefused(record.refusal)
        return record

    def valid(self, link_id: str) -> LinkRecord | None:
        """Return a link by its id if it is valid at present, else None. Raises RecordFileError."""
        record = self._file.current().get(link_id)
        return record if record is not None and record.refusal is None else None

    def records(self) -> list[LinkRecord]:
        """Return every link that was made, oldest first. Raises RecordFileError."""
        return sorted(self._file.fresh().values(), key=lambda record: record.created_at)

    def revoke(self, link_id: str) -> LinkRecord:
        """Revoke a link, the links made from it, and thereby their sessions.

        Raises LookupError if there is no link with this id; RecordFileError.
        """
        with self._file.changing() as records:
            record = records.get(link_id)
            if record is None:
                raise LookupError(f"no link has the id {link_id!r}; 'rantai links list' shows all")
            at = datetime.now(UTC).isoformat(timespec="seconds")
            for one in list(records.values()):
                if link_id in (one.link_id, one.made_from):
                    records[one.link_id] = replace(one, revoked_at=one.revoked_at or at)
            return records[link_id]


def _ending_with(record: LinkRecord, origin: LinkRecord | None) -> LinkRecord:
    refusal = LinkRefusal.REVOKED if origin is None else origin.refusal
    if origin is None or refusal is not None:
        raise LinkRefused(refusal or LinkRefusal.REVOKED)
    until = min(record.expires_at, origin.expires_at, key=datetime.fromisoformat)
    return replace(record, expires_at=until, made_from=origin.link_id)


def _whose(record: LinkRecord) -> list[str]:
    """Return what the token of a link says beside its id: role, partner and, if limited, buyer."""
    own = [] if record.buyer is None else [record.buyer]
    return [record.role.value, record.partner, *own]


def _secret(file: Path) -> str:
    if not file.exists():
        # Of two processes that start together, both use the secret that was written first.
        private_files.write_once(file, secrets.token_urlsafe(48).encode())
    text = file.read_text().strip()
    if not text:
        # Anybody could sign with an empty secret.
        raise ValueError(f"{file} is empty; remove it, and the next start makes a new secret")
    return text
