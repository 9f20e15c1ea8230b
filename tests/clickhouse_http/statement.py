"""What must be known about a statement before the engine runs it.

That is where the rows of an INSERT start, which format the answer has, and whether there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
      (?P<blank>\s+|--[^\n]*|\#[\ !][^\n]*|/\*.*?\*/)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`)
    | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_OPENING = frozenset((b"(", b"[", b"{"))
_CLOSING = frozenset((b")", b"]", b"}"))
# After one of these comes a name, even if it looks like a keyword.
_BEFORE_NAME = frozenset((b"INTO", b"TABLE", b"."))
_INSERT_FROM_QUERY = frozenset((b"SELECT", b"WITH", b"FROM", b"WATCH"))
_ANSWERING = frozenset(
    b"SELECT WITH FROM VALUES ( SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK KILL".split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement other than blanks and comments; `depth` counts open brackets."""

    text: bytes
    start: int
    end: int
    is_word: bool
    depth: int

    @property
    def keyword(self) -> bytes:
        return self.text.upper()


@dataclass(frozen=True, slots=True)
class InlineInsert:
    """`<target> [<clauses>] FORMAT <format>` and the rows that follow it."""

    target: bytes
    clauses: bytes
    format: str
    data: bytes

    def from_file(self, path: str) -> bytes:
        """Return the same insert, but reading its rows from a file."""
        literal = path.replace("\\", "\\\\").replace("'", "\\'").encode()
        return (
            self.target.rstrip()
            + b" FROM INFILE '%b' COMPRESSION 'none' " % literal
            + self.clauses.strip()
            + b" FORMAT %b" % self.format.encode()
        )


def tokens(sql: bytes) -> Iterator[Token]:
    """Yield the tokens of a statement in order. Lazy, so the rows of an INSERT are not scanned."""
    depth = 0
    for match in _TOKEN.finditer(sql):
        if match.lastgroup == "blank":
            continue
        text = match.group()
        if text in _CLOSING:
            depth = max(0, depth - 1)
        yield Token(text, match.start(), match.end(), match.group("word") is not None, depth)
        if text in _OPENING:
            depth += 1


def first_keyword(sql: bytes) -> bytes:
    """Return the first word of a statement in upper case; empty for an empty statement."""
    return next((token.keyword for token in tokens(sql)), b"")


def answers(sql: bytes) -> bool:
    """Return whether a statement has a result, even if without rows.

    clickhouse-connect distinguishes an empty result from none by the format header alone.
    """
    return first_keyword(sql) in _ANSWERING


def inline_insert(sql: bytes) -> InlineInsert | None:
    """Split an INSERT that contains its rows; return None for every other statement.

    The engine would accept such a statement unsplit, but then it searches the rows for the end of
    the statement: a `;` in a binary block would cut it off.
    """
    previous = b""
    clauses_at: int | None = None
    reader = tokens(sql)
    if next(reader, Token(b"", 0, 0, False, 0)).keyword != b"INSERT":
        return None
    for token in reader:
        keyword, named = token.keyword, previous in _BEFORE_NAME
        previous = keyword
        if token.depth or not token.is_word or named:
            continue
        if keyword in _INSERT_FROM_QUERY:
            return None
        if keyword == b"SETTINGS" and clauses_at is None:
            clauses_at = token.start
        if keyword == b"VALUES":
            return _insert(sql, clauses_at, token.start, "Values", sql[token.end :])
        if keyword == b"FORMAT":
            name = next(reader, None)
            if name is None or not name.is_word:
                return None
            rows = _rows_after_format(sql, name.end)
            return _insert(sql, clauses_at, token.start, name.text.decode(), rows)
    return None


def _insert(sql: bytes, clauses_at: int | None, end: int, fmt: str, data: bytes) -> InlineInsert:
    target_end = end if clauses_at is None else clauses_at
    return InlineInsert(sql[:target_end], sql[target_end:end], fmt, data)


def _rows_after_format(sql: bytes, at: int) -> bytes:
    """Return the rows after FORMAT and its name.

    By ClickHouse's rule, blanks and one line break after the name are not data.
    """
    while sql[at : at + 1] in (b" ", b"\t", b"\f"):
        at += 1
    if sql[at : at + 1] == b"\r":
        at += 1
    if sql[at : at + 1] == b"\n":
        at += 1
    return sql[at:]


def output_format(sql: bytes) -> str | None:
    """Return the format that a trailing FORMAT clause names, if there is one."""
    found: str | None = None
    pieces = list(tokens(sql))
    for at, token in enumerate(pieces[:-1]):
        name = pieces[at + 1]
        if token.keyword != b"FORMAT" or token.depth or not name.is_word:
            continue
        # A column may also be called `format`; only a clause ends its statement.
        following = pieces[at + 2].keyword if at + 2 < len(pieces) else b";"
        if following in (b";", b"SETTINGS"):
            found = name.text.decode()
    return found


def is_multiple(sql: bytes) -> bool:
    """Return whether a second statement follows.

    ClickHouse refuses that over HTTP; chdb runs both.
    """
    ended = False
    for token in tokens(sql):
        if ended and token.text != b";":
            return True
        ended = ended or (token.text == b";" and token.depth == 0)
    return False
