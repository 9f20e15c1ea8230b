"""API keys, kept in a file of digests with role and partner that running services follow.

A key has the form `rtk_<key id>_<secret>`. The file holds the key id and the SHA-256 of the secret,
never the secret; the secret has 256 random bits, so a fast digest is enough. In production the file
is a mounted secret; a running service applies a change from the next request on.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from pydantic import ConfigDict, TypeAdapter

from schemas.catalogue import Role
from schemas.spelling import one_spelling
from services.access.record_file import RecordFile

_PARTNER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY: Final = re.compile(r"rtk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as the file records it. Times: ISO 8601, UTC."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    key_id: str
    role: Role
    partner: str
    digest: str
    created_at: str
    revoked_at: str | None = None


_CONTENT: Final = TypeAdapter(dict[str, list[KeyRecord]])


@dataclass(frozen=True, slots=True)
class Principal:
    """The partner that a request is authenticated as, in which role and by which key."""

    role: Role
    partner: str
    key_id: str


class KeyStore:
    """The keys in one file. Every method raises RecordFileError if that is not a file of keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = RecordFile(path, "keys", _CONTENT, lambda record: record.key_id)

    def create(self, role: Role, partner: str) -> str:
        """Create a key and return it: the full key is available only here.

        Raises ValueError unless the partner id is 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
        """
        partner = one_spelling(partner)
        if not _PARTNER.fullmatch(partner):
            raise ValueError(f"partner id {partner!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        with self._file.changing() as records:
            records[key_id] = KeyRecord(key_id, role, partner, _digest(secret), _now())
        return f"rtk_{key_id}_{secret}"

    def revoke(self, key_id: str) -> KeyRecord:
        """Revoke a key. Raises LookupError if there is no key with this id."""
        with self._file.changing() as records:
            record = records.get(key_id)
            if record is None:
                raise LookupError(f"no key has the id {key_id!r}; 'rantai keys list' shows all")
            revoked = replace(record, revoked_at=record.revoked_at or _now())
            records[key_id] = revoked
        return revoked

    def records(self) -> list[KeyRecord]:
        """Return every key, oldest first."""
        return sorted(self._file.fresh().values(), key=lambda record: record.created_at)

    def partners(self) -> dict[str, tuple[Role, ...]]:
        """Return the roles in which each partner has valid keys; () if all its keys are revoked."""
        found: dict[str, tuple[Role, ...]] = {}
        for record in self._file.current().values():
            roles = found.setdefault(record.partner, ())
            if record.revoked_at is None and record.role not in roles:
                found[record.partner] = (*roles, record.role)
        return found

    def authenticate(self, bearer: str) -> Principal | None:
        """Return the principal of a key, or None if the key is unknown, malformed or revoked."""
        match = _KEY.fullmatch(bearer)
        if match is None:
            return None
        record = self._file.current().get(match[1])
        if record is None or record.revoked_at is not None:
            return None
        if not hmac.compare_digest(record.digest, _digest(match[2])):
            return None
        return Principal(record.role, record.partner, record.key_id)

    def principal(self, key_id: str) -> Principal | None:
        """Return the principal of a key by its id, or None if the key is unknown or revoked."""
        record = self._file.current().get(key_id)
        if record is None or record.revoked_at is not None:
            return None
        return Principal(record.role, record.partner, record.key_id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
