-- What came of every goods receipt $which names, by order line, and what reversals took of it.
-- The version sent last stands, wherever its time lies; then its date is looked at. A reversal takes
-- from the version in force at its own time, so of the standing one only if timed since it, or if
-- there was never another. A line that only an older version names is kept, with nothing.
INSERT INTO receipt_facts
WITH
    receipts AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            groupUniqArray((
                (time, event_id, source), position, order_no, line_no, quantity, received_at,
                despatch_no)) AS all_lines,
            arrayDistinct(arrayMap(l -> l.1, all_lines)) AS versions,
            arrayMax(versions) AS standing,
            arrayFilter(l -> l.1 = standing, all_lines) AS standing_lines
        FROM receipt_lines
        WHERE $which
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    reversals AS
    (
        SELECT
            supplier_id,
            buyer_id,
            receipt_no,
            arraySort(groupUniqArray(
                (time, event_id, source, position, order_no, line_no, quantity))) AS taken
        FROM reversal_lines
        WHERE $which
        GROUP BY supplier_id, buyer_id, receipt_no
    ),
    netted AS
    (
    SELECT
        supplier_id,
        buyer_id,
        line.1 AS order_no,
        line.2 AS line_no,
        receipt_no,
        length(all_lines) + length(taken) AS version,
        standing_lines[1].6 AS received_at,
        toDate32(received_at, {zone:String}) AS received_on,
        standing_lines[1].7 AS despatch_no,
        arrayFilter(l -> l.3 = order_no AND l.4 = line_no, standing_lines) AS own,
        arraySum(arrayMap(l -> l.5, own)) AS quantity,
        arrayFilter(
            r -> (r.1 >= standing.1 OR length(versions) = 1)
                AND (r.4 = 0 OR (r.5 = order_no AND r.6 = line_no)),
            taken) AS counted,
        -- What is left after each reversal: never under nothing.
        arrayMap(
            upto -> quantity - least(quantity, upto),
            arrayCumSum(arrayMap(r -> if(r.4 = 0, quantity, r.7), counted))) AS left_after,
        if(
            empty(own), [],
            arrayConcat(
                [(received_on, quantity)],
                arrayMap(
                    (r, after, before) -> (
                        greatest(received_on, toDate32(r.1, {zone:String})), after - before),
                    counted, left_after,
                    arrayPopBack(arrayPushFront(left_after, quantity))))) AS net,
        arrayDistinct(arrayConcat(
            [(standing.3, standing.2)], arrayMap(r -> (r.3, r.2), counted))) AS events
    FROM receipts
    LEFT JOIN reversals USING (supplier_id, buyer_id, receipt_no)
    ARRAY JOIN arrayDistinct(arrayMap(l -> (l.3, l.4), all_lines)) AS line
    )
SELECT
    {rules:UInt64}, supplier_id, buyer_id, order_no, line_no, receipt_no, version, received_at,
    received_on, despatch_no, net, events
FROM netted
