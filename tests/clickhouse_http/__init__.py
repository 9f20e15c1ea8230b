"""ClickHouse's HTTP interface over chdb: tests run the production client on the real engine.

`python -m tests.clickhouse_http --path DIR --port 0` prints its address once it answers; then
`clickhouse_connect.get_client(host="127.0.0.1", port=...)` takes the very path it takes in
production, while parsing, types, engines and errors are those of ClickHouse itself.

Not reproduced: external tables, temporary tables and `SET` that outlive one request, progress
while a query runs, errors in the middle of an answer, users and grants beyond one name and
password, and `client_protocol_version`: as with an old server, a `DateTime('zone')` column
arrives without its zone (same instant, in the server's time zone; `DateTime64` keeps it).
"""
