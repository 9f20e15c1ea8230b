"""`rantai up`: everything in one process."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from services.access.keys import KeyStore
from services.access.record_file import RecordFileError
from services.cli import compose
from services.cli.broker_life import BrokerLife
from services.cli.data_dir import hold_data_dir, remove_run_file, write_run_file
from services.cli.endpoint import exit_with_error, operator_key
from services.exporter.looks import watching
from services.kafka.embedded_broker import (
    EMBEDDED_BATCH_SECONDS,
    EMBEDDED_SESSION_SECONDS,
    EmbeddedBroker,
    free_port,
)
from services.kafka.topics import BrokerUnavailable, apply
from services.processor.app import Processor, open_store
from services.readiness.chosen import policy_of
from services.runtime.heap import bound_heaps
from services.runtime.parts import Healing, ProcessPart
from services.settings import Settings, SettingsError
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.telemetry.logs import configure, log

_LOGGER: Final = logging.getLogger("rantai.up")
_PARTNERS_SECONDS: Final = 1.0


@dataclass(slots=True)
class Running:
    """What runs in one process. `server` is not serving yet: the caller of `running` starts it."""

    settings: Settings
    parts: list[compose.MayFail]
    store: ClickHouse
    server: uvicorn.Server


def up(  # noqa: PLR0913 - options of a command
    *,
    data_dir: Annotated[
        Path, typer.Option(envvar="RANTAI_DATA_DIR", help="folder of keys, links and the store")
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
        int, typer.Option(min=0, max=65535, help="port of the embedded broker; 0 = any free")
    ] = 0,
) -> None:
    """Run everything in one process, until SIGTERM or Ctrl-C.

    Example: rantai up --data-dir var/rantai --port 8080
    """
    configure()
    bound_heaps()
    broker = None if kafka else EmbeddedBroker(broker_port)
    try:
        settings = _settings(data_dir, host, port, kafka, clickhouse, broker)
        asyncio.run(_run_until_stopped(settings, broker))
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


def _settings(  # noqa: PLR0913, PLR0917 - options of a command
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
        # Requests wait for the ledger: a batch has what arrived while the last one was stored.
        given["batch_seconds"] = EMBEDDED_BATCH_SECONDS
        given["session_seconds"] = EMBEDDED_SESSION_SECONDS
    known = {key: value for key, value in given.items() if value is not None}
    return Settings.from_environment().model_copy(update=known)


async def _run_until_stopped(settings: Settings, broker: EmbeddedBroker | None) -> None:
    async with running(settings, broker) as everything:
        compose.stop_on_signal(everything.server)
        log(_LOGGER, "listening", url=settings.base_url, broker=settings.kafka)
        typer.echo(f"Rantai listens on {settings.base_url} (broker {settings.kafka})", err=True)
        await everything.server.serve()
        log(_LOGGER, "draining")
        compose.raise_failure(everything.parts)
    log(_LOGGER, "stopped")


@asynccontextmanager
async def running(
    settings: Settings, broker: EmbeddedBroker | None, command: str = "rantai up"
) -> AsyncIterator[Running]:
    """Start everything but the HTTP server; stop it in reverse order at the end.

    `command` names this process to others that want the data directory. Raises SettingsError before
    anything is started, and BrokerUnavailable, StoreUnavailable or StoreRefused if the broker or
    the store can't be used.
    """
    policy = policy_of(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_data_dir(settings.data_dir, command))
        _require_free(settings)
        if broker is not None:
            await asyncio.to_thread(broker.start)
            stack.callback(broker.stop)
        keys = KeyStore(settings.keys_path)
        operator_key(settings.data_dir, keys)
        if broker is None:
            await asyncio.to_thread(_apply_topics, settings, keys, in_memory=False)
        store = await asyncio.to_thread(open_store, settings)
        stack.push_async_callback(asyncio.to_thread, store.close)
        processor = Processor(settings, lambda: store, in_memory=broker is not None)
        stack.push_async_callback(processor.stop)
        parts = [
            ProcessPart(
                "topics",
                lambda _: InboundTopics(settings, keys, in_memory=broker is not None),
                away=(BrokerUnavailable,),
            )
        ]
        if broker is None:
            processor.start()
        else:
            parts.append(_broker_part(settings, broker, processor, keys))
        for part in parts:
            part.start()
            stack.push_async_callback(part.stop)
        app = compose.application(
            "Rantai",
            [
                compose.gateway_routes(settings, keys, processor.safety),
                *compose.scorecard_routes(settings, keys, store, policy, processor.safety),
                compose.operations_routes(settings, keys, store, processor.safety, policy),
                compose.metrics_routes(),
            ],
            _check(processor, parts),
            compose.reads(settings, keys),
        )
        server = compose.server(app, settings)
        stack.enter_context(watching(compose.watch(settings, policy, lambda: store)))
        watched: list[compose.MayFail] = [processor, *parts]
        await stack.enter_async_context(_beside(compose.stop_server_on_failure(watched, server)))
        write_run_file(
            settings.data_dir, settings.base_url, settings.kafka, settings.keys_path.resolve()
        )
        stack.callback(remove_run_file, settings.data_dir)
        yield Running(settings, watched, store, server)


def _require_free(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"can't listen on {settings.host}:{settings.port} ({error.strerror}); "
                "choose another port with --port"
            ) from None


def _apply_topics(settings: Settings, keys: KeyStore, *, in_memory: bool) -> None:
    apply(
        settings.kafka,
        partners=keys.partners(),
        partitions=settings.partitions,
        replication=settings.replication,
        single_inbound=in_memory,
    )


def _broker_part(
    settings: Settings, broker: EmbeddedBroker, processor: Processor, keys: KeyStore
) -> ProcessPart:
    async def apply_topics() -> None:
        await asyncio.to_thread(_apply_topics, settings, keys, in_memory=True)

    limit = settings.embedded_log_mb * 1024 * 1024
    return ProcessPart(
        "broker",
        lambda _: BrokerLife(broker, processor, apply_topics, limit),
        healing=Healing(give_up=settings.heal_seconds),
    )


def _check(
    processor: Processor, parts: Sequence[ProcessPart]
) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        waiting = [part.name for part in parts if not part.ready] + processor.not_ready
        return ", ".join(waiting) or None

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


class InboundTopics:
    """Creates the inbound topic of each partner that has a key, or gets one while this runs."""

    def __init__(self, settings: Settings, keys: KeyStore, *, in_memory: bool) -> None:
        self._settings, self._keys, self._in_memory = settings, keys, in_memory
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()

    async def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    async def run(self) -> None:
        """Create the topics of new partners until `stop`. Raises BrokerUnavailable."""
        known: set[str] = set()
        while not self._stopping.is_set():
            partners = set(self._keys.partners())
            if partners - known:
                await asyncio.to_thread(
                    _apply_topics, self._settings, self._keys, in_memory=self._in_memory
                )
                known = partners
            self.ready.set()
            await asyncio.sleep(_PARTNERS_SECONDS)
