"""Follows accepted events until their outcome is known, for `rantai ingest`.

A 202 says that an event is safe. Whether it counts is known only once the ledger has it: an event
whose id has other content there is in conflict, and is refused. The server is asked by key and
content digest, so that it needs one lookup for thousands of events.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import inf
from typing import Any, Final

import httpx
from pydantic import SecretStr

from schemas.catalogue import Role
from schemas.envelope import sender_of
from schemas.validation import Accepted, Sender, parse, validate
from services.cli.ingest_report import FileReport
from services.formats.rows import CellFault, Sendable

_MOST_ASKED: Final = 2000
_ANSWER_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 2.0
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
_CLOCKS_APART: Final = timedelta(seconds=5)
"""How far the clocks of the server's processes may differ."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An accepted event whose outcome is not known yet."""

    source: str
    id: str
    content: str
    row: int
    report: FileReport

    def as_json(self) -> dict[str, str]:
        return {"source": self.source, "id": self.id, "content": self.content}


class SettlementFollower:
    """Follows accepted events until each is stored, refused or in conflict; updates their reports.

    `url`: the address of the scorecards service. `wait_seconds`: how long to wait without progress.
    Tests replace `sleep`. `zone`: the time zone of the server's sites; None before it answers.
    """

    def __init__(
        self,
        url: str,
        key: SecretStr,
        wait_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/") + "/v1/settlement"
        self._key = key
        self._wait_seconds = wait_seconds
        self._sleep = sleep
        self._client = httpx.Client(timeout=_ANSWER_SECONDS)
        self._waiting: deque[_Waiting] = deque()
        self._since = datetime.now(UTC) - timedelta(minutes=5)
        self._next_look = 0.0
        self._over = False
        self.zone: str | None = None
        self.trouble: str | None = None
        """Why outcomes are unknown; None after a valid answer."""

    def begin(self) -> None:
        """Ask for the server's clock and the time zone of its sites, before anything is sent."""
        self._ask([])

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def add(self, events: Sequence[Sendable], report: FileReport) -> None:
        """Follow accepted events of the file that `report` is about."""
        for event in events:
            outcome = _judged(event.body)
            if isinstance(outcome, Accepted):
                content = outcome.content.hex()
                one = _Waiting(outcome.source, outcome.id, content, event.row, report)
                self._waiting.append(one)
            else:
                # The gateway accepted what this version refuses, so it is of another version: the
                # digest of what it stores can't be computed here.
                report.unsettled += 1

    def look(self) -> None:
        """Ask once, unless the last answer is too recent; called between batches."""
        if self._waiting and not self._over and time.monotonic() >= self._next_look:
            self._turn()

    def finish(self, told: Callable[[int], None], most_seconds: float = inf) -> None:
        """Wait until all outcomes are known, or there is no progress for `wait_seconds`.

        `most_seconds` replaces `wait_seconds` if it is less. `told` is called with the number of
        events that are waited for. Events of unknown outcome are reported as unsettled.
        """
        patience = min(self._wait_seconds, most_seconds)
        news, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while self._waiting and not self._over:
            told(len(self._waiting))
            before = len(self._waiting)
            whole = self._turn()
            if len(self._waiting) < before:
                news, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
            if whole:
                continue
            if time.monotonic() - news >= patience:
                self.trouble = self.trouble or f"no news for {patience:g} s"
                break
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        for one in self._waiting:
            one.report.unsettled += 1
        self._waiting.clear()

    def _turn(self) -> bool:
        """Ask about the first waiting events; return whether all of these are settled."""
        count = min(len(self._waiting), _MOST_ASKED)
        asked = [self._waiting.popleft() for _ in range(count)]
        answer = self._ask(asked)
        if answer is None:
            self._waiting.extendleft(reversed(asked))
            self._next_look = time.monotonic() + _LONGEST_PAUSE_SECONDS
            return False
        for at in answer["conflicts"]:
            asked[at].report.conflicts.append((asked[at].row, asked[at].id))
        for row in answer["rejected"]:
            one = asked[row["index"]]
            one.report.accepted -= 1
            one.report.refuse(_faults(one, row["errors"]), one.id)
        pending = [asked[at] for at in answer["pending"]]
        self._waiting.extendleft(reversed(pending))
        self._next_look = time.monotonic() + (1.0 if pending else 0.0)
        return not pending

    def _ask(self, events: list[_Waiting]) -> dict[str, Any] | None:
        """Return the server's answer; None if there is no valid one, and `trouble` says why."""
        question = {
            "events": [one.as_json() for one in events],
            "since": self._since.isoformat(),
        }
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"}
        try:
            response = self._client.post(self._url, json=question, headers=headers)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
            self.trouble = f"{self._url} cannot be reached ({type(error).__name__})"
            return None
        if response.status_code != 200:
            self._note(response)
            return None
        answer = _answer_of(response, len(events))
        if answer is None:
            self._over, self.trouble = True, f"the answer of {self._url} is not from Rantai"
            return None
        if self.zone is None:
            self._since = _clock_of(response) - _CLOCKS_APART
        self.zone = str(answer.get("zone", ""))
        self.trouble = None
        return answer

    def _note(self, response: httpx.Response) -> None:
        status = response.status_code
        self._over = status not in _TRANSIENT
        self.trouble = f"{self._url} answered {status}"
        if status in (404, 405):
            self.trouble += "; give the address of the scorecards service with --read-url"


def _judged(body: bytes) -> Accepted | object:
    event = parse(body)
    return validate(event, Sender(sender_of(event["source"]), tuple(Role)))


def _faults(one: _Waiting, errors: list[dict[str, str]]) -> tuple[CellFault, ...]:
    reasons = [(error["pointer"], error["message"]) for error in errors]
    return tuple(
        CellFault(one.row, pointer, "", f"was accepted, and refused after all: {message}")
        for pointer, message in reasons or [("", "'rantai rejected list' says why")]
    )


def _clock_of(response: httpx.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return datetime.now(UTC) - timedelta(minutes=5)


def _answer_of(response: httpx.Response, asked: int) -> dict[str, Any] | None:
    """Return an answer; None if it does not account for every event that was asked about."""
    try:
        answer = response.json()
        places = [*answer["conflicts"], *answer["pending"]]
        places += [row["index"] for row in answer["rejected"]]
        fits = len(places) + int(answer["stored"]) == asked
        return answer if fits and all(0 <= int(at) < asked for at in places) else None
    except (ValueError, KeyError, TypeError):
        return None
