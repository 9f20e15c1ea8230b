"""`rantai ingest`: send files to a gateway, and say of every row that was refused where and why.

Exit status: 0 = everything was accepted; 1 = something was refused; 2 = it could not be done (no
gateway, a key that is not known, a mapping that does not fit the file).
"""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, NoReturn

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from services.cli.ingest_sending import (
    MOST_BYTES,
    MOST_EVENTS,
    DryRun,
    Gateway,
    Judge,
    SendingStoppedError,
)
from services.formats.csv_rows import csv_rows
from services.formats.event_files import events_of_json, events_of_lines, events_of_stream
from services.formats.mapping import FileMapping
from services.formats.mapping_file import MappingError, load_mapping
from services.formats.rows import CellFault, FileError, Refused, Sendable
from services.formats.rows_to_events import Counts, RowsToEvents
from services.settings import Settings, SettingsError

_STDIN: Final = "-"
_MOST_SHOWN: Final = 100
_WIDTH_OF_A_PIPE: Final = 200
_LONGEST_NAME: Final = 20
"""Of a file beside its bar: bar and counts must fit a terminal of 80 columns."""
_AGAIN: Final = "Run it again when that is mended: what was accepted already is not counted twice."


@dataclass(slots=True)
class FileReport:
    """What became of one file.

    accepted, rejected: events (in a dry run: that would be); a row that never became an event
    counts as one rejected. rows, left_out, repeated: of a file with a mapping.
    """

    file: str
    accepted: int = 0
    rejected: int = 0
    counts: Counts | None = None
    faults: list[tuple[str | None, CellFault]] = field(default_factory=list)

    def refuse(self, faults: tuple[CellFault, ...], event_id: str | None) -> None:
        """Take note of an event (or a row) that was refused."""
        self.rejected += 1
        self.faults += [(event_id, fault) for fault in faults]

    def as_json(self) -> dict[str, Any]:
        """Return the report of this file, machine-readable."""
        faults = [
            {**fault.as_json(), "event_id": event_id} for event_id, fault in self.sorted_faults()
        ]
        result: dict[str, Any] = {"file": self.file}
        if self.counts is not None:
            result["rows"] = self.counts.rows
            result["left_out"] = self.counts.left_out
            result["repeated"] = self.counts.repeated
        return {**result, "accepted": self.accepted, "rejected": self.rejected, "faults": faults}

    def sorted_faults(self) -> list[tuple[str | None, CellFault]]:
        """Return the faults by row, each once, with the id of the (first) event it cost."""
        once = {fault: event_id for event_id, fault in reversed(self.faults)}
        rows = sorted(once.items(), key=lambda item: (item[0].row, item[0].column))
        return [(event_id, fault) for fault, event_id in rows]


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
) -> None:
    """Send files of events, or of rows by a mapping. The same file again changes nothing."""
    mapping = _mapping(mapping_file)
    judge = DryRun() if dry_run else _gateway(url, key, quiet=as_json)
    run = _Run(judge, mapping, quiet=as_json)
    try:
        for file in files:
            run.take(file)
    except (SendingStoppedError, FileError, OSError) as error:
        run.stopped = _reason(error)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    finally:
        if isinstance(judge, Gateway):
            judge.close()
    run.print_json(dry_run) if as_json else run.print_table(dry_run)
    raise typer.Exit(run.exit_status)


