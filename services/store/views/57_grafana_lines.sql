-- For Grafana: the order lines of suppliers with what is known of each at T, without prices.
CREATE OR REPLACE VIEW grafana_lines $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    buyer_id,
    order_no,
    line_no,
    item_no,
    ifNull(uom, '') AS uom,
    toFloat64(ordered) AS ordered,
    toFloat64(received) AS received,
    toFloat64(returned) AS returned,
    ordered_on,
    requested_date,
    due_date,
    judged,
    judged AND on_time_in_full AS on_time_in_full,
    arrayStringConcat(
        arrayFilter(
            word -> notEmpty(word),
            [
                if(late, 'late', ''), if(open, 'open', ''), if(overdue, 'overdue', ''),
                if(short, 'short', ''), if(rejected, 'rejected', '')
            ]),
        ', ') AS status,
    out_because,
    toFloat64(quantity_rejected) AS rejected_quantity,
    complaints,
    dispute_open
FROM order_lines_at(
    rules = (SELECT rules FROM policy_in_force),
    suppliers = (SELECT arrayFilter(x -> x != '', {suppliers:Array(String)})),
    buyers = (SELECT arrayFilter(x -> x != '', {buyers:Array(String)})),
    as_of = {as_of:Date32},
    window_from = {window_from:Date32},
    zone = (SELECT zone FROM policy_in_force),
    tolerance_keys = (SELECT tolerance_keys FROM policy_in_force),
    early_days = (SELECT early_days FROM policy_in_force),
    late_days = (SELECT late_days FROM policy_in_force),
    under = (SELECT under FROM policy_in_force),
    over = (SELECT over FROM policy_in_force));
