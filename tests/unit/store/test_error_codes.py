"""The codes have the names that the engine itself gives them."""

import pytest

from services.store.client import ClickHouse
from services.store.error_codes import ErrorCode


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_the_engine_calls_it_so(clickhouse: ClickHouse, code: ErrorCode) -> None:
    (row,) = clickhouse.rows("SELECT errorCodeToName({code:UInt32}) AS name", {"code": int(code)})
    assert row["name"] == code.name
