"""Faust as this project uses it: an application made with its streams, run until it fails.

Faust reads topics that are fixed when it starts. Its consumer fails where topics come to it during
a rebalance, so what may come at any time is read by `inbound_reader`.
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
    """Make an application without streams."""
    return faust.App(
        STREAMS_GROUP,
        broker=[f"aiokafka://{server}" for server in settings.kafka.split(",")],
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


class FaustRun:
    """One run of a Faust application. An application that crashed can't be started again."""

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """End in good order."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`. Raises why the application crashed."""
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
    """Let an application read a topic into a stream."""
    channel = app.topic(topic, key_serializer="raw", value_serializer="raw", value_type=bytes)
    app.agent(channel, name=f"stream.{topic}")(stream.feed)


def add_draining(app: faust.App, streams: Sequence[Stream]) -> None:
    """Let an application write what its streams have read; a stream that fails crashes it."""

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
    """Let an application tell where its streams stall; in the place of Faust's own check.

    That one tells an error every few seconds of each partition without a record yet.
    """
    app.consumer.verify_event_path = _nothing

    class Watching(StreamWatch):
        def __init__(self, **options: Any) -> None:
            super().__init__(app, streams, stall_seconds, on_stall, **options)

    app.service(Watching)


def _nothing(_now: float, _place: object) -> None:
    return None
