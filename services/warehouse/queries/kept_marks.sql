-- Of which suppliers is the standing at a date kept, and by what mark?
SELECT supplier_id, mark
FROM standings FINAL
WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32}
