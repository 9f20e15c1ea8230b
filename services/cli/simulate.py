"""`rantai simulate`: feeds a gateway a year of simulated history, then live events."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.access.keys import KeyStore
from services.cli.endpoint import exit_on_failure, is_address
from services.cli.printing import printable
from services.settings import Settings
from services.simulator import SimulatedEvent, history, live, participants

_BATCH: Final = 500
_CONNECTIONS: Final = 24
_SLICE: Final = timedelta(days=183)
"""History is sent in slices of this length; within a slice, all senders' events are sent at once.
Figures do not depend on the order. Shorter slices would only make more and smaller requests, and
each request waits for the ledger."""
_PATIENCE_SECONDS: Final = 120.0
_LONGEST_PAUSE_SECONDS: Final = 10.0
_MOST_SHOWN: Final = 20


class SendingError(RuntimeError):
    """A batch could not be sent; the message says what the gateway answered and what to do."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that the gateway refused. `faults`: pairs of JSON pointer and message."""

    sender: str
    event_id: str
    event_type: str
    faults: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        reasons = "; ".join(f"{pointer or '(event)'} {message}" for pointer, message in self.faults)
        return f"{self.sender} {self.event_type} {self.event_id}: {reasons}"


@dataclass(slots=True)
class LoadOutcome:
    """How many of the events sent so far were accepted, and which were rejected."""

    accepted: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    def as_json(self) -> dict[str, int]:
        """Return the numbers of accepted and rejected events."""
        return {"accepted": self.accepted, "rejected": len(self.rejections)}


async def load_history(
    url: str,
    keys: Mapping[str, str],
    events: Sequence[SimulatedEvent],
    on_progress: Callable[[int], None] = lambda count: None,
    outcome: LoadOutcome | None = None,
) -> LoadOutcome:
    """Send events that are sorted by time, in batches by sender, several batches at once.

    `keys` has each sender's API key. `on_progress` is called with the size of each judged batch.
    `outcome` is updated after each batch, so that it is right after a cancellation too. Sending the
    same events again changes nothing. Raises SendingError if a batch can't be sent.
    """
    outcome = outcome if outcome is not None else LoadOutcome()
    turns = asyncio.Semaphore(_CONNECTIONS)

    async def send(client: httpx.AsyncClient, batch: Sequence[SimulatedEvent]) -> None:
        async with turns:
            await _post(client, keys[batch[0].sender], batch, outcome)
        on_progress(len(batch))

    async with _client(url) as client:
        for batches in _slices(events):
            try:
                async with asyncio.TaskGroup() as group:
                    for batch in batches:
                        group.create_task(send(client, batch))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
    return outcome


async def play_live(  # noqa: PLR0913 - a rate and its bounds, and the outcome
    url: str,
    keys: Mapping[str, str],
    events: Iterator[SimulatedEvent],
    *,
    rate: float = 1.0,
    limit: int | None = None,
    outcome: LoadOutcome | None = None,
    on_event: Callable[[SimulatedEvent], None] = lambda event: None,
) -> LoadOutcome:
    """Send `rate` events a second until `limit` are sent or the task is cancelled.

    `keys` and `outcome` are as for `load_history`. `on_event` is called with each judged event.
    Raises SendingError if an event can't be sent.
    """
    outcome = outcome if outcome is not None else LoadOutcome()
    sent = 0
    clock = asyncio.get_running_loop().time
    next_at = clock()
    async with _client(url) as client:
        while limit is None or sent < limit:
            await asyncio.sleep(max(0.0, next_at - clock()))
            # After an outage of the gateway, go on at the same rate instead of catching up.
            next_at = max(next_at + 1 / rate, clock())
            event = next(events)
            await _post(client, keys[event.sender], [event], outcome)
            sent += 1
            on_event(event)
    return outcome


