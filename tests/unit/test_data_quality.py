"""What looks wrong: each kind of finding with its document, and not where all is well."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from services.readiness.policy import DEFAULT_POLICY
from services.warehouse.client import Warehouse
from services.warehouse.data_quality import FIGURES, KINDS, DataQuality, Scope
from services.warehouse.figures import FigureStore
from tests.reference.cases import Event, receive, order
from tests.storing import empty, store

T = date(2026, 12, 1)

@pytest.fixture
def warehouse(own_warehouse: Warehouse) -> Warehouse:
    empty(own_warehouse)
    return own_warehouse

def quality(w): return DataQuality(FigureStore(w, DEFAULT_POLICY))

@pytest.mark.parametrize("kind", KINDS)
def test_runs(warehouse, kind):
    store(warehouse, [order("03-01", 10, "03-20"), receive("03-19", 10)])
    assert quality(warehouse).of_kind(kind, Scope(T), 5).total == 0
