"""API keys: a file of digests with role and partner, watched for changes.

A key reads `rtk_<key id>_<secret>`. The file holds the key id and the SHA-256 of the secret, never
the secret; the secret has 256 random bits, so a fast digest is enough. In production the file is a
mounted secret; a running service takes a change within a second.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.catalogue import Role
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.keys")
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


class KeyFileError(ValueError):
    """The key file can't be read; the message names it."""


class KeyStore:
    """The keys in one file.

    Reading is cheap enough for every request: the file is looked at once in half a second, and
    parsed only when it changed. A change that can't be read leaves the keys as they were.
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
        with self._changing():
            record = KeyRecord(key_id, role, partner, _digest(secret), _now())
            self._write({**self._records, key_id: record})
        return f"rtk_{key_id}_{secret}"

    def revoke(self, key_id: str) -> KeyRecord:
        """Take a key out of use; LookupError where there is none of this id."""
        with self._changing():
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
        """Return the roles in which each partner holds a valid key; none: all are revoked."""
        found: dict[str, tuple[Role, ...]] = {}
        for record in self._current().values():
            roles = found.setdefault(record.partner, ())
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

    @contextmanager
    def _changing(self) -> Iterator[None]:
        # Two that add a key at the same time, threads or processes, must not lose one of them.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._load()
            yield

    def _current(self) -> dict[str, KeyRecord]:
        if time.monotonic() - self._looked_at > _WATCH_SECONDS:
            try:
                self._load()
            except KeyFileError as error:
                if self._signature is None:
                    raise
                log(_LOGGER, "keys_unreadable", level=logging.ERROR, error=str(error))
                self._looked_at = time.monotonic()
        return self._records

    def _load(self) -> None:
        try:
            status = self.path.stat()
            text = self.path.read_text() if _signature(status) != self._signature else None
        except FileNotFoundError:
            self._records, self._signature = {}, None
            self._looked_at = time.monotonic()
            return
        if text is not None:
            self._records = _read(self.path, text)
            self._signature = _signature(status)
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


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path, text: str) -> dict[str, KeyRecord]:
    try:
        rows = json.loads(text)["keys"]
        records = [KeyRecord(**{**row, "role": Role(row["role"])}) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f"{path} is no key file: {error!r}") from None
    return {record.key_id: record for record in records}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
