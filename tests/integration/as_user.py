"""Statements put to the engine as the user of a configuration: run in the folder that holds it.

`python -m tests.integration.as_user STORE` reads a JSON list of statements and prints a JSON list
of `{"rows": ...}` or `{"code": ...}`. The engine takes `config.xml` of its working directory as a
server does, users, profiles and grants included; its one session is that of the user `default`.
"""

import json
import sys
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.store.client import error_code


def main() -> None:
    """Answer each statement."""
    client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1], database="rantai")
    print(json.dumps([_answer(client, one) for one in json.load(sys.stdin)], default=str))


def _answer(client: Any, statement: str) -> dict[str, Any]:
    try:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "--", "SHOW", "DESCRIBE")):
            return {"rows": client.query(statement).result_rows}
        return {"rows": client.command(statement)}
    except ClickHouseError as error:
        return {"code": error_code(error), "error": str(error)[:300]}


if __name__ == "__main__":
    main()
