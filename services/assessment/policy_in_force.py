"""Records the policy in force, for readers of the store that have no policy: the dashboards."""

from typing import Any, Final

from services.assessment.figure_store import WINDOW_DAYS, FigureStore
from services.readiness.policy import Policy
from services.store.client import ClickHouse
from services.store.folding import rule_parameters
from services.store.sql_files import sql

_TOLERANCES: Final = ("tolerance_keys", "early_days", "late_days", "under", "over")


def put_in_force(clickhouse: ClickHouse, policy: Policy) -> bool:
    """Record a policy as in force; return whether it was not in force before.

    Each service calls this at its start, after migrating the store to the policy's rules.
    Dashboards show the figures of the policy that was put in force last. Blocks. Raises
    StoreUnavailable, StoreRefused.
    """
    store = FigureStore(clickhouse, policy)
    parameters = rule_parameters(store.rules)
    row: dict[str, Any] = {
        "policy": store.standing_form,
        "rules": store.rules.id,
        "version": policy.version,
        "zone": policy.zone,
        "window_days": WINDOW_DAYS,
        "capacity_days": policy.capacity.horizon_days,
        **{name: parameters[name] for name in _TOLERANCES},
    }
    known = clickhouse.rows(sql("policy_in_force"))
    if known and (known[0]["policy"], known[0]["rules"]) == (row["policy"], row["rules"]):
        return False
    clickhouse.insert_rows("policies_in_force", list(row), [list(row.values())])
    return True
