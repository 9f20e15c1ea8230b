-- What grades did these suppliers get at each month end up to a date, as was kept with its standing?
SELECT supplier_id, first_end, letters, mark
FROM standings FINAL
WHERE policy = {policy:UInt64} AND as_of = {as_of:Date32}
    AND supplier_id IN {suppliers:Array(String)}