class _Run:
    """One run of the command: where events go, and what became of them."""

    def __init__(self, judge: Judge, mapping: FileMapping | None, *, quiet: bool) -> None:
        self.reports: list[FileReport] = []
        self.stopped: str | None = None
        self._judge = judge
        self._mapping = mapping
        self._quiet = quiet

    def take(self, file: str) -> None:
        """Send one file. Raises SendingStoppedError, FileError (naming the file), OSError."""
        report = FileReport("stdin" if file == _STDIN else file)
        self.reports.append(report)
        with _opened(file) as stream, _progress(stream, report, self._quiet) as advance:
            try:
                self._send(self._events(file, stream, report), report, advance)
            except FileError as error:
                raise FileError(f"{report.file} {error}") from None

    def _events(
        self, file: str, stream: BinaryIO, report: FileReport
    ) -> Iterator[Sendable | Refused]:
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
            "is no file of events (.json, .ndjson, .jsonl); say by --map how its rows become events"
        )

    def _send(
        self,
        events: Iterator[Sendable | Refused],
        report: FileReport,
        advance: Callable[[], None],
    ) -> None:
        batch: list[Sendable] = []
        size = 0
        for event in events:
            if isinstance(event, Refused):
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

    @property
    def exit_status(self) -> int:
        """0, 1 or 2 as the module's own text says."""
        if self.stopped is not None:
            return 2
        return 1 if any(report.rejected for report in self.reports) else 0

    def print_json(self, dry_run: bool) -> None:
        """Print one JSON object with everything, on standard output."""
        summary = {
            "dry_run": dry_run,
            "accepted": sum(report.accepted for report in self.reports),
            "rejected": sum(report.rejected for report in self.reports),
            "stopped": self.stopped,
            "files": [report.as_json() for report in self.reports],
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))

    def print_table(self, dry_run: bool) -> None:
        """Print a table of what was refused for each file, and the counts."""
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH_OF_A_PIPE)
        for report in self.reports:
            if report.faults:
                console.print(_table(report))
            console.print(Text(_summary(report, dry_run)))
        if self.stopped is not None:
            accepted = sum(report.accepted for report in self.reports)
            typer.echo(f"error: {self.stopped}", err=True)
            typer.echo(f"Stopped after {accepted:,} accepted events. {_AGAIN}", err=True)


def _table(report: FileReport) -> Table:
    faults = report.sorted_faults()
    more = len(faults) - _MOST_SHOWN
    caption = f"and {more:,} more; --json lists all" if more > 0 else None
    table = Table(title=Text(f"{report.file}: refused"), caption=caption, title_justify="left")
    table.add_column("row", justify="right")
    for heading in ("column", "value", "what is wrong"):
        table.add_column(heading, overflow="fold")
    for _, fault in faults[:_MOST_SHOWN]:
        cells = (str(fault.row), fault.column, fault.value, fault.message)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _summary(report: FileReport, dry_run: bool) -> str:
    what = "would be accepted" if dry_run else "accepted"
    parts = [f"{report.accepted:,} events {what}", f"{report.rejected:,} rejected"]
    if report.counts is not None:
        parts.insert(0, f"{report.counts.rows:,} rows")
        parts.append(f"{report.counts.left_out:,} rows left out by the mapping")
        if report.counts.repeated:
            parts.append(f"{report.counts.repeated:,} said again what an earlier row said")
    return f"{report.file}: {', '.join(parts)}"


def _mapping(path: Path | None) -> FileMapping | None:
    if path is None:
        return None
    try:
        return load_mapping(path)
    except MappingError as error:
        _fail(str(error))
    except OSError as error:
        _fail(_reason(error))


def _gateway(url: str | None, key: SecretStr | None, *, quiet: bool) -> Gateway:
    text = key.get_secret_value().strip() if key is not None else ""
    if not text:
        _fail("no API key; give one by --key or in RANTAI_KEY, or check only by --dry-run")
    if not text.isascii() or not text.isprintable() or " " in text:
        _fail("the API key has characters that no key has; was it copied whole?")
    try:
        address = url or Settings.from_environment().base_url
    except SettingsError as error:
        _fail(str(error))
    return Gateway(address, SecretStr(text), notice=_silent if quiet else _waiting)


def _waiting(trouble: str) -> None:
    typer.echo(f"waiting: {trouble}", err=True)


def _silent(trouble: str) -> None:
    pass


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == _STDIN:
        # A pipe has no place to tell; what is read through a buffer of our own does no harm.
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


@contextmanager
def _progress(stream: BinaryIO, report: FileReport, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show how far a file is read and what was accepted, on a terminal only."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[sent]}", markup=False),
    )
    size = _size(stream)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        name = Path(report.file).name
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        task = progress.add_task(name, total=size, sent="")

        def advance() -> None:
            sent = f"{report.accepted:,} accepted, {report.rejected:,} rejected"
            place = stream.tell() if size is not None and not stream.closed else None
            progress.update(task, completed=place, sent=sent)

        yield advance


def _size(stream: BinaryIO) -> int | None:
    try:
        if not stream.seekable():
            return None
        place = stream.tell()
        size = stream.seek(0, io.SEEK_END)
        stream.seek(place)
    except OSError:
        return None
    return size
