"""`rantai ingest`: sends files of events, or of rows with a mapping, to a gateway.

It reports where and why each row was refused, and every accepted event that does not count.

Exit status: 0 = everything was accepted and counts; 1 = something was refused, or is in conflict,
or is not known to be stored, or nothing became an event; 2 = the run could not be completed (no
gateway, an unknown key, a mapping that does not fit the file).
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Annotated, BinaryIO, Final, NoReturn

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from services.cli.endpoint import WRONG_KEY, could_be_key
from services.cli.ingest_report import FileReport, print_reports
from services.cli.ingest_sending import (
    MOST_BYTES,
    MOST_EVENTS,
    DryRun,
    GatewayClient,
    Judge,
    SendingStoppedError,
)
from services.cli.ingest_settling import SettlementFollower
from services.cli.printing import printable, printable_json
from services.formats.csv_rows import csv_rows
from services.formats.event_files import events_of_json, events_of_lines, events_of_stream
from services.formats.mapping import FileMapping
from services.formats.mapping_file import MappingError, load_mapping
from services.formats.rows import FileError, RefusedDocument, Sendable
from services.formats.rows_to_events import RowsToEvents
from services.formats.sites import site_zone_problem
from services.settings import Settings

_STDIN: Final = "-"
_SECONDS_ONCE_STOPPED: Final = 5.0
_LONGEST_NAME: Final = 20
"""Of a file beside its progress bar: name, bar and counts must fit a terminal of 80 columns."""
_AGAIN: Final = "Run it again once that is resolved: accepted events are not counted twice."


def ingest(  # noqa: PLR0913, PLR0917 - the options of the command
    files: Annotated[
        list[str], typer.Argument(help=".csv with --map; .json, .ndjson or .jsonl; - = stdin.")
    ],
    url: Annotated[
        str | None, typer.Option(help="The gateway, e.g. http://127.0.0.1:8080.")
    ] = None,
    key: Annotated[
        SecretStr | None,
        typer.Option(
            parser=SecretStr,
            metavar="KEY",
            envvar="RANTAI_KEY",
            show_default=False,
            help="API key.",
        ),
    ] = None,
    mapping_file: Annotated[
        Path | None, typer.Option("--map", help="Mapping (TOML) of rows to events.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; send nothing.")] = False,
    read_url: Annotated[
        str | None,
        typer.Option(
            envvar="RANTAI_READ_URL",
            help="Address of the scorecards service, if it is not the gateway's.",
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            help="Stop waiting for events to be stored after so many seconds without progress; "
            "0 = do not wait.",
        ),
    ] = 60.0,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A file that yields no event is not a failure.")
    ] = False,
) -> None:
    """Send files of events, or of rows with a mapping. Sending a file again changes nothing.

    Waits until each accepted event is stored, and names those that are not: an event whose id was
    sent before with other content is in conflict, and what was stored first stands.

    Exit status: 0 = all is stored; 1 = something was refused, is in conflict, or is not known to be
    stored, or nothing became an event; 2 = the run could not be completed.

    Example: rantai ingest orders.csv --map orders.toml --dry-run
    """
    mapping = _mapping(mapping_file)
    judge: Judge = DryRun()
    settling: SettlementFollower | None = None
    if not dry_run:
        address, secret = _address(url), _secret(key)
        judge = GatewayClient(address, secret, notice=_silent if as_json else _waiting)
        settling = SettlementFollower(read_url or address, secret, wait) if wait else None
    run = _Run(judge, settling, mapping, quiet=as_json)
    try:
        run.begin()
        for file in files:
            run.take(file)
    except (SendingStoppedError, FileError, OSError) as error:
        run.stopped = _reason(error)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    run.end()
    run.print_json(dry_run) if as_json else run.print_table(dry_run)
    raise typer.Exit(run.exit_status(allow_empty))


class _Run:
    """One run of the command: sends the files, follows the accepted events, and reports."""

    def __init__(
        self,
        judge: Judge,
        settling: SettlementFollower | None,
        mapping: FileMapping | None,
        *,
        quiet: bool,
    ) -> None:
        self.reports: list[FileReport] = []
        self.stopped: str | None = None
        self._judge = judge
        self._settling = settling
        self._mapping = mapping
        self._quiet = quiet

    def begin(self) -> None:
        """Ask for the time zone of the sites, before anything is sent.

        Raises FileError if the mapping's dates would fall on other days in that zone.
        """
        if self._settling is None:
            return
        self._settling.begin()
        if self._mapping is not None and self._settling.zone:
            moved = site_zone_problem(self._mapping, self._settling.zone)
            if moved is not None:
                raise FileError(moved)

    def end(self) -> None:
        """Wait for the outcome of the accepted events, and close the connections."""
        try:
            if self._settling is not None:
                # If the gateway is away, sending has waited for it already: wait only briefly.
                most = _SECONDS_ONCE_STOPPED if self.stopped is not None else inf
                with _status(self._quiet) as show:
                    self._settling.finish(show, most)
        except KeyboardInterrupt:
            self.stopped = self.stopped or "interrupted"
        finally:
            if isinstance(self._judge, GatewayClient):
                self._judge.close()
            if self._settling is not None:
                self._settling.close()

    def take(self, file: str) -> None:
        """Send one file. Raises SendingStoppedError, FileError (naming the file) or OSError."""
        report = FileReport("stdin" if file == _STDIN else file)
        self.reports.append(report)
        with _opened(file) as stream, _progress(stream, report, self._quiet) as advance:
            try:
                self._send(self._events(file, stream, report), report, advance)
            except FileError as error:
                raise FileError(f"{report.file} {error}") from None

    def _events(
        self, file: str, stream: BinaryIO, report: FileReport
    ) -> Iterator[Sendable | RefusedDocument]:
        if self._mapping is not None:
            converter = RowsToEvents(self._mapping)
            report.counts = converter.counts
            return converter.convert(csv_rows(stream, self._mapping))
        if file == _STDIN:
            return events_of_stream(stream)
        ending = Path(file).suffix.lower()
        if ending == ".json":
            return events_of_json(stream.read())
        if ending in (".ndjson", ".jsonl"):
            return events_of_lines(stream)
        raise FileError(
            "is not a file of events (.json, .ndjson, .jsonl); convert its rows with --map"
        )

    def _send(
        self,
        events: Iterator[Sendable | RefusedDocument],
        report: FileReport,
        advance: Callable[[], None],
    ) -> None:
        batch: list[Sendable] = []
        size = 0
        for event in events:
            if isinstance(event, RefusedDocument):
                report.refuse(event.faults, event.event_id)
                continue
            if batch and (len(batch) == MOST_EVENTS or size + len(event.body) + 1 > MOST_BYTES):
                self._deliver(batch, report)
                advance()
                batch, size = [], 0
            batch.append(event)
            size += len(event.body) + 1
        if batch:
            self._deliver(batch, report)
        advance()

    def _deliver(self, batch: list[Sendable], report: FileReport) -> None:
        judgement = self._judge.judge([event.body for event in batch])
        report.accepted += judgement.accepted
        for index, errors in sorted(judgement.rejected.items()):
            report.refuse(batch[index].located(errors), batch[index].event_id)
        if self._settling is not None:
            accepted = [one for at, one in enumerate(batch) if at not in judgement.rejected]
            self._settling.add(accepted, report)
            self._settling.look()

    @property
    def trouble(self) -> str | None:
        """Why the outcome of some events is unknown; None if all outcomes are known."""
        unsettled = any(report.unsettled for report in self.reports)
        return self._settling.trouble if unsettled and self._settling is not None else None

    def exit_status(self, allow_empty: bool) -> int:
        """Return 0, 1 or 2, as the module's docstring defines them."""
        if self.stopped is not None:
            return 2
        nothing = any(report.empty for report in self.reports) and not allow_empty
        return 1 if nothing or not all(report.good for report in self.reports) else 0

    def print_json(self, dry_run: bool) -> None:
        """Print the whole report as one JSON object to standard output."""
        summary = {
            "dry_run": dry_run,
            "accepted": sum(report.accepted for report in self.reports),
            "rejected": sum(report.rejected for report in self.reports),
            "conflicts": sum(len(report.conflicts) for report in self.reports),
            "unsettled": sum(report.unsettled for report in self.reports),
            "stopped": self.stopped,
            "trouble": self.trouble,
            "files": [report.as_json() for report in self.reports],
        }
        typer.echo(printable_json(summary))

    def print_table(self, dry_run: bool) -> None:
        """Print each file's faults as a table, its counts, and what does not count."""
        # If the run stopped, the last file was not read to its end: it is not an empty file.
        print_reports(self.reports, dry_run, stopped=self.stopped is not None)
        if self.trouble is not None:
            typer.echo(f"error: {printable(self.trouble)}", err=True)
        if self.stopped is not None:
            accepted = sum(report.accepted for report in self.reports)
            typer.echo(f"error: {printable(self.stopped)}", err=True)
            typer.echo(f"Stopped after {accepted:,} accepted events. {_AGAIN}", err=True)


