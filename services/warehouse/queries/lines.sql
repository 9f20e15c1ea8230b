-- Which order lines of a supplier stand behind its figures, with all that is known of each at T?
SELECT *, count() OVER () AS total
FROM order_lines_at(
    rules = {rules:UInt64},
    suppliers = {suppliers:Array(String)},
    buyers = {buyers:Array(String)},
    as_of = {as_of:Date32},
    window_from = {from:Date32},
    zone = {zone:String},
    tolerance_keys = {tolerance_keys:Array(String)},
    early_days = {early_days:Array(Int32)},
    late_days = {late_days:Array(Int32)},
    under = {under:Array(Decimal(9, 6))},
    over = {over:Array(Decimal(9, 6))})
WHERE multiIf(
    {status:String} = 'late', late,
    {status:String} = 'short', short,
    {status:String} = 'open', open,
    {status:String} = 'overdue', overdue,
    {status:String} = 'rejected', rejected,
    judged OR open OR rejected OR {status:String} = 'any')
ORDER BY due_date DESC, buyer_id, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
