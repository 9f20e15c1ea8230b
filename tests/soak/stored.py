"""What a stopped Rantai has in its ledger, read from its files: a process, as the engine takes one.

`python -m tests.soak.stored STORE` prints a line for each event: source, id, and the digests of
what it says; with more than one it stands there twice.
"""

import json
import sys
from pathlib import Path

from services.store.client import ClickHouse

_SENDERS = "SELECT DISTINCT sender FROM events ORDER BY sender"
_EVENTS = """
SELECT source, id, arraySort(groupUniqArray(content)) AS contents
FROM events
WHERE sender = {sender:String}
GROUP BY source, id
"""


def main() -> None:
    """Print them, one sender after the other."""
    clickhouse = ClickHouse(path=Path(sys.argv[1]))
    for (sender,) in ((row["sender"],) for row in clickhouse.rows(_SENDERS)):
        for row in clickhouse.rows(_EVENTS, {"sender": sender}):
            print(json.dumps([row["source"], row["id"], row["contents"]]))
    clickhouse.close()


if __name__ == "__main__":
    main()
