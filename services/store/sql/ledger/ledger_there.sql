-- Which version the store is of, and whether the database has a ledger.
SELECT
    version() AS version,
    (
        SELECT count()
        FROM system.tables
        WHERE database = {database:String} AND name = 'events'
    ) AS ledgers
FORMAT TabSeparated
