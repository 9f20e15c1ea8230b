"""`rantai explain`: lists every line or document behind a figure, and why it counts."""

import json
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from services.cli.endpoint import endpoint
from services.cli.options import DATA_DIR, DataDir, Json, Key, Url
from services.cli.printing import cell

_REQUIRED: Final = ("kpi", "supplier_id", "as_of", "figure", "parts")


def explain(  # noqa: PLR0913 - options of a command
    supplier: Annotated[str, typer.Argument(help="supplier id")],
    kpi: Annotated[str, typer.Argument(help="key of the figure, e.g. otif")],
    *,
    data_dir: DataDir = DATA_DIR,
    url: Url = None,
    key: Key = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD, default today")] = None,
    window_days: Annotated[int, typer.Option(help="length of the window that ends at as_of")] = 180,
    buyer: Annotated[str | None, typer.Option(help="only this buyer's orders")] = None,
    as_json: Json = False,
) -> None:
    """List the cases behind a supplier's figure: what each adds, why, and its events.

    Example: rantai explain IKM-CPR-01 otif --as-of 2026-11-01 --data-dir var/rantai
    """
    parameters: dict[str, Any] = {"kpi": kpi, "window_days": window_days}
    parameters |= {"as_of": as_of} if as_of else {}
    parameters |= {"buyer_id": buyer} if buyer else {}
    where = endpoint(url, key, data_dir)
    path = f"/v1/suppliers/{quote(supplier, safe='')}/scorecard/explain"
    with Console(stderr=True).status("Looking it up ..."):
        answer = where.get(path, *_REQUIRED, params=parameters)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        _show(answer)


def _show(answer: dict[str, Any]) -> None:
    figure = answer["figure"]
    title = f"{answer['kpi']} of {answer['supplier_id']} at {answer['as_of']}: {figure['value']}"
    if "denominator" in figure:
        title += f" = {figure['numerator']} / {figure['denominator']}"
    table = Table("day", "buyer", "case", "adds", "why", "events", title=cell(title))
    for part in answer["parts"]:
        texts = (part.get("day", ""), part["buyer_id"], _case(part), _adds(part), part["reason"])
        events = (event["id"] for event in part.get("events", ()))
        table.add_row(*map(cell, texts), cell(*events))
    Console().print(table)


def _case(part: dict[str, Any]) -> str:
    if "order_no" in part:
        return f"{part['order_no']} line {part['line_no']}"
    return next((f"{k.removesuffix('_no')} {v}" for k, v in part.items() if k.endswith("_no")), "")


def _adds(part: dict[str, Any]) -> str:
    if "numerator" in part:
        return f"{part['numerator']} / {part['denominator']}"
    return str(part.get("value", part.get("share", "")))
