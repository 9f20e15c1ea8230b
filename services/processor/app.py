"""The processor: builds its parts and runs them side by side.

Three parts read Kafka: the batch loop of the ledger (`batches`), the reader of the inbound topics
(`inbound_reader`), and a Faust application (`streams`) for records that are handled one by one. Two
more parts re-evaluate suppliers (`evaluator`) and record data quality findings (`finding_notes`).
A part that fails is restarted on its own.
`faust -A services.processor.app worker` runs the same parts under Faust's own worker.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import faust
from aiokafka.errors import KafkaConnectionError
from mode import Service

from schemas.catalogue import CANONICAL_TOPICS, REJECTED
from services.access.keys import KeyStore
from services.assessment.data_quality import DataQuality
from services.assessment.evaluations import EvaluationStore
from services.assessment.figure_store import FigureStore
from services.assessment.policy_in_force import put_in_force
from services.assessment.standings import Standings
from services.kafka.lag import LEDGER_GROUP
from services.kafka.producer import EventProducer
from services.kafka.safety import InLedger, OnBroker, Safety
from services.kafka.sink_progress import SinkProgress
from services.kafka.topics import BrokerUnavailable
from services.processor import faust_app
from services.processor.announcer import Announcer
from services.processor.batches import NOTHING_HELD, BatchLoop, Subscription
from services.processor.evaluator import Evaluations, Evaluator, Waits
from services.processor.finding_notes import FindingRecorder
from services.processor.inbound import Inbound, roles_by_keys
from services.processor.inbound_reader import InboundReader, InboundSettings
from services.processor.ledger_sink import LedgerSink, read_ahead
from services.processor.rejections import Rejections, RejectionSink
from services.processor.streams import Stream
from services.readiness.chosen import policy_of
from services.readiness.rules import Rules
from services.runtime.parts import Healing, OnStall, ProcessPart, Runs, Stalled
from services.settings import Settings, SettingsError
from services.store.client import BACKGROUND, ClickHouse, StoreUnavailable
from services.store.ledger import Ledger
from services.store.migrate import Placement, migrate
from services.telemetry.logs import log

_LOGGER: Final = logging.getLogger("rantai.processor")
STOP_SECONDS: Final = 4.0
_UNREACHABLE: Final = (BrokerUnavailable, StoreUnavailable, KafkaConnectionError, ConnectionError)
"""Errors that mean the broker or the store can't be reached at the moment."""


