"""Error codes of ClickHouse after which a statement is retried, as ErrorCodes.cpp names them."""

from enum import IntEnum, unique
from typing import Final


@unique
class ErrorCode(IntEnum):
    """An error that says nothing about the statement or its rows: a retry may succeed."""

    # They pass by themselves: time-outs, too many parts or queries, lost replicas.
    UNEXPECTED_END_OF_FILE = 3
    TIMEOUT_EXCEEDED = 159
    READONLY = 164
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    NO_FREE_CONNECTION = 203
    SOCKET_TIMEOUT = 209
    NETWORK_ERROR = 210
    TABLE_IS_READ_ONLY = 242
    TOO_MANY_PARTS = 252
    TOO_FEW_LIVE_REPLICAS = 285
    UNKNOWN_STATUS_OF_INSERT = 319
    SYSTEM_ERROR = 425
    KEEPER_EXCEPTION = 999
    UNKNOWN_EXCEPTION = 1002

    # The server is at fault: tables being created, files, disk, memory, names, killed queries,
    # threads, privileges, passwords. If rows were refused for these, every row would be.
    UNKNOWN_TABLE = 60
    CANNOT_READ_FROM_FILE_DESCRIPTOR = 74
    CANNOT_WRITE_TO_FILE_DESCRIPTOR = 75
    CANNOT_OPEN_FILE = 76
    UNKNOWN_DATABASE = 81
    CANNOT_ALLOCATE_MEMORY = 173
    DNS_ERROR = 198
    TABLE_IS_DROPPED = 218
    ABORTED = 236
    MEMORY_LIMIT_EXCEEDED = 241
    NOT_ENOUGH_SPACE = 243
    ALL_CONNECTION_TRIES_FAILED = 279
    QUERY_WAS_CANCELLED = 394
    CANNOT_SCHEDULE_TASK = 439
    ACCESS_DENIED = 497
    AUTHENTICATION_FAILED = 516


RETRIABLE_CODES: Final = frozenset(int(code) for code in ErrorCode)
