"""The processor as a Faust application: `faust -A services.processor.app worker` runs it.

Beside its agents the application runs the ledger sink as a service with a consumer, batches and
offsets of its own: at 10,000 events a second and core, agents alone are too slow for it.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import faust
from mode import Service

from schemas.catalogue import CANONICAL_TOPICS, REJECTED
from services.access.keys import KeyStore
from services.bus.lag import LEDGER_GROUP, STREAMS_GROUP
from services.bus.producer import EventProducer
from services.bus.progress import Progress
from services.processor.announcing import Announcer
from services.processor.batches import BatchLoop, Subscription
from services.processor.evaluating import Evaluations, Evaluator, Waits
from services.processor.inbound import Inbound, roles_by_keys
from services.processor.ledger_sink import AppendsBatches, LedgerSink, read_ahead
from services.processor.rejections import Rejections, RejectionSink
from services.processor.stream_watch import StreamWatch
from services.processor.streams import Stream, StreamsService
from services.readiness.chosen import policy_of
from services.readiness.policy import Policy
from services.readiness.rules import Rules
from services.settings import Settings
from services.telemetry.logs import log
from services.warehouse.client import BACKGROUND, Warehouse
from services.warehouse.evaluations import EvaluationStore
from services.warehouse.ledger import Ledger
from services.warehouse.migrate import Placement, migrate
from services.warehouse.policies import put_in_force
from services.warehouse.standings import Standings

_LOGGER: Final = logging.getLogger("rantai.processor")
STOP_SECONDS: Final = 4.0


async def end_process() -> None:
    """End the process at once: a stalled sink can't be trusted to stop in good order."""
    log(_LOGGER, "process_ends", level=logging.CRITICAL, reason="stalled")
    os._exit(70)


class SinkService(Service):
    """Runs the ledger's batch loop inside the application; its failure is the application's."""

    def __init__(self, app: faust.App, running: "SinkTask", **options: Any) -> None:
        super().__init__(**options)
        self._app, self._running = app, running

    async def on_start(self) -> None:
        """Start reading, unless that was done already."""
        self.add_future(self._run())

    async def on_stop(self) -> None:
        """Let the batch at hand end."""
        await self._running.stop()

    async def _run(self) -> None:
        try:
            await self._running.begin()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log(_LOGGER, "sink_failed", level=logging.CRITICAL, error=repr(error)[:500])
            await self._app.crash(error)
            raise


class SinkTask:
    """The ledger's batch loop as a task, begun by whoever comes first.

    Faust starts its services only when its own group has formed; where the process can, it begins
    the sink before, so that the two groups form side by side.
    """

    def __init__(self, batches: BatchLoop) -> None:
        self.batches = batches
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> "asyncio.Task[None]":
        """Return the running task."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self.batches.run())
        return self._task

    async def stop(self) -> None:
        """Let the batch at hand end, and wait for it."""
        await self.batches.stop()
        if self._task is not None:
            with suppress(asyncio.CancelledError, Exception):
                await self._task


@dataclass(slots=True)
class Processor:
    """The application with what others need of it: its progress and whether it is ready."""

    app: faust.App
    sink: SinkTask
    progress: Progress
    producer: EventProducer

    @property
    def ready(self) -> bool:
        """Whether the ledger sink has partitions and the agents are running."""
        running = bool(self.app.started) and not self.app.crashed
        return running and self.sink.batches.ready.is_set()

    async def start(self) -> None:
        """Start the sink and the agents; return when the agents have partitions."""
        self.sink.begin()
        await self.app.start()

    @property
    def failure(self) -> BaseException | None:
        """Why the application failed, or None; it does not start again by itself."""
        if not self.app.crashed:
            return None
        reason: BaseException | None = self.app.crash_reason
        return reason or RuntimeError("the application failed")

    async def stop(self) -> None:
        """Stop in good order: what is written is committed.

        Bounded: neither a sink that hangs in the store nor a broker that is away must keep the
        process from ending. What was not committed is read again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.app.stop()
                await self.sink.stop()
                await self.producer.close()


def create(
    settings: Settings,
    warehouse: Callable[[], Warehouse],
    *,
    progress: Progress | None = None,
    ledger: AppendsBatches | None = None,
    on_stall: Callable[[], Awaitable[None]] = end_process,
) -> Processor:
    """Make the processor. `warehouse` is called once, when the application starts.

    Raises SettingsError for a policy that can't be used.
    """
    policy = policy_of(settings)
    rules = Rules.of(policy)
    bootstrap = settings.kafka
    app = faust.App(
        STREAMS_GROUP,
        broker=[f"aiokafka://{server}" for server in bootstrap.split(",")],
        store="memory://",
        # Nothing is kept there, but the folder is made, by default where the process was started.
        datadir=settings.data_dir / "streams",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 10,
        # With the default of 60 s a group takes half a minute to start.
        broker_rebalance_timeout=5.0,
        broker_max_poll_interval=600.0,
        # Stopping does not wait for acknowledgements that a lost broker or store never lets come:
        # what was not acknowledged is read again.
        stream_wait_empty=False,
    )
    # How long a new inbound topic waits before it is subscribed; the default of 45 s is for
    # agents that add topics all the time.
    app.topics._resubscribe_sleep_lock_seconds = 0.5
    progress = progress or Progress()
    producer = EventProducer(bootstrap, timeout=settings.answer_seconds)
    rejections = Rejections(producer)
    roles = roles_by_keys(KeyStore(settings.keys_path).partners)
    inbound = Stream(Inbound(producer, rejections, roles))
    late = _Late(warehouse, ledger, rules)
    refused = Stream(RejectionSink(late))
    batches = BatchLoop(
        Subscription(
            bootstrap,
            LEDGER_GROUP,
            CANONICAL_TOPICS,
            settings.batch_rows,
            settings.batch_seconds,
            settings.stall_seconds,
            settings.session_seconds,
        ),
        LedgerSink(late, rejections),
        progress=progress,
        ahead=read_ahead,
        on_stall=on_stall,
    )
    subscribe = _subscriber(app, inbound)
    _agent(app, REJECTED, refused)
    sink = SinkTask(batches)
    streams = [inbound, refused]
    _add_services(app, sink, streams, settings, subscribe)
    _add_watch(app, streams, settings.stall_seconds, on_stall)
    if ledger is None:
        evaluator = partial(_evaluator, late, policy, producer, settings)
        _add_evaluations(app, evaluator, batches, settings)
    return Processor(app, sink, progress, producer)


