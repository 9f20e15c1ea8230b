-- How large is the store on disk and in memory, how many events does it hold, how much space is left?
-- On a cluster the answer is about the node that runs the query.
SELECT
    (
        SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = {database:String}
    ) AS bytes,
    (
        SELECT sum(rows)
        FROM system.parts
        WHERE active AND database = {database:String} AND table IN ('events', 'events_local')
    ) AS events,
    (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking') AS memory,
    -- Of several disks the fullest: the store stops when one of them is full.
    min(tuple(free_space / total_space, free_space, total_space)) AS fullest,
    fullest.2 AS free,
    fullest.3 AS total
FROM system.disks
WHERE total_space > 0
