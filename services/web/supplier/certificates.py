"""Certificates and licences in words: which have expired, and which soon will. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.assessment.supplier_reader import CertificateHeld
from services.text.language import Language

SOON_DAYS: Final = 60
"""A renewal takes weeks: it should begin this long before the last day of validity."""

_EXPIRED, _SOON, _VALID = range(3)


@dataclass(frozen=True, slots=True)
class CertificateWords:
    """A certificate in words.

    `detail`: its number and issuer. `state`: until when it is valid. `urgent`: it has expired or
    will within SOON_DAYS.
    """

    name: str
    detail: str
    state: str
    urgent: bool


def certificate_words(
    language: Language, held: Iterable[CertificateHeld], as_of: date
) -> list[CertificateWords]:
    """Return certificates in words: the expired, those that soon will be, then others."""
    ordered = sorted(
        held,
        key=lambda one: (_rank(one, as_of), one.valid_to or date.max, one.certificate),
    )
    return [
        CertificateWords(
            one.certificate,
            " · ".join(filter(None, (one.number, one.issuer))),
            _state(language, one, as_of),
            _rank(one, as_of) != _VALID,
        )
        for one in ordered
    ]


def _rank(one: CertificateHeld, as_of: date) -> int:
    # A certificate is still valid on `valid_to` itself.
    if one.valid_to is None:
        return _VALID
    left = (one.valid_to - as_of).days
    if left < 0:
        return _EXPIRED
    return _SOON if left <= SOON_DAYS else _VALID


def _state(language: Language, one: CertificateHeld, as_of: date) -> str:
    if one.valid_to is None:
        return language.text("valid without end")
    day, rank = language.day(one.valid_to), _rank(one, as_of)
    if rank == _EXPIRED:
        return language.text("expired on %(day)s", day=day)
    if rank == _VALID:
        return language.text("valid until %(day)s", day=day)
    return language.texts(
        "expires on %(day)s, in %(count)s day: renew it now",
        "expires on %(day)s, in %(count)s days: renew it now",
        (one.valid_to - as_of).days,
        day=day,
    )