def _mapping(path: Path | None) -> FileMapping | None:
    if path is None:
        return None
    try:
        return load_mapping(path)
    except MappingError as error:
        _fail(str(error))
    except OSError as error:
        _fail(_reason(error))


def _secret(key: SecretStr | None) -> SecretStr:
    text = key.get_secret_value().strip() if key is not None else ""
    if not text:
        _fail("no API key; give one with --key or in RANTAI_KEY, or only check with --dry-run")
    if not could_be_key(text):
        _fail(WRONG_KEY)
    return SecretStr(text)


def _address(url: str | None) -> str:
    return url or Settings.from_environment().base_url


def _waiting(trouble: str) -> None:
    typer.echo(f"waiting: {printable(trouble)}", err=True)


def _silent(trouble: str) -> None:
    pass


def _fail(message: str) -> NoReturn:
    lines = [printable(line) for line in message.splitlines()]
    typer.echo("error: " + "\n".join(lines), err=True)
    raise typer.Exit(2)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many events are waited for, on a terminal only."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda count: None
        return
    with console.status("") as status:
        yield lambda count: status.update(f"{count:,} events are on their way to the ledger ...")


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == _STDIN:
        # Not closed at the end, as it is not opened here. A pipe has no position (`_size`).
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


@contextmanager
def _progress(stream: BinaryIO, report: FileReport, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yield a function that shows how far a file is read and sent, on a terminal only."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]}", markup=False),
    )
    size = _size(stream)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        name = printable(Path(report.file).name)
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        task = progress.add_task(name, total=size, sent="")

        def advance() -> None:
            sent = f"{report.accepted:,} accepted, {report.rejected:,} rejected"
            place = stream.tell() if size is not None and not stream.closed else None
            progress.update(task, completed=place, sent=sent)

        yield advance


def _size(stream: BinaryIO) -> int | None:
    """Return the size of a stream in bytes; None if it has no positions to seek to."""
    try:
        if not stream.seekable():
            return None
        place = stream.tell()
        size = stream.seek(0, io.SEEK_END)
        stream.seek(place)
    except OSError:
        return None
    return size
