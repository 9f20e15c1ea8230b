-- Which order lines of a supplier have this status at T, with all that is known of each?
-- Status: late, short, open, overdue or rejected, see order_lines_at; any = every line; else the lines
-- behind the figures: judged, open or rejected.
SELECT *, count() OVER () AS total
FROM ($order_lines_at)
WHERE multiIf(
    {status:String} = 'late', late,
    {status:String} = 'short', short,
    {status:String} = 'open', open,
    {status:String} = 'overdue', overdue,
    {status:String} = 'rejected', rejected,
    judged OR open OR rejected OR {status:String} = 'any')
ORDER BY due_date DESC, buyer_id, order_no, line_no
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
