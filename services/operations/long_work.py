"""Work of minutes that a request starts: it runs in a thread and streams progress as JSON lines."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi.responses import StreamingResponse

from services.http.service import Problem
from services.runtime.turns import Turns

Row = Mapping[str, Any]


@dataclass(slots=True)
class LongWork:
    """One piece of work, of which only one may run at a time.

    `run` blocks. It calls its argument with rows of progress, and returns what the last line says
    beside `finished`. `abandoned` is set when the client disconnects; work that nobody needs then
    should end early.
    """

    name: str
    run: Callable[[Callable[[Row], None]], Row]
    busy: threading.Lock
    abandoned: threading.Event = field(default_factory=threading.Event)
    _rows: asyncio.Queue[Row | None] = field(default_factory=asyncio.Queue)
    _running: asyncio.Task[None] | None = None

    def stream(self, threads: Turns) -> StreamingResponse:
        """Start the work and return the response that tells its progress.

        Raises Problem 409 if such work is running. The thread itself releases `busy` at its end:
        a client that disconnects must not let a second run begin beside the first.
        """
        if not self.busy.acquire(blocking=False):
            raise Problem(409, f"a {self.name} is running already")
        loop = asyncio.get_running_loop()
        self._running = asyncio.create_task(threads.run(self.name, lambda: self._work(loop)))
        return StreamingResponse(self._lines(), media_type="application/x-ndjson")

    async def _lines(self) -> AsyncIterator[bytes]:
        try:
            while (row := await self._rows.get()) is not None:
                yield json.dumps(row).encode() + b"\n"
        finally:
            self.abandoned.set()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(row: Row | None) -> None:
            # The loop is closed if the server has stopped: nobody reads the row then.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._rows.put_nowait, row)

        try:
            put({"finished": True, **self.run(put)})
        except Exception as error:
            put({"finished": False, "error": str(error)[:500]})
        finally:
            self.busy.release()
            put(None)