class _Late:
    """The store, opened on first use: making the application must not need one."""

    def __init__(
        self, warehouse: Callable[[], Warehouse], ledger: AppendsBatches | None, rules: Rules
    ) -> None:
        self._open, self._ledger, self._rules = warehouse, ledger, rules
        self._warehouse: Warehouse | None = None

    def store(self) -> Warehouse:
        """Return the store, open."""
        if self._warehouse is None:
            self._warehouse = self._open()
        return self._warehouse

    def _of_store(self) -> AppendsBatches:
        if self._ledger is None:
            self._ledger = Ledger(self.store(), self._rules)
        return self._ledger

    def insert(self, records: Any, batch: Any) -> Any:
        return self._of_store().insert(records, batch)

    def finish(self) -> None:
        self._of_store().finish()

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        self.store().insert_json_lines(table, lines)


def _agent(app: faust.App, topic: str, stream: Stream) -> Any:
    channel = app.topic(topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    return app.agent(channel, name=f"stream.{topic}")(stream.feed)


def _subscriber(app: faust.App, inbound: Stream) -> Callable[[str], Awaitable[None]]:
    async def subscribe(topic: str) -> None:
        agent = _agent(app, topic, inbound)
        await agent.maybe_start()

    return subscribe


def _add_services(
    app: faust.App,
    sink: SinkTask,
    streams: list[Stream],
    settings: Settings,
    subscribe: Callable[[str], Awaitable[None]],
) -> None:
    class Sinking(SinkService):
        def __init__(self, **options: Any) -> None:
            super().__init__(app, sink, **options)

    class Streaming(StreamsService):
        def __init__(self, **options: Any) -> None:
            super().__init__(
                app,
                streams,
                settings.kafka,
                subscribe,
                settings.inbound_discovery_seconds,
                **options,
            )

    app.service(Sinking)
    app.service(Streaming)


def _add_watch(
    app: faust.App,
    streams: list[Stream],
    stall_seconds: float,
    on_stall: Callable[[], Awaitable[None]],
) -> None:
    class Watching(StreamWatch):
        def __init__(self, **options: Any) -> None:
            super().__init__(app, streams, stall_seconds, on_stall, **options)

    app.service(Watching)


def _evaluator(
    late: _Late, policy: Policy, producer: EventProducer, settings: Settings
) -> Evaluator:
    warehouse = late.store().apart(BACKGROUND)
    store = EvaluationStore(warehouse)
    announcer = Announcer(store, producer, settings.kafka, policy)
    return Evaluator(Standings(warehouse, policy), store, announcer, _waits(settings))


def _waits(settings: Settings) -> Waits:
    return Waits(
        settings.evaluation_seconds,
        settings.evaluation_quiet_seconds,
        settings.evaluation_grace_hours * 3600,
    )


def _add_evaluations(
    app: faust.App, evaluator: Callable[[], Evaluator], batches: BatchLoop, settings: Settings
) -> None:
    class Evaluating(Evaluations):
        def __init__(self, **options: Any) -> None:
            super().__init__(evaluator, lambda: batches.term, _waits(settings), **options)

    app.service(Evaluating)


def open_store(settings: Settings) -> Warehouse:
    """Open the store, bring it to this version, and complete what an ended process left."""
    warehouse = (
        Warehouse(url=settings.clickhouse_url, cluster=settings.clickhouse_cluster)
        if settings.clickhouse_url
        else Warehouse(path=settings.data_dir / "store")
    )
    placement = Placement(settings.clickhouse_cluster, settings.fsync and warehouse.embedded)
    policy = policy_of(settings)
    rules = Rules.of(policy)
    applied = migrate(warehouse, placement, rules=rules)
    put_in_force(warehouse, policy)
    repaired = Ledger(warehouse, rules).repair()
    log(_LOGGER, "store_ready", migrations=applied, batches_completed=repaired)
    return warehouse


def __getattr__(name: str) -> Any:
    """Make `app` when a Faust worker asks for it, from `RANTAI_*` variables."""
    if name == "app":
        settings = Settings.from_environment()
        made = create(settings, lambda: open_store(settings)).app
        globals()["app"] = made
        return made
    raise AttributeError(name)
