-- Gives all suppliers and buyers with facts a new mark, because all facts were folded again.
-- Whatever was computed under the old marks is stale.
INSERT INTO fold_marks
SELECT {rules:UInt64}, supplier_id, buyer_id, {mark:UInt64}
FROM figure_parts
WHERE rules = {rules:UInt64}
GROUP BY supplier_id, buyer_id
