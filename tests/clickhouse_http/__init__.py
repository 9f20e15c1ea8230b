"""ClickHouse's HTTP interface over chdb: tests run the production client on the real engine.

`python -m tests.clickhouse_http --path DIR --port 0` prints its address once it answers. Then
`clickhouse_connect.get_client(host="127.0.0.1", port=...)` runs the same code as in production,
while parsing, types, engines and errors are those of ClickHouse itself.

Not reproduced: external tables; temporary tables and `SET` that outlive one request; progress while
a query runs; errors in the middle of an answer; users and grants beyond one name and password; and
`client_protocol_version`. Without the last, a `DateTime('zone')` column arrives without its zone,
as from an old server (same instant, in the server's time zone; `DateTime64` keeps it).
"""
