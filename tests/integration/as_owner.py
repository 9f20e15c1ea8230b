"""Fill a store as the services would, with views owned by the user `rantai` as in production.

Run `python -m tests.integration.as_owner STORE` in the folder that holds the configuration.
"""

import sys
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

from services.assessment.figure_store import Selection
from services.assessment.policy_in_force import put_in_force
from services.assessment.standings import Standings
from services.readiness.policy import DEFAULT_POLICY
from services.simulator import history
from services.store import client
from services.store.client import ClickHouse
from services.store.migrate import Placement, migrate
from tests.integration.grafana import ZONE
from tests.support.storing import store

UNTIL = datetime(2026, 10, 1, 9, 30, tzinfo=ZONE)
DAYS = 150
PRICE = "98765.4321"


class _Owned(Placement):
    """Names `rantai` as owner of the views: the current user of this process is `default`."""

    def fill(self, text: str) -> str:
        return super().fill(text).replace("DEFINER = CURRENT_USER", "DEFINER = rantai")


def main() -> None:
    """Create the tables, and fill them with events, standings and a policy in force."""
    # The folder's configuration, with its users, replaces the limits that ClickHouse() sets.
    configuration = {"config-file": str(Path("config.xml").resolve())}
    with patch.object(client, "OPTIONS", configuration):
        clickhouse = ClickHouse(path=Path(sys.argv[1]))
    migrate(clickhouse, _Owned(fsync=False))
    put_in_force(clickhouse, DEFAULT_POLICY)
    events = [one.event for one in history(11, UNTIL, DAYS)]
    for event in events:
        if event["type"] == "id.rantai.order.placed.v1":
            for line in event["data"]["lines"]:
                line["unit_price"] = PRICE
    store(clickhouse, events)
    standings = Standings(clickhouse, DEFAULT_POLICY)
    names = sorted(standings.assessor.store.first_days(Selection(UNTIL.date(), 180)))
    for day in (date(2026, 9, 1), UNTIL.date()):
        standings.summaries(Selection(day, 180, names))
    assert clickhouse.rows(
        "SELECT 1 FROM figure_parts ARRAY JOIN parts AS p WHERE p.family = 'value'"
    )
    clickhouse.close()


if __name__ == "__main__":
    main()
