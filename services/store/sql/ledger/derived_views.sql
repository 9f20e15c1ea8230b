-- Which materialised views fill tables from the ledger, and by which SELECT?
SELECT name, as_select
FROM system.tables
WHERE database = {database:String} AND engine = 'MaterializedView' AND endsWith(name, '_of_events')
ORDER BY name
