-- Whatever was worked out before for the suppliers and buyers that these inserts concern is stale.
INSERT INTO fold_marks
SELECT DISTINCT {rules:UInt64}, supplier_id, buyer_id, {mark:UInt64}
FROM touched
WHERE batch IN {batches:Array(UUID)}
