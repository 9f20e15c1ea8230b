"""Query parameters of every type arrive alike over HTTP and in-process, also with odd values."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.store.client import ClickHouse
from tests.integration.separate import ClickHouseProcess

NASTY = [
    "",
    "a'b",
    'a"b',
    "a\\b",
    "a\\'b",
    "tab\tline\nend",
    "%2F&=+ ?#",
    "é 東 😀",
    "{x:UInt8}",
    "]",
]
VALUES: dict[str, list[Any]] = {
    "String": NASTY,
    "Array(String)": [[], ["one"], NASTY],
    "UUID": [UUID(int=1), UUID(int=2**128 - 1)],
    "Array(UUID)": [[], [UUID(int=1), UUID(int=2**128 - 1)]],
    "Date32": [date(1999, 12, 31), date(2026, 11, 1), date(2100, 2, 28)],
    "DateTime64(3)": [datetime(2026, 11, 1, 3, 4, 5, 678000, tzinfo=UTC)],
    "Array(Date32)": [[], [date(1999, 12, 31), date(2100, 2, 28)]],
    "Array(Decimal(9, 6))": [[], [Decimal("0"), Decimal("0.000001"), Decimal("999.999999")]],
    "Array(Tuple(Date32, Int32))": [[], [(date(1999, 12, 31), -1), (date(2100, 2, 28), 2**31 - 1)]],
    "Array(Int32)": [[], [0, -1, 2**31 - 1]],
    "Int32": [0, -1, 2**31 - 1],
    "UInt32": [0, 2**32 - 1],
    "UInt64": [0, 2**63, 2**64 - 1],
    "Bool": [True, False],
}


@pytest.fixture(scope="module")
def over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Return a client of a store over HTTP."""
    store = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse"))
    store.start()
    clickhouse = ClickHouse(url=store.url)
    yield clickhouse
    clickhouse.close()
    store.process.kill()


def types_in_use() -> set[str]:
    """Return the types of all parameters in the store's SQL."""
    root = files("services.store")
    paths = Path(str(root)).rglob("*.sql")
    return {t for path in paths for t in re.findall(r"\{\w+:([^}]+)\}", path.read_text())}


def test_every_type_in_use_is_tried() -> None:
    assert types_in_use() <= set(VALUES)


@pytest.mark.parametrize("kind", VALUES)
def test_a_parameter_arrives_as_it_was_given(
    kind: str, over_http: ClickHouse, clickhouse: ClickHouse
) -> None:
    for value in VALUES[kind]:
        statement = f"SELECT {{v:{kind}}} AS v, toString(v) AS text, toTypeName(v) AS type"
        far, near = (store.rows(statement, {"v": value}) for store in (over_http, clickhouse))
        assert far == near
        assert far[0]["type"] == kind
        assert far[0]["v"] == value
