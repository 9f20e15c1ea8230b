-- For Grafana: what every figure is called, measured in, and means, in the order of a scorecard.
CREATE OR REPLACE VIEW grafana_kpis $on_cluster DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    place,
    row.1 AS kpi,
    row.2 AS title,
    row.3 AS unit,
    row.4 AS better,
    row.5 AS has_interval,
    row.6 AS scale,
    row.7 AS meaning
FROM (SELECT 1)
ARRAY JOIN
    [
        ('otif', 'On time in full', 'fraction', 'higher', 1, 1,
            'order lines that came whole and in time, of all that fell due'),
        ('otif_requested', 'On time in full, as requested', 'fraction', 'higher', 1, 1,
            'the same against the date that the buyer asked for'),
        ('on_time_quantity', 'Quantity on time', 'fraction', 'higher', 0, 1,
            'quantity that came in time, of the quantity ordered'),
        ('fill_rate', 'Quantity delivered', 'fraction', 'higher', 0, 1,
            'quantity that came at all, less what was sent back, of the quantity ordered'),
        ('mean_days_late', 'Days late, by quantity', 'days', 'lower', 0, 1,
            'days of delay of each ordered piece, what is still missing included'),
        ('ppm', 'Rejects per million', 'per million', 'lower', 0, 1000000,
            'quantity rejected or complained of, per million received'),
        ('lot_acceptance', 'Lots accepted', 'fraction', 'higher', 1, 1,
            'inspected lots that were accepted; a concession is not an acceptance'),
        ('confirmation_in_time', 'Orders answered in time', 'fraction', 'higher', 1, 1,
            'order lines that were answered before the time to confirm was over'),
        ('order_acceptance', 'Orders accepted', 'fraction', 'higher', 1, 1,
            'answered order lines that were not refused'),
        ('despatch_notice_rate', 'Deliveries announced', 'fraction', 'higher', 1, 1,
            'goods receipts that a despatch notice had announced'),
        ('complaint_response', 'Complaint steps in time', 'fraction', 'higher', 1, 1,
            'steps of complaints that were done by their due date'),
        ('line_stops', 'Line stops', 'count', 'lower', 0, 1,
            'complaints that stopped a line or endangered somebody'),
        ('open_complaints', 'Open complaints', 'count', 'lower', 0, 1,
            'complaints opened before the day and not closed before it'),
        ('overdue_lines', 'Overdue order lines', 'count', 'lower', 0, 1,
            'order lines past their date that are not complete, of any age'),
        ('orphan_receipts', 'Receipts without an order', 'count', 'lower', 0, 1,
            'receipt lines whose order line is not known'),
        ('retroactive_lines', 'Orders dated back', 'count', 'lower', 0, 1,
            'order lines that asked for a date before their own; they judge nobody')
    ] AS row,
    arrayEnumerate(range(16)) AS place;
