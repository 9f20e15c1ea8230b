-- When was a despatch advice of this number first sent to a buyer? No row = never.
SELECT min(time) AS first_at
FROM despatch_lines
WHERE supplier_id = {supplier:String} AND buyer_id = {buyer:String} AND despatch_no = {number:String}
HAVING count() > 0
