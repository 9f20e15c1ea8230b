"""`GET /metrics`, in Prometheus text format or OpenMetrics as the scraper requests."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from services.http.reads import read


def routes() -> APIRouter:
    """Return the route of the metrics, for `cli.compose`."""
    router = APIRouter(tags=["metrics"])

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Return every metric of this process."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        # In a thread: encoding some ten thousand series would block the event loop.
        text = await read(lambda: encode(REGISTRY))
        return Response(text, media_type=content_type)

    return router
