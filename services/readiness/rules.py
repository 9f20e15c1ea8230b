"""The rules: the part of a policy by which events are folded; other rules need another fold."""

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, Self

from services.readiness.policy import DEFAULT_POLICY, LineTolerances, Policy

_FORM: Final = 3
"""Increase this when facts take another shape: all facts are then folded again."""

EDITION: Final = 2
"""The edition of the definitions in docs/figures.md. Each frozen evaluation records its own."""

_ANY: Final = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings by which lines and documents are judged, in the units of the policy.

    `complaint_days`: days for containment, corrective action and closing. `tolerances`: rows of
    (buyer, item, early days, late days, under, over), with `""` for any buyer or item; the first
    row is the default. `sites`: pairs of a buyer and its zone, if not `zone`.
    """

    zone: str
    sites: tuple[tuple[str, str], ...]
    notice_days: int
    confirmation_hours: int
    complaint_days: tuple[int, int, int]
    tolerances: tuple[tuple[str, str, int, int, Decimal, Decimal], ...]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Extract the rules of a policy."""
        overrides = policy.tolerances.overrides
        buyers = sorted({one.buyer_id or _ANY for one in overrides} | {_ANY})
        items = sorted({one.item_no or _ANY for one in overrides} | {_ANY})
        return cls(
            policy.zone,
            tuple(sorted((buyer, zone) for buyer, zone in policy.sites.items())),
            policy.notice_days,
            policy.confirmation.sla_hours,
            (
                policy.complaints.containment_days,
                policy.complaints.corrective_action_days,
                policy.complaints.closing_days,
            ),
            tuple(
                _row(buyer, item, policy.tolerances_for(buyer, item))
                for buyer in buyers
                for item in items
            ),
        )

    @property
    def description(self) -> str:
        """The rules as canonical JSON."""
        held: dict[str, Any] = {"form": _FORM}
        held |= {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(held, sort_keys=True, default=str)

    @property
    def id(self) -> int:
        """A 64-bit hash that identifies facts folded by these rules, the same in every process."""
        return int.from_bytes(sha256(self.description.encode()).digest()[:8])


def _row(
    buyer: str, item: str, tolerances: LineTolerances
) -> tuple[str, str, int, int, Decimal, Decimal]:
    return (
        buyer, item, tolerances.early_days, tolerances.late_days, tolerances.under, tolerances.over,
    )  # fmt: skip


DEFAULT_RULES: Final = Rules.of(DEFAULT_POLICY)
"""The rules of the packaged policy."""
