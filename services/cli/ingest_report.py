"""The report of `rantai ingest`: what of each file was accepted, refused, or is in conflict."""

from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from services.cli.printing import cell
from services.formats.rows import CellFault
from services.formats.rows_to_events import Counts

_MOST_SHOWN: Final = 100
_MOST_NAMED: Final = 20
_WIDTH_OF_A_PIPE: Final = 200


@dataclass(slots=True)
class FileReport:
    """What became of one file.

    accepted, rejected: how many events were accepted and rejected, or in a dry run would be; a row
    that never became an event counts as one rejected. counts: of rows, for a file with a mapping.
    faults: what is wrong with the rejected ones, each with the id of its event. conflicts: row and
    id of accepted events that differ from what is stored under their id. unsettled: how many
    accepted events have an outcome that is not known.
    """

    file: str
    accepted: int = 0
    rejected: int = 0
    counts: Counts | None = None
    faults: list[tuple[str | None, CellFault]] = field(default_factory=list)
    conflicts: list[tuple[int, str]] = field(default_factory=list)
    unsettled: int = 0

    @property
    def empty(self) -> bool:
        """Whether the file yielded nothing, neither accepted nor rejected."""
        return not self.accepted and not self.rejected

    @property
    def good(self) -> bool:
        """Whether all of it counts: nothing is rejected, in conflict, or of unknown outcome."""
        return not self.rejected and not self.conflicts and not self.unsettled

    def refuse(self, faults: tuple[CellFault, ...], event_id: str | None) -> None:
        """Record an event, or a row that never became one, as rejected."""
        self.rejected += 1
        self.faults += [(event_id, fault) for fault in faults]

    def as_json(self) -> dict[str, Any]:
        """Return the report of this file for `--json`."""
        faults = [
            {**fault.as_json(), "event_id": event_id} for event_id, fault in self.sorted_faults()
        ]
        result: dict[str, Any] = {"file": self.file}
        if self.counts is not None:
            result["rows"] = self.counts.rows
            result["left_out"] = self.counts.left_out
            result["unfit"] = self.counts.unfit
            result["repeated"] = self.counts.repeated
        return {
            **result,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "faults": faults,
            "conflicts": [{"row": row, "event_id": name} for row, name in self.conflicts],
            "unsettled": self.unsettled,
        }

    def sorted_faults(self) -> list[tuple[str | None, CellFault]]:
        """Return the faults sorted by row, each once, with the id of the first event it costs.

        If the same fault costs a row and its whole document, the two messages begin alike, and only
        the longer one, which names the document, is returned.
        """
        once = {fault: event_id for event_id, fault in reversed(self.faults)}
        rows = sorted(
            once.items(), key=lambda item: (item[0].row, item[0].column, -len(item[0].message))
        )
        kept: list[tuple[str | None, CellFault]] = []
        for fault, event_id in rows:
            if not kept or not _is_part_of(fault, kept[-1][1]):
                kept.append((event_id, fault))
        return kept


def _is_part_of(fault: CellFault, longer: CellFault) -> bool:
    same_place = (fault.row, fault.column, fault.value) == (longer.row, longer.column, longer.value)
    return same_place and longer.message.startswith(fault.message)


def print_reports(reports: list[FileReport], dry_run: bool, *, stopped: bool) -> None:
    """Print each file's faults as a table, its counts, and what does not count.

    `stopped`: the last file was not read to its end.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_PIPE)
    for report in reports:
        if report.faults:
            console.print(_table(report))
        console.print(cell(_summary(report, dry_run)))
        cut = stopped and report is reports[-1]
        for line in _after_all(report, cut):
            console.print(cell(line))


def _table(report: FileReport) -> Table:
    faults = report.sorted_faults()
    more = len(faults) - _MOST_SHOWN
    caption = f"and {more:,} more; --json lists all" if more > 0 else None
    title = cell(f"{report.file}: refused")
    table = Table(title=title, caption=caption, title_justify="left")
    table.add_column("row", justify="right")
    for heading in ("column", "value", "what is wrong"):
        table.add_column(heading, overflow="fold")
    for _, fault in faults[:_MOST_SHOWN]:
        table.add_row(*map(cell, (fault.row, fault.column, fault.value, fault.message)))
    return table


def _summary(report: FileReport, dry_run: bool) -> str:
    what = "would be accepted" if dry_run else "accepted"
    parts = [f"{_events(report.accepted)} {what}", f"{report.rejected:,} rejected"]
    if report.counts is not None:
        parts.insert(0, f"{report.counts.rows:,} rows")
        parts.append(f"{report.counts.left_out:,} rows left out by the mapping")
        if report.counts.repeated:
            parts.append(f"{report.counts.repeated:,} rows repeat an earlier row's event")
    return f"{report.file}: {', '.join(parts)}"


def _after_all(report: FileReport, cut: bool) -> list[str]:
    """Return what the counts do not show: an empty file, conflicts and unknown outcomes."""
    lines = []
    if report.empty and not cut:
        lines.append(f"{report.file}: nothing became an event: {_why_empty(report.counts)}")
    if report.conflicts:
        names = [name for _, name in report.conflicts]
        more = len(names) - _MOST_NAMED
        listed = ", ".join(names[:_MOST_NAMED]) + (f", and {more:,} more" if more > 0 else "")
        verb = "differs" if len(names) == 1 else "differ"
        lines += [
            f"{_events(len(names))} {verb} from what is stored: {listed}",
            "What was stored first under an id stands; what was sent now counts in nothing. Send a "
            "correction under an id of its own ({digest} in the mapping's id). 'rantai rejected' "
            "lists, shows, replays and dismisses the events in conflict.",
        ]
    if report.unsettled:
        lines.append(
            f"{_events(report.unsettled)} accepted, and not known to be stored: no event is lost; "
            "'rantai reconcile' shows later whether they are stored"
        )
    return lines


def _events(count: int) -> str:
    return f"{count:,} event" if count == 1 else f"{count:,} events"


def _why_empty(counts: Counts | None) -> str:
    if counts is None:
        return "the file has no events"
    if not counts.rows:
        return "the file has a header and no rows (give --allow-empty if that is expected)"
    return (
        f"of {counts.rows:,} rows {counts.left_out:,} were left out by [[leave_out]], and "
        f"{counts.unfit:,} fit 'only' and 'when' of no event; check these in the mapping"
    )
