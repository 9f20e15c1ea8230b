-- Which refused records or conflicts have not been replayed or dismissed?
-- The parameter `conflict` says which of the two. A record belongs to its sender; of its content only
-- the place of the first fault is shown.
SELECT
    '' AS supplier_id,
    if(
        sender IN (SELECT toString(buyer_id) FROM fold_marks WHERE rules = {rules:UInt64})
            OR has({buyers:Array(String)}, toString(sender)),
        toString(sender), '') AS buyer_id,
    'record' AS document,
    id AS number,
    '' AS order_no,
    '' AS line_no,
    toDate32(rejected_at, {zone:String}) AS since,
    map(
        'sender', toString(sender),
        'reason', toString(reason),
        'pointer', JSONExtractString(errors, 1, 'pointer')) AS facts,
    if(event_id = '', [], [(event_source, event_id)]) AS events
FROM rejected FINAL
WHERE isNull(replayed_at) AND (reason = 'conflict') = {conflict:Bool}
    AND empty({suppliers:Array(String)})
    AND (empty({buyers:Array(String)}) OR sender IN {buyers:Array(String)})
