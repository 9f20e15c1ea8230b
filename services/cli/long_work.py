"""Work of minutes that a command starts: a bar of its progress, and what a running Rantai tells."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from services.cli.endpoint import Endpoint, exit_not_from_rantai, exit_with_error
from services.cli.printing import printable

OnProgress = Callable[[str, int, int], None]
"""Shows progress: the name of the current step, how much of it is done, and the total."""

_COUNTS: Final = ("done", "total")


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress]:
    """Yield a function that shows progress on standard error; at the end the bar is full."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)

        def on_progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=printable(step), completed=done, total=total)

        yield on_progress
        bar.update(task, description="done", completed=1, total=1)


def follow_work(  # noqa: PLR0913 - a request, and what its answer is called
    where: Endpoint,
    path: str,
    on_progress: OnProgress,
    *,
    name: str,
    step: str,
    result: str,
    body: Any = None,
) -> Any:
    """Have a running Rantai do work of minutes, show its progress, and return its result.

    `name`: of the work, in messages. `step` and `result`: the keys of a step's name and of the
    result. Ends the command with a message if the work can't be started, fails, or is cut off.
    """
    begun = False
    try:
        with where.stream(path, body) as answer:
            for line in answer.iter_lines():
                begun = True
                row = _row(line)
                if all(key in row for key in (step, *_COUNTS)):
                    on_progress(str(row[step]), row["done"], row["total"])
                elif row.get("finished") and result in row:
                    return row[result]
                elif "error" in row:
                    raise exit_with_error(f"the {name} failed: {row['error']}", code=1)
                else:
                    raise exit_not_from_rantai(answer)
    except httpx.HTTPError as error:
        if not begun:
            raise where.exit_unanswered(error) from None
    raise exit_with_error(f"the connection ended before the {name} did; run it again", code=1)


def _row(line: str) -> dict[str, Any]:
    """Return the object of a line; an empty one if the line is none."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
