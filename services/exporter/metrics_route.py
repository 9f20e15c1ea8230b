"""`GET /metrics`, in Prometheus text format or OpenMetrics as the scraper requests."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from services.http.reads import read

router = APIRouter(tags=["metrics"])

_SAMPLE: Final = 'rantai_events_accepted_total{type="id.rantai.order.placed.v1"} 12.0'
_FORMAT: Final[dict[str, Any]] = {
    "schema": {
        "type": "string",
        "description": "one sample per line: name, labels in braces, value; lines that begin with "
        "# have the type and meaning of a metric",
    },
    "example": f"# TYPE rantai_events_accepted_total counter\n{_SAMPLE}\n",
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/plain": _FORMAT, "application/openmetrics-text": _FORMAT}}
}


@router.get("/metrics", response_class=PlainTextResponse, responses=_ANSWER)
async def metrics(request: Request) -> Response:
    """Return every metric of this process."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    # In a thread: encoding some ten thousand series would block the event loop.
    text = await read(lambda: encode(REGISTRY))
    return Response(text, media_type=content_type)


def routes() -> APIRouter:
    """Return the route of the metrics, for `cli.compose`."""
    return router
