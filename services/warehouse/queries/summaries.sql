-- How do these suppliers (empty = all) stand at a date, as far as what was kept is not stale?
SELECT supplier_id, summary
FROM fresh_standings(
    policy = {policy:UInt64},
    rules = {rules:UInt64},
    as_of = {as_of:Date32},
    suppliers = {suppliers:Array(String)})
