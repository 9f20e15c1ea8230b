"""A row of an answer of the store, as the figures are computed from and the pages read."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
"""Values by the name of their column; quantities and amounts as Decimal, times aware."""
