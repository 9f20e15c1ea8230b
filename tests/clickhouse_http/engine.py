"""Runs requests on chdb as a server does: each with its own settings, database and parameters."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import chdb

from . import statement
from .cluster import OneNodeCluster

SYNTAX_ERROR = 62
UNKNOWN_SETTING = 115
UNKNOWN_EXCEPTION = 1002

_CODE = re.compile(r"Code: (\d+)\. ")
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# chdb reads `1` as `SELECT 1`; a server answers with a syntax error.
_AS_A_SERVER = {"implicit_select": "0"}


class QueryError(Exception):
    """The engine, or a rule of the HTTP interface, refused the request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of_engine(cls, error: Exception) -> QueryError:
        """Take ClickHouse's code and message out of an exception of chdb."""
        text = str(error)
        match = _CODE.search(text)
        if match is None:
            return cls(UNKNOWN_EXCEPTION, f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {text}")
        return cls(int(match.group(1)), text[match.start() :])

    @classmethod
    def of_code(cls, code: int, text: str) -> QueryError:
        """Make an error that the HTTP interface itself raises."""
        return cls(code, f"Code: {code}. DB::Exception: {text}")


@dataclass(frozen=True, slots=True)
class Query:
    """One request, independent of how its parts were sent (URL, headers, form or body)."""

    sql: bytes
    database: str = ""
    default_format: str = "TabSeparated"
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The engine's answer. `format` is None if the statement has no result."""

    body: bytes
    format: str | None
    summary: Mapping[str, str]


class Engine:
    """The one chdb engine of this process, on one folder.

    Every request gets its own connection, which opens in half a millisecond. Requests then run in
    parallel (one connection would serve them one after another), and the USE and SET of a request
    end with its connection (on a shared one they would have to be undone).
    """

    def __init__(self, path: str, cluster: OneNodeCluster | None = None) -> None:
        self._path = os.path.realpath(path)
        self._cluster = cluster
        if cluster is not None:
            self._path += f"?config-file={cluster.configuration(self._path)}"
        # Keeps the engine alive: it shuts down with its last connection.
        self._anchor = chdb.connect(self._path)
        row = self._anchor.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().rstrip("\n").split("\t")

    def close(self) -> None:
        """Shut the engine down; no request may be in progress."""
        self._anchor.close()

    def run(self, query: Query) -> Answer:
        """Run one statement to its end. Raises QueryError."""
        if self._cluster is not None:
            query = replace(query, sql=self._cluster.on_one_node(query.sql))
        if not statement.first_keyword(query.sql):
            raise QueryError.of_code(SYNTAX_ERROR, "Syntax error: Empty query. (SYNTAX_ERROR)")
        insert = statement.inline_insert(query.sql)
        if insert is None and statement.is_multiple(query.sql):
            raise QueryError.of_code(
                SYNTAX_ERROR, "Syntax error: Multi-statements are not allowed. (SYNTAX_ERROR)"
            )
        connection = chdb.connect(self._path)
        try:
            self._prepare(connection, query)
            # With query parameters, `VALUES ({a:UInt8})` is part of the statement, not data.
            if insert is None or (query.params and insert.format == "Values"):
                return self._plain(connection, query)
            return self._insert(connection, insert)
        except QueryError:
            raise
        except Exception as error:  # chdb raises RuntimeError and subclasses that are not public
            raise QueryError.of_engine(error) from error
        finally:
            connection.close()

    def _prepare(self, connection: Any, query: Query) -> None:
        if query.database:
            connection.query(f"USE {_identifier(query.database)}", "TabSeparated")
        settings = {**_AS_A_SERVER, **query.settings}
        if self._cluster is not None:
            # Nothing listens on the shard's port: it can only be queried in this process.
            settings["prefer_localhost_replica"] = "1"
        if query.readonly and settings.get("readonly", "0") == "0":
            settings["readonly"] = "2"
        for name in settings:
            if not _SETTING_NAME.match(name):
                text = f"Unknown setting '{name}'. (UNKNOWN_SETTING)"
                raise QueryError.of_code(UNKNOWN_SETTING, text)
        # One SET for all: `readonly`, if set first, would forbid the others.
        assignments = ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())
        connection.query(f"SET {assignments}", "TabSeparated")

    def _plain(self, connection: Any, query: Query) -> Answer:
        started = time.monotonic_ns()
        result = connection.query(query.sql, query.default_format, params=dict(query.params))
        body: bytes = result.bytes()
        summary = _summary(
            started,
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            result_bytes=len(body),
        )
        if not body and not statement.answers(query.sql):
            return Answer(b"", None, summary)
        fmt = statement.output_format(query.sql) or query.default_format
        return Answer(body, fmt, summary)

    def _insert(self, connection: Any, insert: statement.InlineInsert) -> Answer:
        # Through a file: chdb can also insert a stream (send_insert), but that reports all rows as
        # written even if max_execution_time has discarded every one of them.
        started = time.monotonic_ns()
        with tempfile.NamedTemporaryFile(prefix="clickhouse_http_") as rows:
            rows.write(insert.data)
            rows.flush()
            result = connection.query(insert.from_file(rows.name), "TabSeparated")
        summary = _summary(
            started,
            read_rows=result.rows_read(),
            read_bytes=result.bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_written(),
            result_bytes=result.bytes_written(),
        )
        return Answer(b"", None, summary)


def _summary(started: int, **counts: int) -> dict[str, str]:
    """Return the header X-ClickHouse-Summary, in which ClickHouse writes numbers as strings."""
    summary = {name: str(count) for name, count in counts.items()}
    summary["total_rows_to_read"] = "0"
    summary["elapsed_ns"] = str(time.monotonic_ns() - started)
    return summary


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(text: str) -> str:
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"
