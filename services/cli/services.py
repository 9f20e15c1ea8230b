"""The services, each as a process of its own, configured by `RANTAI_*` variables alone."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from threading import Lock
from typing import Any, Final

import typer
from fastapi import FastAPI

from services.access.keys import KeyStore
from services.assessment.policy_in_force import put_in_force
from services.cli import compose
from services.cli.endpoint import exit_with_error
from services.exporter.looks import watching
from services.kafka.producer import EventProducer
from services.kafka.safety import OnBroker
from services.kafka.topics import BrokerUnavailable, check_reachable
from services.readiness.chosen import policy_of
from services.readiness.rules import Rules
from services.runtime.heap import bound_heaps
from services.settings import Settings, SettingsError
from services.store.client import ClickHouse, StoreRefused, StoreUnavailable
from services.store.migrate import Placement, migrate
from services.telemetry.logs import configure

_PROBE_SECONDS: Final = 2.0


def gateway() -> None:
    """Accept events over HTTP. Reads RANTAI_KAFKA, RANTAI_KEYS_FILE, RANTAI_HOST, RANTAI_PORT, ...

    Example: RANTAI_KAFKA=broker:9092 RANTAI_PORT=8080 rantai gateway
    """
    _run(_gateway)


def scorecards() -> None:
    """Serve figures and pages. Reads RANTAI_CLICKHOUSE_URL, RANTAI_KAFKA, RANTAI_DATA_DIR, ...

    Example: RANTAI_CLICKHOUSE_URL=http://clickhouse:8123/rantai rantai scorecards
    """
    _run(_scorecards)


def exporter() -> None:
    """Serve metrics for Prometheus. Reads RANTAI_CLICKHOUSE_URL, RANTAI_KAFKA, RANTAI_PORT, ...

    Example: RANTAI_KAFKA=broker:9092 RANTAI_CLICKHOUSE_URL=http://ch:8123/rantai rantai exporter
    """
    _run(_exporter)


def processor() -> None:
    """Validate inbound topics and write the ledger. Reads RANTAI_KAFKA, RANTAI_CLICKHOUSE_URL, ...

    Example: RANTAI_KAFKA=broker:9092 RANTAI_CLICKHOUSE_URL=http://ch:8123/rantai rantai processor
    """
    _run(_processor)


def migrate_store() -> None:
    """Migrate the store to this version. Reads RANTAI_CLICKHOUSE_URL, RANTAI_CLICKHOUSE_CLUSTER.

    Example: RANTAI_CLICKHOUSE_URL=http://clickhouse:8123/rantai rantai migrate
    """
    settings = Settings.from_environment()
    policy = policy_of(settings)
    try:
        clickhouse = _clickhouse(settings)
        placement = Placement(settings.clickhouse_cluster, fsync=False)
        applied = migrate(clickhouse, placement, rules=Rules.of(policy))
        put_in_force(clickhouse, policy)
    except (StoreUnavailable, StoreRefused) as error:
        raise exit_with_error(str(error)) from None
    typer.echo("\n".join(applied) or "nothing to do")


def _run(service: Any) -> None:
    configure()
    bound_heaps()
    try:
        settings = Settings.from_environment()
        work: Coroutine[Any, Any, None] = service(settings)
        asyncio.run(work)
    except compose.PartFailed as error:
        raise exit_with_error(str(error), code=70) from None
    except (BrokerUnavailable, StoreUnavailable, StoreRefused) as error:
        raise exit_with_error(str(error)) from None


def _clickhouse(settings: Settings) -> ClickHouse:
    if settings.clickhouse_url is None:
        raise SettingsError(
            "RANTAI_CLICKHOUSE_URL: is required; the embedded engine serves 'rantai up' alone"
        )
    return ClickHouse(url=settings.clickhouse_url, cluster=settings.clickhouse_cluster)


async def _serve(app: FastAPI, settings: Settings) -> None:
    server = compose.server(app, settings)
    compose.stop_on_signal(server)
    await server.serve()


async def _gateway(settings: Settings) -> None:
    keys = KeyStore(settings.keys_path)
    producer = EventProducer(settings.kafka, timeout=settings.answer_seconds)

    async def check() -> str | None:
        try:
            # The client keeps trying to reach an absent broker; a readiness probe must not.
            async with asyncio.timeout(_PROBE_SECONDS):
                await asyncio.to_thread(check_reachable, settings.kafka)
        except (BrokerUnavailable, TimeoutError):
            return "the broker"
        return None

    routers = [
        compose.gateway_routes(settings, keys, OnBroker(producer)),
        compose.metrics_routes(),
    ]
    try:
        await _serve(compose.application("Rantai gateway", routers, check), settings)
    finally:
        await producer.close()


async def _scorecards(settings: Settings) -> None:
    policy = policy_of(settings)
    keys = KeyStore(settings.keys_path)
    clickhouse = await asyncio.to_thread(_clickhouse, settings)
    placement = Placement(settings.clickhouse_cluster, fsync=False)
    await asyncio.to_thread(migrate, clickhouse, placement, None, Rules.of(policy))
    await asyncio.to_thread(put_in_force, clickhouse, policy)
    producer = EventProducer(settings.kafka, timeout=settings.answer_seconds)

    async def check() -> str | None:
        try:
            await asyncio.to_thread(clickhouse.rows, "SELECT 1")
        except StoreUnavailable:
            return "the store"
        return None

    safety = OnBroker(producer)
    routers = [
        *compose.scorecard_routes(settings, keys, clickhouse, policy, safety),
        compose.operations_routes(settings, keys, clickhouse, safety, policy),
        compose.metrics_routes(),
    ]
    try:
        await _serve(
            compose.application("Rantai scorecards", routers, check, compose.reads(settings, keys)),
            settings,
        )
    finally:
        await producer.close()
        await asyncio.to_thread(clickhouse.close)


async def _exporter(settings: Settings) -> None:
    if settings.clickhouse_url is None:
        _clickhouse(settings)
    store = _Store(settings)

    async def check() -> str | None:
        # Always ready: an unreachable store is shown by a metric, which this service must serve.
        return None

    app = compose.application("Rantai exporter", [compose.metrics_routes()], check)
    with watching(compose.watch(settings, policy_of(settings), store.open)):
        await _serve(app, settings)


class _Store:
    """Opens the store on first use, and tries again on the next use if it was unreachable."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._clickhouse: ClickHouse | None = None

    def open(self) -> ClickHouse:
        """Return the store. Raises StoreUnavailable. May be called from any thread."""
        with self._lock:
            if self._clickhouse is None:
                self._clickhouse = _clickhouse(self._settings)
            return self._clickhouse


async def _processor(settings: Settings) -> None:
    # Imported here: no other service needs Faust.
    from services.processor.app import Processor, open_store  # noqa: PLC0415

    if settings.clickhouse_url is None:
        _clickhouse(settings)
    clickhouse = await asyncio.to_thread(open_store, settings)
    made = Processor(settings, lambda: clickhouse)

    async def check() -> str | None:
        return ", ".join(made.not_ready) or None

    app = compose.application("Rantai processor", [compose.metrics_routes()], check)
    server = compose.server(app, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, clickhouse.close)
        stack.push_async_callback(made.stop)
        made.start()
        watch = asyncio.create_task(compose.stop_server_on_failure([made], server))
        stack.callback(watch.cancel)
        compose.stop_on_signal(server)
        await server.serve()
    compose.raise_failure([made])
