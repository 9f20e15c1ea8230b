"""`rantai explain`: lists every line or document behind a figure, and why it counts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.endpoint import endpoint


def explain(  # noqa: PLR0913 - options of a command
    supplier: Annotated[str, typer.Argument(help="supplier id")],
    kpi: Annotated[str, typer.Argument(help="key of the figure, e.g. otif")],
    *,
    data_dir: Annotated[Path, typer.Option(envvar="RANTAI_DATA_DIR")] = Path("var/rantai"),
    url: Annotated[str | None, typer.Option(help="URL of another running Rantai")] = None,
    key: Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="API key")] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD, default today")] = None,
    window_days: Annotated[int, typer.Option(help="length of the window that ends at as_of")] = 180,
    buyer: Annotated[str | None, typer.Option(help="only this buyer's orders")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """List the cases behind a supplier's figure: what each adds, why, and its events.

    Example: rantai explain IKM-CPR-01 otif --as-of 2026-11-01 --data-dir var/rantai
    """
    parameters: dict[str, Any] = {"kpi": kpi, "window_days": window_days}
    parameters |= {"as_of": as_of} if as_of else {}
    parameters |= {"buyer_id": buyer} if buyer else {}
    where = endpoint(url, key, data_dir)
    with Console(stderr=True).status("Looking it up ..."):
        response = where.request(
            "GET", f"/v1/suppliers/{supplier}/scorecard/explain", params=parameters
        )
    answer = response.json()
    if response.status_code != 200:
        typer.echo(answer.get("detail", response.text), err=True)
        raise typer.Exit(2)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        _show(answer)


def _show(answer: dict[str, Any]) -> None:
    figure = answer["figure"]
    title = f"{answer['kpi']} of {answer['supplier_id']} at {answer['as_of']}: {figure['value']}"
    if "denominator" in figure:
        title += f" = {figure['numerator']} / {figure['denominator']}"
    table = Table("day", "buyer", "case", "adds", "why", "events", title=title)
    for part in answer["parts"]:
        table.add_row(
            part.get("day", ""),
            part["buyer_id"],
            _case(part),
            _adds(part),
            part["reason"],
            "\n".join(event["id"] for event in part.get("events", ())),
        )
    Console().print(table)


def _case(part: dict[str, Any]) -> str:
    if "order_no" in part:
        return f"{part['order_no']} line {part['line_no']}"
    return next((f"{k.removesuffix('_no')} {v}" for k, v in part.items() if k.endswith("_no")), "")


def _adds(part: dict[str, Any]) -> str:
    if "numerator" in part:
        return f"{part['numerator']} / {part['denominator']}"
    return str(part.get("value", part.get("share", "")))
