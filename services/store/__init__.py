"""ClickHouse: the ledger of events, the tables derived from it, and the figures read from them."""
