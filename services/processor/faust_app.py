"""Builds a Faust application with its streams, and runs it until it fails.

Faust reads a set of topics that is fixed when it starts: its consumer fails if topics are added
during a rebalance. Inbound topics, which may appear at any time, are read by `inbound_reader`
instead.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import faust
from mode import Service

from services.kafka.lag import STREAMS_GROUP
from services.processor.stream_watch import StreamWatch
from services.processor.streams import Stream
from services.runtime.parts import OnStall
from services.settings import Settings

_LOOK_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 3.5


def make(settings: Settings) -> faust.App:
    """Return a Faust application without streams; add them with `add_stream`."""
    return faust.App(
        STREAMS_GROUP,
        broker=[f"aiokafka://{server}" for server in settings.kafka.split(",")],
        store="memory://",
        # Faust creates this folder, by default in the working directory, but stores nothing in it.
        datadir=settings.data_dir / "streams",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 10,
        # With the default of 60 s, a group takes half a minute to start.
        broker_rebalance_timeout=5.0,
        broker_max_poll_interval=600.0,
        # Don't wait when stopping: if the broker or the store is lost, acknowledgements never come.
        # What was not acknowledged is read again.
        stream_wait_empty=False,
    )


class FaustRun:
    """One run of a Faust application: one that crashed can't be started again."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """Ask `run` to stop the application and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`. Raises the error that crashed the application."""
        try:
            await self._app.start()
            self.ready.set()
            while not self._stopping.is_set():
                if self._app.crashed:
                    raise self._app.crash_reason or RuntimeError("the application crashed")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _LOOK_SECONDS)
        finally:
            await self._end()

    async def _end(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(_STOP_SECONDS):
                await self._app.stop()


def add_stream(app: faust.App, topic: str, stream: Stream) -> None:
    """Add an agent that feeds the records of `topic` to `stream`."""
    channel = app.topic(topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    app.agent(channel, name=f"stream.{topic}")(stream.feed)


def add_draining(app: faust.App, streams: Sequence[Stream]) -> None:
    """Add a service that writes what the streams read; if one fails, the application crashes."""

    class Draining(Service):
        async def on_start(self) -> None:
            for stream in streams:
                self.add_future(_draining(app, stream))

    app.service(Draining)


async def _draining(app: faust.App, stream: Stream) -> None:
    try:
        await stream.drain()
    except asyncio.CancelledError:
        raise
    except Exception as error:
        await app.crash(error)
        raise


def add_watch(
    app: faust.App, streams: Sequence[Stream], stall_seconds: float, on_stall: OnStall
) -> None:
    """Add a service that calls `on_stall` when a stream stalls, and disable Faust's own check.

    Faust's check logs an error every few seconds for each partition that has no record yet.
    """
    app.consumer.verify_event_path = _nothing

    class Watching(StreamWatch):
        def __init__(self, **options: Any) -> None:
            super().__init__(app, streams, stall_seconds, on_stall, **options)

    app.service(Watching)


def _nothing(_now: float, _place: object) -> None:
    return None
