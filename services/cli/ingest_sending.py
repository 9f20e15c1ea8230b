"""Sends events to a gateway or, in a dry run, validates them here against the same contract."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import httpx
from pydantic import SecretStr

from schemas.catalogue import Role
from schemas.envelope import sender_of
from schemas.validation import Rejected, Sender, parse, validate

MOST_EVENTS: Final = 1000
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one request: far below the gateway's limits, so that a retry costs little."""

_TRIES: Final = 10
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
# Longer than the gateway waits for its broker before it answers 503.
_ANSWER_SECONDS: Final = 60.0
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})

Errors = list[tuple[str, str]]
"""What is wrong with one event: pairs of JSON pointer and message."""


class SendingStoppedError(RuntimeError):
    """No further event can be sent; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a batch: how many events were accepted, and the others' errors by index."""

    accepted: int
    rejected: dict[int, Errors]


class Judge(Protocol):
    """Takes batches of events, each as JSON, and returns which are accepted and which rejected."""

    def judge(self, batch: Sequence[bytes]) -> Judgement:
        """Judge a batch of at most MOST_EVENTS events. Raises SendingStoppedError."""


class DryRun:
    """Validates events against the contract only, without a gateway.

    What only the gateway knows is not checked: whether the key may send the events.
    """

    def judge(self, batch: Sequence[bytes]) -> Judgement:
        """Validate each event as if the partner that its source names had sent it."""
        rejected = {}
        for index, body in enumerate(batch):
            outcome = validate(*_with_sender(parse(body)))
            if isinstance(outcome, Rejected):
                rejected[index] = [(fault.pointer, fault.message) for fault in outcome.faults]
        return Judgement(len(batch) - len(rejected), rejected)


def _with_sender(event: Any) -> tuple[Any, Sender]:
    try:
        partner = sender_of(event["source"])
    except (KeyError, TypeError, ValueError):
        partner = ""
    return event, Sender(partner, tuple(Role))


class GatewayClient:
    """Sends batches to a gateway, and retries transient failures: sending again changes nothing.

    `notice` is called with a message before each pause. Tests replace `sleep`.
    """

    def __init__(
        self,
        url: str,
        key: SecretStr,
        notice: Callable[[str], None] = lambda trouble: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/") + "/v1/events"
        self._key = key
        self._notice = notice
        self._sleep = sleep
        self._answered = False
        self._accepted = 0
        self._client = httpx.Client(timeout=_ANSWER_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def judge(self, batch: Sequence[bytes]) -> Judgement:
        """Send a batch; if the gateway finds it too large, send it in halves.

        Raises SendingStoppedError if the gateway can't be reached, keeps failing, refuses the key,
        or gives an answer that is not a gateway's.
        """
        response = self._post(b"\n".join(batch) + b"\n")
        if response.status_code == 413:
            return self._in_halves(batch)
        # The gateway answers 403 if the key may send none of the events. If it refuses them all by
        # their source, the key is wrong; but once the key has sent something, the events are.
        wrong_key = response.status_code == 403 and not self._accepted and not _of_events(response)
        if response.status_code not in (202, 403, 422) or wrong_key:
            raise SendingStoppedError(_refusal(response, self._url))
        judgement = _judgement(response, len(batch))
        self._accepted += judgement.accepted
        return judgement

    def _in_halves(self, batch: Sequence[bytes]) -> Judgement:
        if len(batch) == 1:
            message = f"is too large for the gateway ({len(batch[0])} bytes); split the document"
            return Judgement(0, {0: [("", message)]})
        middle = len(batch) // 2
        first, second = self.judge(batch[:middle]), self.judge(batch[middle:])
        moved = {middle + index: errors for index, errors in second.rejected.items()}
        return Judgement(first.accepted + second.accepted, {**first.rejected, **moved})

    def _post(self, body: bytes) -> httpx.Response:
        """Post until the answer is one that another try would not change.

        Raises SendingStoppedError if there is none after `_TRIES` tries.
        """
        trouble = ""
        for attempt in range(_TRIES):
            pause = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
            try:
                response = self._client.post(self._url, content=body, headers=self._headers())
            except httpx.RequestError as error:
                trouble = self._unreachable(error)
            except (httpx.InvalidURL, UnicodeError):
                raise SendingStoppedError(
                    f"{self._url} is not an address; write --url http://host:port"
                ) from None
            else:
                self._answered = True
                if response.status_code not in _TRANSIENT:
                    return response
                trouble = f"{self._url} answered {response.status_code} ({_detail(response)})"
                pause = _retry_after(response, pause)
            if attempt + 1 < _TRIES:
                self._notice(f"{trouble}; try {attempt + 2} of {_TRIES} in {pause:g} s")
                self._sleep(pause)
        raise SendingStoppedError(f"{trouble}, {_TRIES} times")

    def _unreachable(self, error: httpx.RequestError) -> str:
        """Return what is wrong. Raises SendingStoppedError if a retry would not help."""
        text = f"{self._url} cannot be reached ({type(error).__name__})"
        if isinstance(error, httpx.UnsupportedProtocol):
            raise SendingStoppedError(f"{text}; write --url http://...") from None
        # A gateway that has answered before is probably restarting; one that never did is missing.
        if isinstance(error, httpx.ConnectError) and not self._answered:
            raise SendingStoppedError(f"{text}; is the gateway running, and --url right?") from None
        return text

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._key.get_secret_value()}",
            "Content-Type": "application/x-ndjson",
        }


