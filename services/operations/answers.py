"""Models of the answers of operations, for the OpenAPI document (see `services.http.answers`)."""

from datetime import date, datetime
from typing import Literal

from fastapi.responses import JSONResponse
from pydantic import Field

from services.http.answers import Answer, Fault
from services.readiness.policy_parts import Letter


class JsonLines(JSONResponse):
    """The `response_class` of routes that stream JSON, one object per line.

    It only gives the OpenAPI document the media type. `LongWork.stream` makes the answer.
    """

    media_type = "application/x-ndjson"


class Counts(Answer):
    """Numbers of records."""

    accepted: int = Field(description="records that the broker or the ledger has")
    stored: int = Field(description="of these, in the ledger")
    rejected: int = Field(description="of these, refused")
    missing: int = Field(description="of these, neither in the ledger nor refused")
    resent: int = Field(description="further copies of accepted events, not in `accepted`")


class CountsOfDay(Counts):
    """Numbers of records of one sender and day."""

    sender: str = Field(description="partner id of the sender")
    day: date = Field(description="day of acceptance, at the receiving site")


class MissingRecord(Answer):
    """A record that was accepted and is neither stored nor refused."""

    sender: str = Field(description="partner id of the sender")
    source: str | None = Field(description="source of the event; null: the record is no event")
    id: str | None = Field(description="id of the event; null: the record is no event")
    topic: str = Field(description="topic of the record")
    partition: int = Field(description="partition of the topic")
    offset: int = Field(description="offset in the partition")


class Conflict(Answer):
    """An event that was sent again with other content, and refused."""

    sender: str = Field(description="partner id of the sender")
    source: str = Field(description="source of the event")
    id: str = Field(description="id of the event")
    rejected_id: str = Field(description="id of the refusal, under /v1/rejected")


class ReconciliationAnswer(Answer):
    """What was accepted, compared with what was stored and refused."""

    rows: list[CountsOfDay] = Field(description="the counts by sender and day")
    total: Counts = Field(description="the counts of all rows together")
    missing: int = Field(description="number of missing records")
    missing_events: list[MissingRecord] = Field(description="the first 1000 missing records")
    conflicts: int = Field(description="number of conflicts neither replayed nor dismissed")
    conflict_events: list[Conflict] = Field(description="the first 1000 of these conflicts")
    records_read: int = Field(description="number of records read from the topics")


class Refusal(Answer):
    """A refused record."""

    id: str = Field(description="id of the refusal")
    sender: str = Field(description="partner id of the sender")
    reason: str = Field(description="invalid, forbidden, conflict or store")
    errors: list[Fault] = Field(description="what was wrong with the event")
    source: str | None = Field(description="source of the event; null: unknown")
    event_id: str | None = Field(description="id of the event; null: unknown")
    topic: str = Field(description="topic that the record came from")
    partition: int = Field(description="partition of the topic")
    offset: int = Field(description="offset in the partition")
    rejected_at: datetime = Field(description="when it was refused, UTC")
    replayed_at: datetime | None = Field(
        description="when it was replayed or dismissed, UTC; null: it is open"
    )


class RefusalWithValue(Refusal):
    """A refused record with its original value."""

    value: str = Field(description="the value as text")
    encoding: str = Field(
        description="utf-8; base64 of other bytes; base64-head: only of the first"
    )


class Refusals(Answer):
    """A part of the list of refused records."""

    total: int = Field(description="number of records in the whole list")
    next_offset: int | None = Field(description="`offset` of the next part; null after the last")
    rejected: list[Refusal] = Field(description="refused records, newest first")


class Dismissed(Answer):
    """A refusal that was taken off the list."""

    dismissed: str = Field(description="id of the refusal")


class SettledRejected(Answer):
    """An event that was refused after it had been accepted."""

    index: int = Field(description="position of the event in the request, from 0")
    errors: list[Fault] = Field(description="what was wrong with the event")


class SettlementAnswer(Answer):
    """What became of the events of a request, by their position in it, from 0."""

    stored: int = Field(description="number of events in the ledger, with this content")
    conflicts: list[int] = Field(description="events whose key is stored with other content")
    rejected: list[SettledRejected] = Field(description="events that were refused")
    pending: list[int] = Field(description="events about which nothing is known yet")
    zone: str = Field(description="time zone of the receiving sites, such as Asia/Jakarta")


class WorkFailed(Answer):
    """The last line of work that failed."""

    finished: Literal[False] = Field(description="the work did not reach its end")
    error: str = Field(description="what went wrong, at most 500 characters")


class RebuildProgress(Answer):
    """How far a rebuild is."""

    table: str = Field(description="the table that is filled")
    done: int = Field(description="number of steps done")
    total: int = Field(description="number of steps in all")


class RebuildFinished(Answer):
    """The last line of a rebuild."""

    finished: Literal[True] = Field(description="the rebuild reached its end")
    tables: int = Field(description="number of tables that were filled")


class BacktestProgress(Answer):
    """How far a backtest is."""

    stage: str = Field(description="what it does: folding a table, or reading")
    done: int = Field(description="how much of this stage is done")
    total: int = Field(description="how much this stage has")


class LetterChange(Answer):
    """A grade under both policies."""

    old: Letter | None = Field(alias="from", description="under the old policy; null: no grade")
    to: Letter | None = Field(description="under the new policy; null: no grade")


class ScoreChange(Answer):
    """A score under both policies, 0 to 100, unrounded."""

    old: float | None = Field(alias="from", description="under the old policy; null: no score")
    to: float | None = Field(description="under the new policy; null: no score")


class PolicyMove(Answer):
    """A supplier that stands differently under the new policy."""

    supplier_id: str = Field(description="partner id of the supplier")
    grade: LetterChange = Field(description="the grade of the day")
    published: LetterChange = Field(description="the published grade")
    score: ScoreChange = Field(description="the score")
    by: str | None = Field(description="key of the figure that moved it most; null: none")
    by_points: float | None = Field(description="points by which that figure moved the score")


class MoveCounts(Answer):
    """The number of suppliers by direction."""

    grade: dict[str, int] = Field(description="by direction of the grade of the day")
    published: dict[str, int] = Field(description="by direction of the published grade")


class Compared(Answer):
    """Both policies compared at one day."""

    as_of: date = Field(description="the day when whose beginning is compared")
    summary: MoveCounts = Field(description="number of suppliers by direction")
    moves: list[PolicyMove] = Field(description="suppliers that stand differently")


class Editions(Answer):
    """The editions of docs/figures.md that define the figures."""

    old: list[int] = Field(alias="from", description="of the old figures")
    to: int = Field(description="of the new figures")


class BacktestResult(Compared):
    """Which suppliers another policy would move."""

    window_days: int = Field(description="length of the window before each day, in days")
    old: str = Field(alias="from", description="version of the old policy, or `frozen`")
    to: str = Field(description="version of the new policy")
    editions: Editions = Field(description="editions of the figures that are compared")
    suppliers: int = Field(description="number of suppliers with facts")
    month_ends: list[Compared] = Field(description="the same at each month end")


class BacktestFinished(Answer):
    """The last line of a backtest."""

    finished: Literal[True] = Field(description="the backtest reached its end")
    result: BacktestResult = Field(description="what the backtest found")
