"""API keys: a file of digests with role and partner, watched for changes.

A key reads `rtk_<key id>_<secret>`. The file holds the key id and the SHA-256 of the secret, never
the secret; the secret has 256 random bits, so a fast digest is enough. In production the file is a
mounted secret; a running service takes a change within a second.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.catalogue import Role

_PARTNER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY: Final = re.compile(r"rtk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_WATCH_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the file says of one key."""

    key_id: str
    role: Role
    partner: str
    digest: str
    created_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request speaks for."""

    role: Role
    partner: str
    key_id: str


class KeyStore:
    """The keys in one file.

    Reading is cheap enough for every request: the file is looked at once in half a second, and
    parsed only when it changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, KeyRecord] = {}
        self._signature: tuple[int, int, int] | None = None
        self._looked_at = 0.0

    def create(self, role: Role, partner: str) -> str:
        """Make a key and return it; it is shown this once and can't be had again.

        Raises ValueError where the partner id is not 1 to 64 of `A-Z a-z 0-9 . _ -`.
        """
        if not _PARTNER.fullmatch(partner):
            raise ValueError(f"partner id {partner!r} must be 1 to 64 of A-Z a-z 0-9 . _ -")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        self._load()
        record = KeyRecord(key_id, role, partner, _digest(secret), _now())
        self._write({**self._records, key_id: record})
        return f"rtk_{key_id}_{secret}"

    def revoke(self, key_id: str) -> KeyRecord:
        """Take a key out of use; LookupError where there is none of this id."""
        self._load()
        record = self._records.get(key_id)
        if record is None:
            raise LookupError(f"no key {key_id!r}; 'rantai keys list' shows them")
        revoked = KeyRecord(**{**asdict(record), "revoked_at": record.revoked_at or _now()})
        self._write({**self._records, key_id: revoked})
        return revoked

    def records(self) -> list[KeyRecord]:
        """Return every key, oldest first."""
        self._load()
        return sorted(self._records.values(), key=lambda record: record.created_at)

    def partners(self) -> dict[str, tuple[Role, ...]]:
        """Return the roles in which each partner holds a valid key."""
        found: dict[str, tuple[Role, ...]] = {}
        for record in self._current().values():
            roles = found.get(record.partner, ())
            if record.revoked_at is None and record.role not in roles:
                found[record.partner] = (*roles, record.role)
        return found

    def authenticate(self, bearer: str) -> Principal | None:
        """Return whom a key speaks for, or None for one that is unknown, malformed or revoked."""
        match = _KEY.fullmatch(bearer)
        if match is None:
            return None
        record = self._current().get(match[1])
        if record is None or record.revoked_at is not None:
            return None
        if not hmac.compare_digest(record.digest, _digest(match[2])):
            return None
        return Principal(record.role, record.partner, record.key_id)

    def _current(self) -> dict[str, KeyRecord]:
        if time.monotonic() - self._looked_at > _WATCH_SECONDS:
            self._load()
        return self._records

    def _load(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._records, self._signature = {}, None
            self._looked_at = time.monotonic()
            return
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        if signature == self._signature:
            self._looked_at = time.monotonic()
            return
        rows = json.loads(self.path.read_text())["keys"]
        records = [KeyRecord(**{**row, "role": Role(row["role"])}) for row in rows]
        self._records = {record.key_id: record for record in records}
        self._signature = signature
        # Last: a second thread must not take old records for fresh ones.
        self._looked_at = time.monotonic()

    def _write(self, records: dict[str, KeyRecord]) -> None:
        # Written beside and renamed into place: a reader never sees half a file.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"keys": [asdict(record) for record in records.values()]}, indent=1)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(self.path)
        self._load()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
