-- Which senders have sent nothing for over 7 days, after 4 weeks in which they sent on most days?
-- Most days: 14 of the 28 up to the last one. A sender silent for over 180 days has stopped for good.
SELECT
    '' AS supplier_id,
    if(
        sender IN (SELECT toString(buyer_id) FROM fold_marks WHERE rules = {rules:UInt64})
            OR has({buyers:Array(String)}, toString(sender)),
        toString(sender), '') AS buyer_id,
    'sender' AS document,
    toString(sender) AS number,
    '' AS order_no,
    '' AS line_no,
    last_on + 1 AS since,
    map(
        'sender', toString(sender),
        'last_on', toString(last_on),
        'days', toString(toInt32({as_of:Date32}) - toInt32(last_on)),
        'sent_days', toString(length(arrayFilter(day -> day > last_on - 28, days)))) AS facts,
    []::Array(Tuple(String, String)) AS events
FROM
(
    SELECT
        sender,
        groupUniqArray(toDate32(accepted_at, {zone:String})) AS days,
        arrayMax(days) AS last_on
    FROM events
    WHERE empty({suppliers:Array(String)})
        AND (empty({buyers:Array(String)}) OR sender IN {buyers:Array(String)})
        AND toDate32(accepted_at, {zone:String}) <= {as_of:Date32}
    GROUP BY sender
)
WHERE last_on + 7 < {as_of:Date32} AND last_on + 180 >= {as_of:Date32}
    AND length(arrayFilter(day -> day > last_on - 28, days)) >= 14
