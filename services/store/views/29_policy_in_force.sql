-- The policy that was put in force last.
CREATE OR REPLACE VIEW policy_in_force $on_cluster AS
SELECT *
FROM policies_in_force
ORDER BY since DESC
LIMIT 1;
