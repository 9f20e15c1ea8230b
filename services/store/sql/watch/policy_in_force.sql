-- Which policy, with which rules, is in force?
SELECT policy, rules
FROM policy_in_force
