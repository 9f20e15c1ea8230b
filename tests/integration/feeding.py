"""Send histories of events to a gateway in every content mode and in requests of many sizes."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx

Event = dict[str, Any]


def sender_of(event: Event) -> str:
    """Return the partner id in an event's source."""
    return str(event["source"]).split("/")[2]


def portions(rng: random.Random, events: list[Event]) -> Iterator[list[Event]]:
    """Cut a sequence of events into requests of random size, each with events of one sender."""
    start = 0
    while start < len(events):
        size = rng.choice([1, 1, 2, 7, 60, 400])
        some = events[start : start + size]
        start += size
        for sender in sorted({sender_of(event) for event in some}):
            yield [event for event in some if sender_of(event) == sender]


def request_of(rng: random.Random, events: list[Event]) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a request with these events, in a random content mode."""
    modes = ["batch", "lines"] + (["structured", "binary"] if len(events) == 1 else [])
    mode = rng.choice(modes)
    if mode == "batch":
        return {"content-type": "application/cloudevents-batch+json"}, _json(events)
    if mode == "lines":
        body = b"\n".join(_json(event) for event in events) + b"\n"
        return {"content-type": "application/x-ndjson"}, body
    if mode == "structured":
        return {"content-type": "application/cloudevents+json; charset=utf-8"}, _json(events[0])
    attributes = {name: value for name, value in events[0].items() if name != "data"}
    headers = {f"ce-{name}": quote(str(value), safe=" :/+-.") for name, value in attributes.items()}
    return {**headers, "content-type": "application/json"}, _json(events[0]["data"])


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def feed(
    rng: random.Random,
    url: str,
    keys: dict[str, str],
    events: list[Event],
    *,
    patience: float = 0,
) -> Iterator[list[Event]]:
    """Send events; yield the events of each request once it is answered 202.

    `keys` maps each sender to its API key. A request that is cut off or answered 503 is repeated
    for `patience` seconds, as an ERP would do. Any other answer than 202 fails the test.
    """
    with httpx.Client(base_url=url, timeout=60) as client:
        for some in portions(rng, events):
            headers, body = request_of(rng, some)
            headers["authorization"] = f"Bearer {keys[sender_of(some[0])]}"
            answer = _answer(client, headers, body, patience)
            assert answer.status_code == 202, (answer.status_code, answer.text[:500])
            assert answer.json() == {"accepted": len(some), "rejected": []}, answer.text[:500]
            yield some


def _answer(
    client: httpx.Client, headers: dict[str, str], body: bytes, patience: float
) -> httpx.Response:
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = client.post("/v1/events", headers=headers, content=body)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        else:
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            assert int(answer.headers["retry-after"]) > 0
        time.sleep(0.2)
