"""Run statements on the embedded engine as the user `default` of a server configuration.

`python -m tests.integration.as_user STORE`, run in the folder of the configuration, reads a JSON
list of statements and prints a JSON list of `{"rows": ...}` or `{"code": ..., "error": ...}`. The
engine reads `config.xml` in its working directory as a server does, users, profiles and grants
included. Its single session belongs to the user `default`.
"""

import json
import sys
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.store.client import error_code


def main() -> None:
    """Run each statement of standard input."""
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
