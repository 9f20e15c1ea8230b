-- Which version does the store have, and does the database contain a ledger?
SELECT
    version() AS version,
    (
        SELECT count()
        FROM system.tables
        WHERE database = {database:String} AND name = 'events'
    ) AS ledgers
FORMAT TabSeparated
