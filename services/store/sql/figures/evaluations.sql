-- Which evaluations of a supplier are frozen, newest month end first?
SELECT supplier_id, as_of, policy_version, edition, events, accepted_until, scorecard, frozen_at
FROM evaluations FINAL
WHERE supplier_id = {supplier:String}
ORDER BY as_of DESC
LIMIT {limit:UInt32}
