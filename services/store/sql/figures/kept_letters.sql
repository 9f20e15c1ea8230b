-- Which grades did these suppliers get at each month end, as kept with the standings of some dates?
SELECT supplier_id, as_of, first_end, letters, mark
FROM standings FINAL
WHERE policy = {policy:UInt64} AND as_of IN {as_ofs:Array(Date32)}
    AND supplier_id IN {suppliers:Array(String)}
ORDER BY as_of
