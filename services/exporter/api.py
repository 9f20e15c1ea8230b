"""`GET /metrics`, in Prometheus text or OpenMetrics as the scraper asks.

A look into the store is taken in the background; a scrape gives the last one and never waits.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from services.telemetry.logs import log
from services.telemetry.metrics import (
    EXPORTER_UP,
    LEDGER_BYTES,
    LEDGER_EVENTS,
    LOOK_AGE,
    NEWEST_STORED,
)
from services.warehouse.client import StoreRefused, StoreUnavailable, Warehouse, sql

_LOGGER: Final = logging.getLogger("rantai.exporter")
_EVERY_SECONDS: Final = 15.0


def routes() -> APIRouter:
    """Return the route of the metrics."""
    router = APIRouter(tags=["metrics"])

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Return every metric of this process."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=content_type)

    return router


@asynccontextmanager
async def watching(warehouse: Warehouse) -> AsyncIterator[None]:
    """Look into the store from time to time, as long as the context lasts."""
    task = asyncio.create_task(_watch(warehouse))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(warehouse: Warehouse) -> None:
    looked_at = time.time()
    LOOK_AGE.set_function(lambda: time.time() - looked_at)
    while True:
        try:
            await asyncio.to_thread(look, warehouse)
        except (StoreUnavailable, StoreRefused) as error:
            EXPORTER_UP.set(0)
            log(_LOGGER, "look_failed", level=logging.WARNING, error=str(error)[:300])
        else:
            EXPORTER_UP.set(1)
            looked_at = time.time()
        await asyncio.sleep(_EVERY_SECONDS)


def look(warehouse: Warehouse) -> None:
    """Set the gauges that come from the store."""
    newest = 0.0
    for row in warehouse.rows(sql("store_health")):
        LEDGER_EVENTS.labels(row["topic"]).set(row["events"])
        newest = max(newest, row["newest"].replace(tzinfo=UTC).timestamp())
    if newest:
        NEWEST_STORED.set(newest)
    size = warehouse.rows(sql("store_size"), {"database": warehouse.database})
    LEDGER_BYTES.set(size[0]["bytes"])