def simulate(  # noqa: PLR0913, PLR0917 - options of a command
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the gateway's keys.json.", show_default=False)
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The gateway, e.g. http://127.0.0.1:8080.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 7,
    days: Annotated[int, typer.Option(min=1, help="Days of history.")] = 365,
    go_on: Annotated[
        bool, typer.Option("--live/--no-live", help="Send live events after the history.")
    ] = True,
    rate: Annotated[float, typer.Option(min=0.001, help="Live events a second.")] = 1.0,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many live events.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Simulate 3 buyers and 40 IKM: a year of history, then an event a second until Ctrl-C.

    Creates API keys for the run in the data directory, and revokes them at its end.
    """
    settings = Settings.from_environment()
    run = _Run(url or settings.base_url, seed, days, rate, limit)
    path = data_dir / "keys.json" if data_dir is not None else settings.keys_path
    store = KeyStore(path)
    with exit_on_failure():
        keys = {sender: store.create(role, sender) for sender, role in participants().items()}
    started = time.monotonic()
    try:
        asyncio.run(run.play(keys, go_on=go_on))
    except SendingError as error:
        run.failure = f"{error} (keys: {path})"
    finally:
        for key in keys.values():
            store.revoke(key.split("_")[1])
    run.report(time.monotonic() - started, as_json=as_json)
    raise typer.Exit(run.exit_status)


class _Run:
    """One run of the command: its options, its outcome, and the report."""

    def __init__(self, url: str, seed: int, days: int, rate: float, limit: int | None) -> None:
        self.url, self.seed, self.days, self.rate, self.limit = url, seed, days, rate, limit
        self.history = LoadOutcome()
        self.live = LoadOutcome()
        self.failure: str | None = None
        self._loaded = False

    async def play(self, keys: Mapping[str, str], *, go_on: bool) -> None:
        """Load the history, then send live events. SIGINT and SIGTERM end it without an error."""
        task = asyncio.create_task(self._play(keys, go_on))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    async def _play(self, keys: Mapping[str, str], go_on: bool) -> None:
        now = datetime.now(UTC)
        events = history(self.seed, now, self.days)
        with _progress() as progress:
            bar = progress.add_task("history", total=len(events), last="")
            await load_history(
                self.url,
                keys,
                events,
                lambda count: progress.advance(bar, count),
                self.history,
            )
            self._loaded = True
            if not go_on:
                return
            bar = progress.add_task("live", total=self.limit, last="")
            await play_live(
                self.url,
                keys,
                live(self.seed, now, self.days, lambda: datetime.now(UTC)),
                rate=self.rate,
                limit=self.limit,
                outcome=self.live,
                on_event=lambda event: progress.update(bar, advance=1, last=_in_brief(event)),
            )

    @property
    def exit_status(self) -> int:
        """0 if everything was accepted, 1 if not, 130 if the history was interrupted."""
        if self.failure is not None or self.history.rejections or self.live.rejections:
            return 1
        return 0 if self._loaded else 130

    def report(self, seconds: float, *, as_json: bool) -> None:
        """Print the rejected events, the failure if there is one, and the counts."""
        rejections = self.history.rejections + self.live.rejections
        for rejection in rejections[:_MOST_SHOWN]:
            typer.echo(f"rejected: {printable(str(rejection))}", err=True)
        if len(rejections) > _MOST_SHOWN:
            typer.echo(f"rejected: and {len(rejections) - _MOST_SHOWN} more", err=True)
        if self.failure is not None:
            typer.echo(f"error: {printable(self.failure)}", err=True)
        if as_json:
            counts: dict[str, Any] = {
                "seed": self.seed,
                "days": self.days,
                "history": self.history.as_json(),
                "live": self.live.as_json(),
                "seconds": round(seconds, 3),
                "error": self.failure,
            }
            typer.echo(json.dumps(counts))
        else:
            accepted = f"history {self.history.accepted}, live {self.live.accepted}"
            typer.echo(f"accepted: {accepted}; rejected: {len(rejections)}; {seconds:.1f} s")


def _client(url: str) -> httpx.AsyncClient:
    """Return a client of a gateway. Raises SendingError if the URL can't be one's address."""
    if not is_address(url):
        raise SendingError(f"{url} is not an address; write --url http://host:port")
    limits = httpx.Limits(max_connections=_CONNECTIONS)
    return httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
        console=Console(file=sys.stderr),
    )


def _in_brief(event: SimulatedEvent) -> str:
    kind = event.event["type"].removeprefix("id.rantai.").removesuffix(".v1")
    return f"{kind} from {event.sender}"


def _slices(events: Sequence[SimulatedEvent]) -> Iterator[list[list[SimulatedEvent]]]:
    """Divide history into slices of time, and each slice into batches of one sender."""
    by_sender: dict[str, list[SimulatedEvent]] = {}
    ends: datetime | None = None
    for event in events:
        at = event.time
        if ends is None or at >= ends:
            if by_sender:
                yield _batches(by_sender)
            by_sender, ends = {}, at + _SLICE
        by_sender.setdefault(event.sender, []).append(event)
    if by_sender:
        yield _batches(by_sender)


def _batches(by_sender: Mapping[str, list[SimulatedEvent]]) -> list[list[SimulatedEvent]]:
    return [
        events[start : start + _BATCH]
        for events in by_sender.values()
        for start in range(0, len(events), _BATCH)
    ]


async def _post(
    client: httpx.AsyncClient, key: str, batch: Sequence[SimulatedEvent], outcome: LoadOutcome
) -> None:
    """Send one sender's events and add to the outcome; retry while the gateway is away.

    Raises SendingError after two minutes without success, or if the answer is not a gateway's.
    """
    content = json.dumps([event.event for event in batch], ensure_ascii=False).encode()
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/cloudevents-batch+json",
    }
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + _PATIENCE_SECONDS
    pause = 0.5
    while True:
        response: httpx.Response | None = None
        try:
            response = await client.post("/v1/events", content=content, headers=headers)
            problem = f"{response.status_code} {response.text[:300]}"
        except httpx.RequestError as error:
            problem = type(error).__name__
        if response is not None and response.status_code not in (429, 503):
            _judge(response, batch, outcome)
            return
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        wait = _seconds_to_wait(response, pause)
        if clock() + wait > give_up_at:
            raise SendingError(f"{client.base_url} does not take events: {problem}")
        await asyncio.sleep(wait)


def _seconds_to_wait(response: httpx.Response | None, otherwise: float) -> float:
    text = response.headers.get("retry-after", "") if response is not None else ""
    return float(text) if text.isascii() and text.isdigit() else otherwise


def _judge(response: httpx.Response, batch: Sequence[SimulatedEvent], outcome: LoadOutcome) -> None:
    try:
        body = response.json()
        accepted = int(body["accepted"])
        rejections = [_rejection(row, batch) for row in body["rejected"]]
    except (ValueError, LookupError, TypeError):
        raise SendingError(
            f"{response.url} answered {response.status_code} {response.text[:300]}; "
            "is it a Rantai gateway, and does it read the same keys file?"
        ) from None
    outcome.accepted += accepted
    outcome.rejections += rejections


def _rejection(row: Mapping[str, Any], batch: Sequence[SimulatedEvent]) -> Rejection:
    event = batch[row["index"]]
    faults = tuple((fault["pointer"], fault["message"]) for fault in row["errors"])
    return Rejection(event.sender, event.event["id"], event.event["type"], faults)
