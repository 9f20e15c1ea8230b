-- How did the figures of each coached supplier change, beside those of the uncoached of its cluster?
SELECT *
FROM coaching_effect(
    rules = {rules:UInt64},
    suppliers = {suppliers:Array(String)},
    buyers = {buyers:Array(String)},
    clusters = {clusters:Array(String)},
    since = {since:Date32},
    as_of = {as_of:Date32},
    window_days = {window_days:Int32})
ORDER BY held_on DESC, supplier_id, kpi
