"""`rantai demo`: everything in one process, fed by a simulation that keeps running."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.access.record_file import RecordFileError
from services.cli import compose
from services.cli.endpoint import exit_with_error
from services.cli.interrupt_key import interrupt_key
from services.cli.link import page_url
from services.cli.simulate import SendingError, load_history, play_live
from services.cli.up import running
from services.kafka.embedded_broker import (
    EMBEDDED_BATCH_SECONDS,
    EMBEDDED_SESSION_SECONDS,
    EmbeddedBroker,
)
from services.kafka.topics import BrokerUnavailable
from services.runtime.heap import bound_heaps
from services.settings import Settings
from services.simulator import history, live, participants
from services.simulator.companies import BUYERS, PROGRAMME, SUPPLIERS
from services.store.client import StoreRefused, StoreUnavailable
from services.telemetry.logs import configure

_SEED: Final = 7


def demo(
    data_dir: Annotated[
        Path,
        typer.Option(envvar="RANTAI_DATA_DIR", help="folder of the demo's data, kept between runs"),
    ] = Path("var/demo"),
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
    days: Annotated[int, typer.Option(min=30, max=730, help="days of history to load")] = 365,
    rate: Annotated[float, typer.Option(min=0.01, help="live events a second")] = 1.0,
) -> None:
    """Start everything, load a year of three buyers and forty IKM, then send live events.

    Example: rantai demo --port 8080
    """
    # A log line for each request would bury the links that a newcomer needs.
    configure(logging.WARNING)
    bound_heaps()
    broker = EmbeddedBroker()
    # Simulated events must go to the demo's own store, whatever RANTAI_* variables are set.
    own = {"clickhouse_url": None, "clickhouse_cluster": None, "keys_file": None}
    given = {
        "data_dir": data_dir.resolve(),
        "port": port,
        "kafka": broker.bootstrap,
        "batch_seconds": EMBEDDED_BATCH_SECONDS,
        "session_seconds": EMBEDDED_SESSION_SECONDS,
    }
    try:
        settings = Settings.from_environment().model_copy(update=own | given)
        asyncio.run(_play(settings, broker, days, rate))
    except compose.PartFailed as error:
        raise exit_with_error(str(error), code=70) from None
    except (
        RecordFileError,
        BrokerUnavailable,
        StoreUnavailable,
        StoreRefused,
        OSError,
    ) as error:
        raise exit_with_error(str(error)) from None
    except SendingError as error:
        raise exit_with_error(str(error), code=1) from None


async def _play(settings: Settings, broker: EmbeddedBroker, days: int, rate: float) -> None:
    console = Console(stderr=True)
    with console.status("Starting broker, store and services ..."):
        stack = running(settings, broker, "rantai demo")
        everything = await stack.__aenter__()
    try:
        _stop_on_signal(lambda: setattr(everything.server, "should_exit", True))
        with interrupt_key():
            await _serve(everything.server, _feed(settings, console, days, rate))
        compose.raise_failure(everything.parts)
    finally:
        with console.status("Stopping ..."):
            await stack.__aexit__(None, None, None)


async def _serve(server: uvicorn.Server, feed: Coroutine[Any, Any, None]) -> None:
    """Serve and feed until the server is told to stop or the feed fails. Raises what it raises."""
    serving, feeding = asyncio.create_task(server.serve()), asyncio.create_task(feed)
    await asyncio.wait({serving, feeding}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    feeding.cancel()
    await asyncio.wait({serving, feeding})
    if not feeding.cancelled():
        feeding.result()
    serving.result()


async def _feed(settings: Settings, console: Console, days: int, rate: float) -> None:
    keys = await asyncio.to_thread(_keys, settings.data_dir)
    now = datetime.now(UTC)
    events = await asyncio.to_thread(history, _SEED, now, days)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task(f"Loading {days} days of history", total=len(events))
        await load_history(settings.base_url, keys, events, lambda count: bar.advance(task, count))
    _print_links(settings, keys)
    await play_live(
        settings.base_url, keys, live(_SEED, now, days, lambda: datetime.now(UTC)), rate=rate
    )


def _keys(data_dir: Path) -> dict[str, str]:
    """Create an API key for each participant, and revoke those of earlier runs."""
    store = KeyStore(data_dir / "keys.json")
    for record in store.records():
        if record.partner in participants() and record.revoked_at is None:
            store.revoke(record.key_id)
    return {partner: store.create(role, partner) for partner, role in participants().items()}


def _print_links(settings: Settings, keys: dict[str, str]) -> None:
    base, links = settings.base_url, Links(settings.data_dir / "link.secret")
    buyer, supplier = BUYERS[0], SUPPLIERS[0]
    rows = {
        f"Integrator of {buyer.name}": [
            f"{base}/docs  (try the API)",
            f"key of {buyer.id}: {keys[buyer.id]}",
            page_url(base, links.create(LinkHolder(Role.BUYER, buyer.id))) + "  (its suppliers)",
        ],
        f"Owner of {supplier.name}, on a phone": [
            page_url(base, links.create(LinkHolder(Role.SUPPLIER, supplier.id)))
        ],
        "Programme manager": [
            page_url(base, links.create(LinkHolder(Role.PROGRAMME, PROGRAMME))),
            f"{base}/metrics  (for Prometheus)",
        ],
    }
    for who, lines in rows.items():
        typer.echo(f"\n{who}")
        for line in lines:
            typer.echo(f"  {line}")
    typer.echo("\nNew events arrive every second. Ctrl-C stops.")


def _stop_on_signal(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
