"""Prints the ledger of a stopped Rantai. A process of its own: the engine opens one store only.

`python -m tests.soak.stored STORE` prints a JSON line for each event: source, id, and the distinct
digests of its content. More than one digest means that the event is stored twice.
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
    """Print all events, sender by sender to bound the memory."""
    clickhouse = ClickHouse(path=Path(sys.argv[1]))
    for (sender,) in ((row["sender"],) for row in clickhouse.rows(_SENDERS)):
        for row in clickhouse.rows(_EVENTS, {"sender": sender}):
            print(json.dumps([row["source"], row["id"], row["contents"]]))
    clickhouse.close()


if __name__ == "__main__":
    main()
