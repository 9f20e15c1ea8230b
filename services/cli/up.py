"""`rantai up`: everything in one process."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from services.access.keys import KeyStore
from services.bus.embedded import (
    EMBEDDED_BATCH_SECONDS,
    EMBEDDED_SESSION_SECONDS,
    EmbeddedBroker,
    free_port,
)
from services.bus.safety import InLedger, OnBroker, Safety
from services.bus.topics import BrokerUnavailable, apply
from services.cli import compose
from services.cli.running import fail, operator_key, read_run_file, remove_run_file, write_run_file
from services.exporter.watching import watching
from services.processor.app import Processor, create, open_store
from services.readiness.chosen import policy_of
from services.settings import Settings, SettingsError
from services.telemetry.logs import configure, log
from services.warehouse.client import StoreRefused, StoreUnavailable, Warehouse

_LOGGER: Final = logging.getLogger("rantai.up")


@dataclass(slots=True)
class Running:
    """One process with everything in it."""

    settings: Settings
    processor: Processor
    warehouse: Warehouse
    server: uvicorn.Server


def up(  # noqa: PLR0913 - options of a command
    *,
    data_dir: Annotated[
        Path, typer.Option(envvar="RANTAI_DATA_DIR", help="keys, links and the store")
    ] = Path("var/rantai"),
    port: Annotated[int, typer.Option(envvar="RANTAI_PORT", min=0, max=65535)] = 8080,
    host: Annotated[str, typer.Option(envvar="RANTAI_HOST")] = "127.0.0.1",
    kafka: Annotated[
        str | None, typer.Option(help="HOST:PORT of a Kafka; default: the embedded broker")
    ] = None,
    clickhouse: Annotated[
        str | None, typer.Option(help="URL of a ClickHouse; default: the embedded engine")
    ] = None,
    broker_port: Annotated[
        int, typer.Option(min=0, max=65535, help="of the embedded broker; 0 = any free")
    ] = 0,
) -> None:
    """Run everything in one process, until SIGTERM or Ctrl-C.

    Example: rantai up --data-dir var/rantai --port 8080
    """
    configure()
    broker = None if kafka else EmbeddedBroker(broker_port)
    try:
        settings = _settings(data_dir, host, port, kafka, clickhouse, broker)
        asyncio.run(_until_told(settings, broker))
    except compose.PartFailed as error:
        raise fail(str(error), code=70) from None
    except (SettingsError, BrokerUnavailable, StoreUnavailable, StoreRefused, OSError) as error:
        raise fail(str(error)) from None


def _settings(  # noqa: PLR0913, PLR0917 - the options, one by one
    data_dir: Path,
    host: str,
    port: int,
    kafka: str | None,
    clickhouse: str | None,
    broker: EmbeddedBroker | None,
) -> Settings:
    given = {
        "data_dir": data_dir.resolve(),
        "host": host,
        "port": port or free_port(),
        "kafka": kafka or (broker.bootstrap if broker else None),
        "clickhouse_url": clickhouse,
    }
    if broker is not None:
        # Whoever posts waits for the ledger: a batch is what came while the last one was stored.
        given["batch_seconds"] = EMBEDDED_BATCH_SECONDS
        given["session_seconds"] = EMBEDDED_SESSION_SECONDS
    known = {key: value for key, value in given.items() if value is not None}
    return Settings.from_environment().model_copy(update=known)


async def _until_told(settings: Settings, broker: EmbeddedBroker | None) -> None:
    async with running(settings, broker) as everything:
        compose.stop_on_signal(everything.server)
        log(_LOGGER, "listening", url=settings.base_url, broker=settings.kafka)
        typer.echo(f"Rantai listens on {settings.base_url} (broker {settings.kafka})", err=True)
        await everything.server.serve()
        log(_LOGGER, "draining")
        if broker is not None and not broker.running:
            raise BrokerUnavailable("the embedded broker ended; start again: nothing is lost")
        compose.raise_failure(everything.processor)
    log(_LOGGER, "stopped")


@asynccontextmanager
async def running(settings: Settings, broker: EmbeddedBroker | None) -> AsyncIterator[Running]:
    """Start everything but the HTTP server; stop it in the opposite order.

    Raises SettingsError before anything is started, BrokerUnavailable and StoreUnavailable where a
    part can't be had.
    """
    policy = policy_of(settings)
    _refuse_second(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _require_free(settings)
    async with AsyncExitStack() as stack:
        if broker is not None:
            await asyncio.to_thread(broker.start)
            stack.callback(broker.stop)
        keys = KeyStore(settings.keys_path)
        operator_key(settings.data_dir)
        await asyncio.to_thread(_apply_topics, settings, keys)
        warehouse = await asyncio.to_thread(open_store, settings)
        stack.push_async_callback(asyncio.to_thread, warehouse.close)
        processor = create(settings, lambda: warehouse)
        await processor.start()
        stack.push_async_callback(processor.stop)
        safety: Safety = OnBroker(processor.producer)
        if broker is not None:
            safety = InLedger(processor.producer, processor.progress, settings.answer_seconds)
        app = compose.application(
            "Rantai",
            [
                compose.gateway_routes(settings, keys, safety),
                *compose.scorecard_routes(settings, keys, warehouse, policy, safety),
                compose.operations_routes(settings, keys, warehouse, safety, policy),
                compose.metrics_routes(),
            ],
            _check(processor, broker),
            compose.reads(settings, keys),
        )
        server = compose.server(app, settings)
        stack.enter_context(watching(compose.watch(settings, policy, lambda: warehouse)))
        await stack.enter_async_context(_beside(_new_partners(settings, keys)))
        await stack.enter_async_context(_beside(_broker_lives(broker, server)))
        await stack.enter_async_context(_beside(compose.end_with(processor, server)))
        write_run_file(settings.data_dir, settings.base_url, settings.kafka)
        stack.callback(remove_run_file, settings.data_dir)
        yield Running(settings, processor, warehouse, server)


def _refuse_second(settings: Settings) -> None:
    note = read_run_file(settings.data_dir)
    if note is not None:
        raise SettingsError(
            f"process {note['pid']} runs on {settings.data_dir} already, at {note['url']}; "
            "one store takes one process"
        )


def _require_free(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"{settings.host}:{settings.port} can't be listened on ({error.strerror}); "
                "choose another with --port"
            ) from None


def _apply_topics(settings: Settings, keys: KeyStore) -> None:
    apply(
        settings.kafka,
        partners=keys.partners(),
        partitions=settings.partitions,
        replication=settings.replication,
    )


def _check(
    processor: Processor, broker: EmbeddedBroker | None
) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        if broker is not None and not broker.running:
            return "the broker"
        return None if processor.ready else "the sink"

    return check


@asynccontextmanager
async def _beside(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _new_partners(settings: Settings, keys: KeyStore) -> None:
    """Give each partner with a key its inbound topic."""
    known = set(keys.partners())
    while True:
        await asyncio.sleep(1)
        partners = set(keys.partners())
        if partners - known:
            try:
                await asyncio.to_thread(_apply_topics, settings, keys)
                known = partners
            except BrokerUnavailable as error:
                log(_LOGGER, "topics_failed", level=logging.WARNING, error=str(error)[:200])


async def _broker_lives(broker: EmbeddedBroker | None, server: uvicorn.Server) -> None:
    """End the process with its broker: nothing comes in without it, and a start makes both anew."""
    while broker is not None:
        await asyncio.sleep(1)
        if not broker.running:
            log(_LOGGER, "broker_ended", level=logging.CRITICAL)
            compose.stop(server)
            return
