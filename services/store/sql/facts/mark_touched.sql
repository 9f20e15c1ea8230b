-- Gives the suppliers and buyers that these batches touch a new mark.
-- Whatever was computed under the old marks is stale.
INSERT INTO fold_marks
SELECT DISTINCT {rules:UInt64}, supplier_id, buyer_id, {mark:UInt64}
FROM touched
WHERE batch IN {batches:Array(UUID)}
