"""`python -m tests.clickhouse_http`: see `server.main`."""

from .server import main

if __name__ == "__main__":
    main()
