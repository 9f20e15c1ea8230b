"""`rantai policy backtest`: which suppliers another policy would move, by the stored history."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from services.cli.data_dir import read_run_file
from services.cli.endpoint import endpoint, exit_with_error
from services.cli.long_work import OnProgress, follow_work, progress_bar
from services.cli.options import DATA_DIR, DataDir, ProgrammeKey, Url
from services.cli.printing import cell, printable, printable_json
from services.readiness.chosen import policy_of
from services.readiness.grading import FROZEN
from services.readiness.policy import DEFAULT_POLICY, Policy, PolicyError, packaged_text
from services.readiness.rules import Rules
from services.settings import Settings

if TYPE_CHECKING:
    from services.store.client import ClickHouse

_PACKAGED: Final = Path("packaged")
_NAMES: Final = {
    "up": "up",
    "down": "down",
    "unchanged": "unchanged",
    "newly_insufficient": "newly insufficient",
    "newly_graded": "newly graded",
}


@dataclass(frozen=True, slots=True)
class GivenPolicy:
    """A policy that the user gave: the text of its file, and the policy."""

    text: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class BacktestQuestion:
    """Two policies to compare, as of the start of a day and at `months` month ends up to then.

    `old` is None to compare with the frozen evaluations.
    """

    old: GivenPolicy | None
    new: GivenPolicy
    as_of: date
    months: int

    def as_json(self) -> dict[str, Any]:
        """Return the request body for the running process."""
        return {
            "from": FROZEN if self.old is None else self.old.text,
            "to": self.new.text,
            "as_of": self.as_of.isoformat(),
            "months": self.months,
        }


def backtest(  # noqa: PLR0913 - options of a command
    *,
    old: Annotated[
        Path,
        typer.Option(
            "--from",
            help="policy file (TOML), or a word: packaged, or frozen for frozen evaluations",
        ),
    ],
    new: Annotated[Path, typer.Option("--to", help="policy to compare with: as for --from")],
    as_of: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="the day; suppliers as they stood at its start",
        ),
    ],
    months: Annotated[
        int, typer.Option(min=1, max=240, help="how many month ends up to then, for --json")
    ] = 24,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: ProgrammeKey = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON for scripts, with every month end")
    ] = False,
) -> None:
    """Show which suppliers another policy would move: from where to where, and by which figure.

    Nothing that is in force changes. `--from frozen` compares with the evaluations that were frozen
    at month ends, maybe by another policy or an earlier edition of the figures; the answer names
    the editions. If `rantai up` runs on the data directory, it does the backtest; otherwise the
    store is opened here.

    Example: rantai policy backtest --from packaged --to ours.toml --as-of 2026-11-01
    """
    before = None if str(old) == FROZEN else _given(old)
    question = BacktestQuestion(before, _given(new), as_of.date(), months)
    with progress_bar("Backtesting") as on_progress:
        if url is None and read_run_file(data_dir) is None:
            answer = _offline(question, data_dir, on_progress)
        else:
            answer = follow_work(
                endpoint(url, key, data_dir),
                "/v1/backtest",
                on_progress,
                name="backtest",
                step="stage",
                result="result",
                body=question.as_json(),
            )
    if as_json:
        typer.echo(printable_json(answer))
    else:
        _show(answer)


def _given(file: Path) -> GivenPolicy:
    """Read a policy, or end the command and say what is wrong with it."""
    try:
        if file == _PACKAGED:
            return GivenPolicy(packaged_text(), DEFAULT_POLICY)
        policy = Policy.load(file)
        return GivenPolicy(file.read_text("utf-8-sig"), policy)
    except PolicyError as error:
        raise exit_with_error(str(error)) from None
    except OSError as error:
        raise exit_with_error(f"{file} can't be read: {error.strerror}") from None


def _offline(question: BacktestQuestion, data_dir: Path, on_progress: OnProgress) -> dict[str, Any]:
    # Imported here: the other policy commands must not wait for the store's engine to load.
    from services.cli.offline_store import offline_store  # noqa: PLC0415
    from services.operations.backtest import BacktestError, backtest  # noqa: PLC0415

    settings = Settings.from_environment()
    command = "rantai policy backtest"
    try:
        with offline_store(settings, data_dir, "backtest", command) as clickhouse:
            _bring_up_to_date(clickhouse, settings)
            return backtest(
                clickhouse,
                None if question.old is None else question.old.policy,
                question.new.policy,
                question.as_of,
                months=question.months,
                progress=on_progress,
            )
    except BacktestError as error:
        raise exit_with_error(f"the backtest failed: {error}", code=1) from None


def _bring_up_to_date(clickhouse: "ClickHouse", settings: Settings) -> None:
    """Migrate a store of an older version; do not touch the facts of an up-to-date one."""
    from services.store.client import StoreUnavailable  # noqa: PLC0415
    from services.store.migrate import Placement, migrate, migrations  # noqa: PLC0415

    try:
        done = {row["number"] for row in clickhouse.rows("SELECT number FROM migrations")}
        folded = clickhouse.rows("SELECT 1 FROM folded_rules LIMIT 1")
    except StoreUnavailable:
        done, folded = set(), []
    if not folded or any(one.number not in done for one in migrations()):
        placement = Placement(settings.clickhouse_cluster, settings.fsync and clickhouse.embedded)
        migrate(clickhouse, placement, rules=Rules.of(policy_of(settings)))


def _show(answer: dict[str, Any]) -> None:
    table = Table("supplier", "grade", "published", "score", "by")
    for one in answer["moves"]:
        texts = (
            one["supplier_id"],
            _change(one["grade"], "insufficient"),
            _change(one["published"], "none"),
            _change(one["score"], "none"),
            f"{one['by']} {one['by_points']:+.2f}" if one["by"] else "",
        )
        table.add_row(*map(cell, texts))
    if answer["moves"]:
        Console().print(table)
    before, now = answer["editions"]["from"], answer["editions"]["to"]
    editions = "" if before == [now] else f" (figures of edition {_listed(before)} to {now})"
    old = "the frozen evaluations" if answer["from"] == FROZEN else f"policy {answer['from']}"
    compared = f"from {old} to policy {answer['to']}{editions}:"
    typer.echo(printable(f"{answer['suppliers']} suppliers as of {answer['as_of']}, {compared}"))
    for name, counts in answer["summary"].items():
        listed = ", ".join(f"{counts[key]} {words}" for key, words in _NAMES.items())
        typer.echo(printable(f"  {name}: {listed}"))


def _listed(editions: list[int]) -> str:
    return " and ".join(str(one) for one in editions)


def _change(pair: dict[str, Any], nothing: str) -> str:
    old, new = (_text(pair[side], nothing) for side in ("from", "to"))
    return old if pair["from"] == pair["to"] else f"{old} -> {new}"


def _text(value: Any, nothing: str) -> str:
    if value is None:
        return nothing
    return f"{value:.2f}" if isinstance(value, float) else str(value)
