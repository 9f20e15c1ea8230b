-- What are these partners called in their last registration?
SELECT partner_id, argMax(name, (time, event_id, source)) AS name
FROM partners
WHERE partner_id IN {partners:Array(String)}
GROUP BY partner_id
HAVING name != ''
