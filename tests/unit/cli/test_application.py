"""What every HTTP service has: HEAD wherever there is GET, docs without third-party files."""

import asyncio
import re
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from services.cli.compose import application
from services.kafka.embedded_broker import free_port

LONG = "a figure and its words, " * 500


async def _ready() -> None:
    return None


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """Return a client of a test application that runs on uvicorn, as the services do."""
    router = APIRouter()

    @router.get("/short")
    async def short() -> Response:
        return PlainTextResponse("short", headers={"X-Mark": "1"})

    @router.get("/long")
    async def long() -> Response:
        return PlainTextResponse(LONG)

    @router.post("/only-post")
    async def only_post() -> Response:
        return PlainTextResponse("posted")

    port = free_port()
    app = application("test", [router], _ready)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while not server.started:
                thread.join(0.05)
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    "path", ["/short", "/long", "/healthz", "/readyz", "/docs", "/openapi.json", "/nothing"]
)
def test_head_answers_as_get_does_without_the_body(http: httpx.Client, path: str) -> None:
    for encoding in ("gzip", "identity"):
        sent = {"accept-encoding": encoding}
        got, head = http.get(path, headers=sent), http.head(path, headers=sent)
        assert head.status_code == got.status_code
        assert head.content == b""
        from_get, from_head = ({**one.headers, "date": ""} for one in (got, head))
        assert from_get == from_head
    assert http.get("/short").text == "short"


def test_head_of_a_route_without_get_is_refused(http: httpx.Client) -> None:
    assert http.head("/only-post").status_code == 405


def test_documentation_loads_only_files_of_the_service(http: httpx.Client) -> None:
    page = http.get("/docs").text
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(loaded) >= 3
    assert "https://" not in page
    for address in loaded:
        assert address.startswith("/")
        assert http.get(address).status_code == 200
