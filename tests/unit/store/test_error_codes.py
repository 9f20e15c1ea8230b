"""`ErrorCode` uses the names that the engine gives its codes."""

import pytest

from services.store.client import ClickHouse
from services.store.error_codes import ErrorCode


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_the_engine_has_this_name_for_the_code(clickhouse: ClickHouse, code: ErrorCode) -> None:
    (row,) = clickhouse.rows("SELECT errorCodeToName({code:UInt32}) AS name", {"code": int(code)})
    assert row["name"] == code.name
