"""The type of a row that the store returns."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
"""Values by column name; quantities and amounts are Decimal, times are timezone-aware."""
