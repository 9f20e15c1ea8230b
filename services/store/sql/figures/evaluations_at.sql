-- Which evaluations of some suppliers are frozen at some month ends?
SELECT supplier_id, as_of, policy_version, edition, events, accepted_until, scorecard, frozen_at
FROM evaluations FINAL
WHERE supplier_id IN {suppliers:Array(String)} AND as_of IN {days:Array(Date32)}
ORDER BY supplier_id, as_of
