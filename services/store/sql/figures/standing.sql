-- Which scorecard is kept for a supplier at a date, computed from the facts under this mark?
SELECT scorecard
FROM standings
WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32} AND supplier_id = {supplier:String}
    AND mark = {mark:UInt64}
ORDER BY computed_at DESC
LIMIT 1
