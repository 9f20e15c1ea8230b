"""Codes of papers: each is signed by this installation and holds what its paper must say.

The code is part of the address in the paper's QR code, so it is packed tightly: numbers of fixed
size, then three texts. It discloses only what the paper shows.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

import simplejson
from itsdangerous import BadData, Signer, base64_decode, base64_encode

from services.assessment.evaluations import HighWater

DIGEST_BYTES: Final = 8
_SALT: Final = "rantai.paper.v1"
_NUMBERS: Final = struct.Struct(f">BcIHIQII{DIGEST_BYTES}s")
_FROZEN, _INSUFFICIENT, _PROVISIONAL = 1, 2, 4
_EDITIONS: Final = 16
"""The upper four bits of the flags: the edition of the figures less one, so 0 for the first."""
_NO_LETTER: Final = b"-"
_NO_SCORE: Final = 2**32 - 1
_THOUSAND: Final = 1000
_SEPARATOR: Final = "\0"
_DIGESTED: Final = ("kpis", "score", "grade", "stage")


class NotIssued(ValueError):
    """A code that this installation did not sign, or that was altered."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What a paper says about a supplier. Times are aware, to the second.

    `buyer_id`: the only buyer whose orders it covers; None for all. `letter`: the published grade;
    `score`: 0 to 100, cut off to thousandths; both None if there is none. `edition`: of
    docs/figures.md. `inputs`: how far the ledger went. `digest`: see `digest_of`.
    """

    supplier_id: str
    as_of: date
    window_days: int
    buyer_id: str | None
    frozen: bool
    letter: str | None
    insufficient: bool
    score: Fraction | None
    provisional: bool
    policy_version: str
    edition: int
    inputs: HighWater
    computed_at: datetime
    digest: bytes

    @property
    def digest_words(self) -> str:
        """The digest in groups that are easy to compare by eye: `9f3a-07c1-52be-d410`."""
        text = self.digest.hex()
        return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


class Codes:
    """Signs and reads the codes of papers. `secret`: that of the installation's links."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt=_SALT)

    def code(self, issued: Issued) -> str:
        """Return the code of a paper, of characters that need no quoting in an address."""
        return self._signer.sign(base64_encode(_packed(issued))).decode()

    def read(self, code: str) -> Issued:
        """Return what a code says. Raises NotIssued if its signature or content is not valid."""
        try:
            return _unpacked(base64_decode(self._signer.unsign(code.encode())))
        except (BadData, ValueError, struct.error):
            raise NotIssued from None


def digest_of(card: Mapping[str, Any]) -> bytes:
    """Return a digest over the figures, score, grade and stage of a scorecard.

    It is the first `DIGEST_BYTES` of a SHA-256. `card`: read with exact decimals, so that equal
    numbers give equal digests.
    """
    said = {part: card[part] for part in _DIGESTED}
    text = simplejson.dumps(said, use_decimal=True, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()[:DIGEST_BYTES]


def cut_off(score: Decimal | int | None) -> Fraction | None:
    """Return a score cut off to thousandths, as codes hold it; one above 0 never becomes 0."""
    if score is None:
        return None
    exact = Fraction(score)
    return Fraction(max(int(exact > 0), int(exact * _THOUSAND)), _THOUSAND)


def _packed(issued: Issued) -> bytes:
    flags = (
        _FROZEN * issued.frozen
        | _INSUFFICIENT * issued.insufficient
        | _PROVISIONAL * issued.provisional
        | _EDITIONS * (issued.edition - 1)
    )
    numbers = _NUMBERS.pack(
        flags,
        _NO_LETTER if issued.letter is None else issued.letter.encode(),
        issued.as_of.toordinal(),
        issued.window_days,
        _NO_SCORE if issued.score is None else int(issued.score * _THOUSAND),
        issued.inputs.events,
        int(issued.inputs.accepted_until.timestamp()),
        int(issued.computed_at.timestamp()),
        issued.digest,
    )
    texts = (issued.supplier_id, issued.buyer_id or "", issued.policy_version)
    return numbers + _SEPARATOR.join(texts).encode()


def _unpacked(packed: bytes) -> Issued:
    flags, letter, day, window, score, events, until, computed, digest = _NUMBERS.unpack(
        packed[: _NUMBERS.size]
    )
    supplier_id, buyer_id, policy_version = packed[_NUMBERS.size :].decode().split(_SEPARATOR)
    return Issued(
        supplier_id=supplier_id,
        as_of=date.fromordinal(day),
        window_days=window,
        buyer_id=buyer_id or None,
        frozen=bool(flags & _FROZEN),
        letter=None if letter == _NO_LETTER else letter.decode(),
        insufficient=bool(flags & _INSUFFICIENT),
        score=None if score == _NO_SCORE else Fraction(score, _THOUSAND),
        provisional=bool(flags & _PROVISIONAL),
        policy_version=policy_version,
        edition=flags // _EDITIONS + 1,
        inputs=HighWater(events, datetime.fromtimestamp(until, UTC)),
        computed_at=datetime.fromtimestamp(computed, UTC),
        digest=digest,
    )
