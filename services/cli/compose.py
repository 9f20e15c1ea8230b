"""Puts services together: which routes and parts run in one process."""

import asyncio
import faulthandler
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware

from services.access.keys import KeyStore
from services.access.links import Links
from services.access.sessions import Sessions
from services.assessment.evaluations import EvaluationStore
from services.assessment.scorecard_reader import ScorecardReader
from services.exporter import metrics_route
from services.exporter.bounds import Bounds
from services.exporter.looks import StoreLook, Watch
from services.exporter.missing_events import MissingEvents
from services.exporter.quality_look import QualityLook
from services.exporter.topic_lag import TopicLag
from services.gateway import events_api
from services.gateway.cloudevents import Limits
from services.gateway.decoding import Decoder, Room
from services.gateway.intake import validate_and_publish
from services.http.head_requests import HeadMiddleware
from services.http.reads import ReaderIdentity, Reads, ReadsMiddleware
from services.http.service import Problem, install
from services.kafka.lag import lags
from services.kafka.safety import Safety
from services.operations import operations_api
from services.operations.reconciliation import reconcile
from services.readiness.policy import Policy
from services.readiness.rules import Rules
from services.runtime.turns import Places, Turns
from services.scorecards import programme_api, quality_api, scorecard_api
from services.settings import Settings
from services.store.client import BACKGROUND, READING, ClickHouse
from services.store.migrate import Placement
from services.telemetry.metrics import DECODING_WAITED, READS_WAITED
from services.web import site_routes
from services.web.form_tokens import Forms
from services.web.site import Site, refused_busy

_LOOK_SECONDS: Final = 0.5
_SWITCH_SECONDS: Final = 0.0005
"""After this time, a thread that computes lets another thread run. With the interpreter's default
of 5 ms, health checks and posted events would wait that long at every step of the event loop, once
for each reader's thread that computes."""

_COMPRESSED_BYTES: Final = 1000
DRAIN_SECONDS: Final = 6
"""How long requests under way may take after the process is told to stop."""

STOP_SECONDS: Final = 12
"""After this time, a process that was told to stop is ended by force. Deployments are promised that
a process drains within 15 s."""

Check = Callable[[], Awaitable[str | None]]
"""Returns the names of what is not ready, or None if all is."""


class PartFailed(RuntimeError):
    """A part of this process failed for good; the process ends so that it can be restarted."""


class MayFail(Protocol):
    """A part that may fail for good while the rest of its process runs."""

    @property
    def failure(self) -> BaseException | None:
        """The error by which the part failed for good, or None."""


def first_failure(parts: Iterable[MayFail]) -> BaseException | None:
    """Return the error of the first part that failed for good, or None."""
    return next((part.failure for part in parts if part.failure is not None), None)


