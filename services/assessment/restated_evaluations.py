"""Reads frozen evaluations, each beside today's figures for the same date."""

from collections.abc import Mapping
from typing import Any

import simplejson

from schemas.fields import utc_text
from services.assessment.evaluations import Evaluation, EvaluationStore, frozen_json
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import ScorecardReader
from services.readiness.rules import EDITION

_FIGURES = "kpis"


def evaluations(
    reader: ScorecardReader, store: EvaluationStore, supplier_id: str, limit: int
) -> dict[str, Any]:
    """Return a supplier's evaluations as JSON, newest first, each with what is restated.

    A late event never changes a frozen evaluation; `restated` shows how its date looks today.
    Blocks. Raises StoreUnavailable, StoreRefused.
    """
    frozen = store.frozen(supplier_id, limit)
    today: dict[Any, Mapping[str, Any]] = {}
    if frozen:
        selection = Selection(frozen[0].as_of, WINDOW_DAYS, [supplier_id])
        days = {supplier_id: [one.as_of for one in frozen]}
        for _, day, assessed in reader.assessor.assessed_at(selection, days):
            # Through the same JSON text as frozen scorecards, so that equal numbers compare equal.
            today[day] = simplejson.loads(frozen_json(assessed), use_decimal=True)
    return {
        "supplier_id": supplier_id,
        "evaluations": [
            {
                **Selection(one.as_of, WINDOW_DAYS).heading,
                "policy_version": one.policy_version,
                "edition": one.edition,
                "frozen_at": utc_text(one.frozen_at),
                "inputs": {
                    "events": one.inputs.events,
                    "accepted_until": utc_text(one.inputs.accepted_until),
                },
                **one.scorecard,
                "restated": restated(one, today[one.as_of], reader.policy.version),
            }
            for one in frozen
        ],
    }


def restated(
    frozen: Evaluation, today: Mapping[str, Any], policy_version: str
) -> dict[str, Any] | None:
    """Return what differs today from a frozen evaluation, as JSON; None if nothing does.

    Each difference is an object with `frozen` and `now`, under `kpis` and the KPI, `score`, `grade`
    or `stage`. `today`: the scorecard as `frozen_json` has it today, under the policy
    `policy_version`. The answer's `edition` is today's edition of docs/figures.md.
    """
    before = frozen.scorecard
    figures = {
        key: {"frozen": before[_FIGURES].get(key), "now": today[_FIGURES].get(key)}
        for key in {**before[_FIGURES], **today[_FIGURES]}
        if before[_FIGURES].get(key) != today[_FIGURES].get(key)
    }
    others = {
        part: {"frozen": before[part], "now": today[part]}
        for part in ("score", "grade", "stage")
        if before[part] != today[part]
    }
    if not figures and not others:
        return None
    return {"policy_version": policy_version, "edition": EDITION, _FIGURES: figures, **others}
