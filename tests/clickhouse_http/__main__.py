"""`python -m tests.clickhouse_http`."""

from .server import main

if __name__ == "__main__":
    main()
