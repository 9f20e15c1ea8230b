-- Which confirmations that set a line's due date name a date that can't be meant?
-- That is a date before the confirmation's own, or over a year after the requested one. It counts as
-- the requested date.
WITH
    slips AS
    (
        SELECT
            supplier_id, buyer_id, order_no, line_no, time, source, event_id,
            assumeNotNull(confirmed_date) AS confirmed_on
        FROM order_confirmations
        WHERE $partners AND isNotNull(confirmed_date)
            AND (
                confirmed_date < toDate32(time, {zone:String})
                -- A confirmation that counts is not sent after due date + late tolerance.
                OR confirmed_date > toDate32(time, {zone:String}) + 365
                    - arrayMax({late_days:Array(Int32)}))
    )
SELECT
    toString(c.supplier_id) AS supplier_id,
    toString(c.buyer_id) AS buyer_id,
    'confirmation' AS document,
    '' AS number,
    c.order_no AS order_no,
    c.line_no AS line_no,
    toDate32(c.time, {zone:String}) AS since,
    map(
        'confirmed_on', toString(c.confirmed_on),
        'sent_on', toString(toDate32(c.time, {zone:String})),
        'requested_on', toString(l.s.requested)) AS facts,
    [(toString(c.source), c.event_id)] AS events
FROM slips AS c
INNER JOIN
(
    SELECT
        supplier_id, buyer_id, order_no, line_no,
        steps[arrayCount(d -> d <= {as_of:Date32}, steps.day)] AS s
    FROM order_line_facts FINAL
    WHERE rules = {rules:UInt64} AND first_day <= {as_of:Date32}
        AND (supplier_id, buyer_id, order_no, line_no) IN (
            SELECT supplier_id, buyer_id, order_no, line_no FROM slips)
) AS l USING (supplier_id, buyer_id, order_no, line_no)
WHERE (l.s.due_set_by.source, l.s.due_set_by.id) = (toString(c.source), c.event_id)
    AND (
        c.confirmed_on < toDate32(c.time, {zone:String})
        OR toInt32(c.confirmed_on) - toInt32(l.s.requested) > 365)