def _retry_after(response: httpx.Response, otherwise: float) -> float:
    """Return how many seconds the gateway asks to wait, bounded; `otherwise` if it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        asked = float(text) if text.isdecimal() else _seconds_until(text)
    except (ValueError, TypeError):
        return otherwise
    return min(max(asked, 0.0), 2 * _LONGEST_PAUSE_SECONDS)


def _seconds_until(http_date: str) -> float:
    return parsedate_to_datetime(http_date).timestamp() - time.time()


def _refusal(response: httpx.Response, url: str) -> str:
    status, detail = response.status_code, _detail(response)
    if status == 401:
        return "the gateway does not know this key (401); give another with --key or RANTAI_KEY"
    if status == 403:
        return f"this key may not send these events (403: {detail}); does it belong to the sender?"
    if status == 400:
        return f"the gateway cannot read what was sent (400: {detail})"
    return f"{url} answered {status} ({detail}), which is not a gateway's answer; is --url right?"


def _of_events(response: httpx.Response) -> bool:
    """Return whether a 403 has errors besides `/source`.

    Then the events are of the key's own sender, but say something that this sender may not say.
    """
    try:
        pointers = {
            error["pointer"] for row in response.json()["rejected"] for error in row["errors"]
        }
    except (ValueError, KeyError, TypeError):
        return False
    return bool(pointers - {"/source"})


def _detail(response: httpx.Response) -> str:
    """Return the error message of a response, shortened; of rejected events the first's errors."""
    try:
        body = response.json()
    except ValueError:
        body = response.text
    if isinstance(body, dict):
        body = _first_errors(body) or body.get("detail", body)
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return " ".join(text.split())[:300] or response.reason_phrase


def _first_errors(body: dict[str, Any]) -> Any:
    """Return the errors of the first rejected event in an answer; None if it has none."""
    try:
        return body["rejected"][0]["errors"]
    except (LookupError, TypeError):
        return None


def _judgement(response: httpx.Response, sent: int) -> Judgement:
    """Return the outcome that a response states.

    Raises SendingStoppedError if it does not account for every event that was sent.
    """
    try:
        body = response.json()
        rejected = {
            int(row["index"]): [(str(e["pointer"]), str(e["message"])) for e in row["errors"]]
            for row in body["rejected"]
        }
        judgement = Judgement(int(body["accepted"]), rejected)
    except (ValueError, KeyError, TypeError):
        raise SendingStoppedError(
            f"the answer ({response.status_code}) is not a gateway's: {response.text[:200]!r}; "
            "is --url right?"
        ) from None
    if judgement.accepted + len(rejected) != sent or any(not 0 <= i < sent for i in rejected):
        raise SendingStoppedError(
            f"the gateway's answer does not add up: {sent} sent, {judgement.accepted} accepted, "
            f"{len(rejected)} rejected"
        )
    return judgement
