-- By which policy is everything judged now?
SELECT policy, rules
FROM policy_in_force
