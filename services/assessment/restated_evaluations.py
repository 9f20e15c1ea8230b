"""Evaluations as they were frozen at month ends, each beside today's view of the same date."""

from collections.abc import Mapping
from typing import Any

import simplejson

from schemas.fields import utc_text
from services.assessment.evaluations import Evaluation, EvaluationStore, frozen_json
from services.assessment.figure_store import WINDOW_DAYS, Selection
from services.assessment.scorecard_reader import Reader
from services.readiness.rules import EDITION

_FIGURES = "kpis"


def evaluations(
    reader: Reader, store: EvaluationStore, supplier_id: str, limit: int
) -> dict[str, Any]:
    """Return what was frozen of a supplier, the newest first, with what was restated since.

    A late event changes nothing that is frozen: how the same date looks today stands beside it.
    """
    frozen = store.frozen(supplier_id, limit)
    today: dict[Any, Mapping[str, Any]] = {}
    if frozen:
        asked = Selection(frozen[0].as_of, WINDOW_DAYS, [supplier_id])
        days = {supplier_id: [one.as_of for one in frozen]}
        for _, day, assessed in reader.assessor.assessed_at(asked, days):
            # Through the same text as what is frozen, so that numbers compare as they were written.
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
    """Return what is other today than when it was frozen, as was and is; None where nothing is.

    By `kpis` and its keys, `score`, `grade` and `stage`. `policy_version`: the one that judges now;
    `edition`, of docs/figures.md: the one that says now what the figures mean.
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