class Processor:
    """The parts of a processor, and the producer and `safety` that other services use.

    `in_memory`: the broker is embedded in this process and keeps its records in memory only. Then
    an event is safe only once it is in the ledger, and no other process reads the topics, so
    partitions are assigned without forming a consumer group.

    All methods must be called on the same event loop.
    """

    def __init__(
        self,
        settings: Settings,
        clickhouse: Callable[[], ClickHouse],
        *,
        in_memory: bool = False,
    ) -> None:
        """Build the parts without starting them. `clickhouse` is called once, on first use.

        Raises SettingsError if the policy can't be used.
        """
        self._settings, self._policy, self._in_memory = settings, policy_of(settings), in_memory
        self._store = _LazyStore(clickhouse, Rules.of(self._policy))
        self.progress = SinkProgress()
        self.producer = EventProducer(settings.kafka, timeout=settings.answer_seconds)
        self.in_ledger = InLedger(self.producer, self.progress, settings.answer_seconds)
        self.safety: Safety = self.in_ledger if in_memory else OnBroker(self.producer)
        self._refused = RejectionSink(self._store)
        self._rejections = Rejections(self.producer, self._refused if in_memory else None)
        self._batches: BatchLoop | None = None
        self.inbound: InboundReader | None = None
        makers: dict[str, Callable[[OnStall], Runs]] = {
            "ledger": self._ledger_loop,
            "inbound": self._inbound_reader,
            "evaluations": self._evaluations,
            "findings": self._findings,
        }
        if not in_memory:
            # With an in-memory broker, `Rejections` stores refusals before it publishes them.
            makers["streams"] = lambda on_stall: faust_app.FaustRun(self.streams_app(on_stall))
        healing = Healing(give_up=settings.heal_seconds)
        self.parts = [
            ProcessPart(name, make, away=_UNREACHABLE, healing=healing)
            for name, make in makers.items()
        ]

    def start(self) -> None:
        """Start every part that is not running."""
        for part in self.parts:
            part.start()

    async def restart(self, broker: asyncio.Event) -> None:
        """Restart every part: stop it, wait until `broker` is set (the broker is up), start it.

        `cli.broker_life` calls it when it restarts the embedded broker.
        """

        async def restart(part: ProcessPart) -> None:
            await part.stop()
            await broker.wait()
            part.start()

        await asyncio.gather(*map(restart, self.parts))

    async def stop(self) -> None:
        """Stop all parts and the producer, committing the offsets of what is written.

        Takes at most `STOP_SECONDS`: a sink that hangs in the store, or an unreachable broker, must
        not keep the process from ending. What was not committed is read again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(part.stop(STOP_SECONDS) for part in self.parts))
                await self.producer.close()

    @property
    def not_ready(self) -> list[str]:
        """The names of the parts that are not doing their work at the moment."""
        return [part.name for part in self.parts if not part.ready]

    @property
    def failure(self) -> BaseException | None:
        """The error of a part that is no longer restarted, or None."""
        return next((part.failure for part in self.parts if part.failure is not None), None)

    def _ledger_loop(self, on_stall: OnStall) -> BatchLoop:
        settings = self._settings
        self._batches = BatchLoop(
            Subscription(
                settings.kafka,
                LEDGER_GROUP,
                CANONICAL_TOPICS,
                settings.batch_rows,
                settings.batch_seconds,
                settings.stall_seconds,
                settings.session_seconds,
                alone=self._in_memory,
            ),
            LedgerSink(self._store, self._rejections),
            progress=self.progress,
            ahead=read_ahead,
            on_stall=on_stall,
        )
        return self._batches

    def _inbound_reader(self, on_stall: OnStall) -> InboundReader:
        settings = self._settings
        roles = roles_by_keys(KeyStore(settings.keys_path).partners)
        self.inbound = InboundReader(
            InboundSettings(
                settings.kafka, settings.inbound_discovery_seconds, settings.stall_seconds
            ),
            Inbound(self.safety, self._rejections, roles),
            lambda: NOTHING_HELD if self._batches is None else self._batches.held,
            on_stall,
        )
        return self.inbound

    def streams_app(self, on_stall: OnStall) -> faust.App:
        """Build the Faust application that copies `rantai.rejected` into the store."""
        app = faust_app.make(self._settings)
        streams = [Stream(self._refused)]
        faust_app.add_stream(app, REJECTED, streams[0])
        faust_app.add_draining(app, streams)
        faust_app.add_watch(app, streams, self._settings.stall_seconds, on_stall)
        return app

    def _evaluations(self, _: OnStall) -> Evaluations:
        waits = Waits(
            self._settings.evaluation_seconds,
            self._settings.evaluation_quiet_seconds,
            self._settings.evaluation_grace_hours * 3600,
        )

        def evaluator() -> Evaluator:
            clickhouse = self._store.store().with_share(BACKGROUND)
            store = EvaluationStore(clickhouse)
            announcer = Announcer(store, self.producer, self._settings.kafka, self._policy)
            return Evaluator(Standings(clickhouse, self._policy), store, announcer, waits)

        return Evaluations(evaluator, self._term, waits)

    def _findings(self, _: OnStall) -> FindingRecorder:
        def quality() -> DataQuality:
            clickhouse = self._store.store().with_share(BACKGROUND)
            return DataQuality(FigureStore(clickhouse, self._policy))

        return FindingRecorder(quality, self._term, self._policy, self._settings.findings_seconds)

    def _term(self) -> int | None:
        return None if self._batches is None else self._batches.term


class _LazyStore:
    """The store and its ledger, opened on first use: building the parts must not need a store."""

    def __init__(self, clickhouse: Callable[[], ClickHouse], rules: Rules) -> None:
        self._open, self._rules = clickhouse, rules
        self._clickhouse: ClickHouse | None = None
        self._ledger: Ledger | None = None

    def store(self) -> ClickHouse:
        """Return the store; opens it on the first call."""
        if self._clickhouse is None:
            self._clickhouse = self._open()
        return self._clickhouse

    def _opened_ledger(self) -> Ledger:
        if self._ledger is None:
            self._ledger = Ledger(self.store(), self._rules)
        return self._ledger

    def insert(self, records: Any, batch: Any) -> Any:
        return self._opened_ledger().insert(records, batch)

    def finish(self) -> None:
        self._opened_ledger().finish()

    def insert_json_lines(self, table: str, lines: bytes) -> None:
        self.store().insert_json_lines(table, lines)


def worker_app(processor: Processor) -> faust.App:
    """Return the application for Faust's own worker, which runs the other parts as a service.

    That worker can't restart its application: if the streams fail or stall, the worker ends.
    """
    others = [part for part in processor.parts if part.name != "streams"]

    async def crash() -> None:
        await app.crash(Stalled("the streams made no progress"))

    app = processor.streams_app(crash)

    class Beside(Service):
        async def on_start(self) -> None:
            for part in others:
                part.start()
            self.add_future(self._look())

        async def on_stop(self) -> None:
            await asyncio.gather(*(part.stop(STOP_SECONDS) for part in others))

        async def _look(self) -> None:
            while not self.should_stop:
                await self.sleep(1.0)
                if (failure := processor.failure) is not None:
                    await app.crash(failure)
                    return

    app.service(Beside)
    return app


def open_store(settings: Settings) -> ClickHouse:
    """Open the store, migrate it, and complete the batches that an ended process left incomplete.

    Records the policy as in force. Raises SettingsError, StoreUnavailable or StoreRefused.
    """
    clickhouse = (
        ClickHouse(url=settings.clickhouse_url, cluster=settings.clickhouse_cluster)
        if settings.clickhouse_url
        else ClickHouse(path=settings.data_dir / "store")
    )
    placement = Placement(settings.clickhouse_cluster, settings.fsync and clickhouse.embedded)
    policy = policy_of(settings)
    rules = Rules.of(policy)
    applied = migrate(clickhouse, placement, rules=rules)
    put_in_force(clickhouse, policy)
    repaired = Ledger(clickhouse, rules).repair()
    log(_LOGGER, "store_ready", migrations=applied, batches_completed=repaired)
    return clickhouse


def __getattr__(name: str) -> Any:
    """Build `app` from `RANTAI_*` variables when a Faust worker imports it.

    Raises SettingsError if no ClickHouse URL is set.
    """
    if name == "app":
        settings = Settings.from_environment()
        if settings.clickhouse_url is None:
            # Embedded, nothing would keep a second worker from opening the same store.
            raise SettingsError(
                "RANTAI_CLICKHOUSE_URL: is required; the embedded engine serves 'rantai up' alone"
            )
        made = worker_app(Processor(settings, lambda: open_store(settings)))
        globals()["app"] = made
        return made
    raise AttributeError(name)
