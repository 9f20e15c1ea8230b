"""The policy: the tolerances by which a delivery is judged. Versioned, so that a figure can say
which rules made it.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Policy:
    """Tolerances in calendar days and as fractions of a quantity (KPI.md, "An order line at T")."""

    version: str = "2026-11-01"
    early_days: int = 7
    late_days: int = 0
    under: Decimal = Decimal(0)
    over: Decimal = Decimal("0.05")
    notice_days: int = 3
    zone: str = "Asia/Jakarta"


DEFAULT_POLICY = Policy()