async def stop_server_on_failure(parts: Sequence[MayFail], server: uvicorn.Server) -> None:
    """Stop the server when a part fails for good: its health check would still report 'ok'."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if first_failure(parts) is not None:
            server.should_exit = True
            return


def raise_failure(parts: Sequence[MayFail]) -> None:
    """Raise PartFailed if a part has failed for good; called after the server has stopped."""
    failure = first_failure(parts)
    if failure is not None:
        raise PartFailed(
            f"a part kept failing, most recently with {failure!r:.300}. "
            "No accepted event is lost; start the process again"
        )


def reads(settings: Settings, keys: KeyStore) -> Reads:
    """Return the bounds for reading in a process that serves figures and pages."""
    return Reads(
        Turns(settings.read_threads, "reader", READS_WAITED.observe),
        Places(settings.max_reads_per_reader, settings.max_reads),
        ReaderIdentity(keys, Links(settings.data_dir / "link.secret")),
        _refuse,
    )


def _refuse(request: Request, problem: Problem) -> Response:
    """Refuse a reader for whom there is no place: a program gets JSON, a person a page."""
    by_program = request.url.path.startswith(("/v1/", "/metrics", "/openapi.json"))
    return problem.response() if by_program else refused_busy(request, problem)


def application(
    title: str, routers: list[APIRouter], check: Check, reads: Reads | None = None
) -> FastAPI:
    """Return an application with `/healthz`, `/readyz` and the given routes.

    `/readyz` calls `check`. `reads` bounds reading; by default, readers are told apart by their
    address and have the default bounds.
    """
    # Its API documentation loads nothing from third parties: many of these networks are closed.
    app = FastAPIOffline(
        title=title,
        version="1",
        description="From a manufacturer's ERP to a small supplier's scorecard.",
    )
    app.add_middleware(ReadsMiddleware, reads=reads or Reads())
    # Inside the middleware that times requests, which would pass it a stream of parts: here it
    # sees the whole answer.
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESSED_BYTES, compresslevel=6)
    app.add_middleware(HeadMiddleware)
    install(app)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        missing = await check()
        if missing is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "waiting_for": missing}, status_code=503)

    for router in routers:
        app.include_router(router)
    _document_keys(app)
    return app


def _document_keys(app: FastAPI) -> None:
    """Declare in the OpenAPI document that requests carry a key as bearer token."""
    make = app.openapi

    def openapi() -> dict[str, object]:
        document = make()
        components = document.setdefault("components", {})
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def gateway_routes(settings: Settings, keys: KeyStore, safety: Safety) -> APIRouter:
    """Return the routes that accept events."""
    limits = Limits(settings.max_body_bytes, settings.max_body_events)
    room = Room(settings.max_held_bytes_per_key, settings.max_held_bytes)
    decoder = Decoder(limits, room, DECODING_WAITED.observe)
    gateway = events_api.Gateway(keys, safety, decoder, settings.max_requests_per_key)
    return events_api.routes(gateway)


def scorecard_routes(
    settings: Settings, keys: KeyStore, clickhouse: ClickHouse, policy: Policy, safety: Safety
) -> list[APIRouter]:
    """Return the routes that serve figures, as JSON and as pages.

    Events that are sent from a page's form go through the gateway's intake, like those of an ERP.
    """
    clickhouse = clickhouse.with_share(READING)
    reader = ScorecardReader(clickhouse, policy)
    links = Links(settings.data_dir / "link.secret")
    site = Site(
        reader=reader,
        evaluations=EvaluationStore(clickhouse),
        keys=keys,
        links=links,
        sessions=Sessions(keys, links),
        forms=Forms(links.secret, urlsplit(settings.base_url).netloc),
        submit=lambda events, sender: validate_and_publish(events, sender, safety),
        base_url=settings.base_url,
    )
    return [
        scorecard_api.routes(scorecard_api.Scorecards(keys, reader)),
        programme_api.routes(scorecard_api.Scorecards(keys, reader)),
        quality_api.routes(scorecard_api.Scorecards(keys, reader)),
        *site_routes.routes(site),
    ]


def operations_routes(
    settings: Settings, keys: KeyStore, clickhouse: ClickHouse, safety: Safety, policy: Policy
) -> APIRouter:
    """Return the routes for operators."""
    clickhouse = clickhouse.with_share(BACKGROUND)
    placement = Placement(settings.clickhouse_cluster, settings.fsync and clickhouse.embedded)
    return operations_api.routes(
        operations_api.Operations(
            keys, clickhouse, settings.kafka, policy.zone, safety, placement, Rules.of(policy)
        )
    )


def watch(settings: Settings, policy: Policy, open_store: Callable[[], ClickHouse]) -> Watch:
    """Return what the exporter watches: the store, events missing from it, lag and data quality."""

    def open_apart() -> ClickHouse:
        return open_store().with_share(BACKGROUND)

    def unfound(since: datetime) -> list[tuple[str, int, int]]:
        found = reconcile(open_apart(), settings.kafka, zone=policy.zone, since=since)
        return [(one["topic"], one["partition"], one["offset"]) for one in found.missing]

    listed = (settings.metrics_named or "").split(",")
    named = tuple(name for name in map(str.strip, listed) if name)
    bounds = Bounds(settings.metrics_suppliers, named, settings.metrics_groups)
    return Watch(
        StoreLook(open_apart, policy, bounds),
        MissingEvents(unfound, settings.reconcile_seconds),
        TopicLag(lambda: lags(settings.kafka), settings.metrics_groups),
        QualityLook(open_apart, policy),
    )


def stop(server: uvicorn.Server) -> None:
    """Drain and stop the process that the server runs in; end it by force after `STOP_SECONDS`.

    A process that is ended by force prints its stack traces and exits with status 1; a supervisor
    would kill it without a trace. Acknowledged events are safe either way.
    """
    server.should_exit = True
    faulthandler.dump_traceback_later(STOP_SECONDS, exit=True)


def stop_on_signal(server: uvicorn.Server) -> None:
    """Make SIGTERM and SIGINT stop the process. Call it on the event loop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, server)


def metrics_routes() -> APIRouter:
    """Return the route that Prometheus scrapes."""
    return metrics_route.routes()


def server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """Return the server for an application. Its caller handles signals (`stop_on_signal`).

    Also sets the interpreter's thread switch interval for the whole process.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    return _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            lifespan="off",
        )
    )


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers, which would end the process before the sink drains."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield
