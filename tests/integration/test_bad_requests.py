"""Requests of bad size, encoding, key or role are refused, and harm no other request."""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from schemas.catalogue import Role
from tests.integration.asking import Asking, accepted, problem
from tests.integration.bad_events import BATCHED, BINARY, LINES, MODES, STRUCTURED, order, request
from tests.integration.process import Up

MEGABYTE = b" " * 1_000_000
FIGURES = "/v1/suppliers/IKM-1/scorecard"
SUPPLIER_SENDS = "id.rantai.order.confirmed.v1"
PROGRAMME_SENDS = "id.rantai.partner.registered.v1"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Run `rantai up` with one order of the buyer AHM from the supplier IKM-1."""
    up = Up(tmp_path_factory.mktemp("bad") / "data")
    asking = Asking(up)
    up.start()
    accepted(asking.post(*request(STRUCTURED, order("first"))))
    yield asking
    up.end()


def sending(megabytes: int) -> Iterator[bytes]:
    """Yield a body in pieces, so that it is sent without a content length."""
    for _ in range(megabytes):
        yield MEGABYTE


def document(event_type: str, **data: object) -> bytes:
    """Return an event of the supplier, or of the `source` in `data`, in structured mode."""
    source = data.pop("source", "/erp/IKM-1/app")
    attributes = {"specversion": "1.0", "id": f"{event_type} {source}", "source": source}
    more = {"type": event_type, "time": "2026-03-02T08:00:00+07:00", "data": data}
    return json.dumps({**attributes, **more}).encode()


CONFIRMED = {
    "buyer_id": "AHM",
    "supplier_id": "IKM-1",
    "order_no": "first",
    "lines": [{"line_no": "10", "status": "accepted"}],
}
REGISTERED = {"partner_id": "IKM-7", "role": "supplier", "name": "CV Tujuh"}


@pytest.mark.parametrize("mode", MODES)
def test_a_body_of_100_mb(asking: Asking, mode: str) -> None:
    headers, _ = request(mode, order("large"))
    problem(asking.post(headers, sending(100)), 413, "larger than 10485760 bytes")


def test_a_large_body_under_a_bad_key(asking: Asking) -> None:
    answer = asking.post({"content-type": LINES, "authorization": "Bearer x"}, sending(20))
    problem(answer, 401, "valid key")


def test_more_than_10_000_events(asking: Asking) -> None:
    for mode in (BATCHED, LINES):
        body = b"[" + b",".join([b"{}"] * 10_001) + b"]" if mode == BATCHED else b"{}\n" * 10_001
        problem(asking.post({"content-type": mode}, body), 413, "10001 events, more than 10000")


@pytest.mark.parametrize("mode", MODES)
def test_gzip(asking: Asking, mode: str) -> None:
    name = mode.removeprefix("application/").replace("+", "-")
    headers, body = request(mode, order("packed", f"IKM-GZ-{name}"))
    packed = {**headers, "content-encoding": "gzip"}
    problem(asking.post(packed, body), 400, "not gzip")
    problem(asking.post(packed, gzip.compress(body)[:-9]), 400, "ends too early")
    problem(asking.post(packed, gzip.compress(body) + b"more"), 400, "not gzip")
    bomb = gzip.compress(MEGABYTE * 50)
    problem(asking.post(packed, bomb), 413, "unpacks to more than 10485760 bytes")
    problem(asking.post({**headers, "content-encoding": "br"}, body), 415, "content encoding 'br'")
    accepted(asking.post(packed, gzip.compress(body)))
    assert asking.orders(f"IKM-GZ-{name}") == ["packed"]


def test_gzip_files_one_after_the_other(asking: Asking) -> None:
    lines = [order(f"{place}", "IKM-GZIPS").json.encode() + b"\n" for place in range(3)]
    body = b"".join(gzip.compress(line) for line in lines)
    accepted(asking.post({"content-type": LINES, "content-encoding": "gzip"}, body), 3)
    assert asking.orders("IKM-GZIPS") == ["0", "1", "2"]


def test_a_content_type_that_events_do_not_come_in(asking: Asking) -> None:
    body = order("typed").json.encode()
    for named in ("text/csv", "application/xml", "multipart/form-data", ""):
        problem(asking.post({"content-type": named}, body), 415, "content type")
    headers, data = request(BINARY, order("typed"))
    problem(asking.post({**headers, "content-type": "text/xml"}, data), 415, "application/json")
    for charset in ("iso-8859-1", '"utf-16"'):
        headers = {"content-type": f"{STRUCTURED}; charset={charset}"}
        problem(asking.post(headers, body), 400, "charset")
    accepted(asking.post({"content-type": f'{STRUCTURED.upper()}; Charset="UTF-8"'}, body))


@pytest.mark.parametrize(
    "header",
    [None, b"", b"Bearer", b"Basic cnRrOng=", b"Bearer rtk_", b"Bearer \xff\xfe", b"KEY", b"KEYx"],
)
def test_a_key_that_is_none(asking: Asking, header: bytes | None) -> None:
    key = asking.keys["AHM"].encode()
    value = None if header is None else header.replace(b"KEYx", b"Bearer %bx" % key)
    value = key if value == b"KEY" else value
    headers = {b"content-type": STRUCTURED.encode()}
    if value is not None:
        headers[b"authorization"] = value
    body = order("unknown", "IKM-401").json.encode()
    answer = httpx.post(f"{asking.up.url}/v1/events", content=body, headers=headers)
    problem(answer, 401, "valid key")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert asking.orders("IKM-401") == []


@pytest.mark.parametrize(
    ("partner", "event", "pointer"),
    [
        # A buyer may enter an answer that a supplier gave by telephone, for its own orders only.
        (
            "AHM",
            document(SUPPLIER_SENDS, source="/erp/AHM/x", **{**CONFIRMED, "buyer_id": "TMMIN"}),
            "/type",
        ),
        ("AHM", document(PROGRAMME_SENDS, source="/erp/AHM/x", **REGISTERED), "/type"),
        ("TMMIN", order("theirs", "IKM-403").json.encode(), "/source"),
        ("IKM-1", order("own", "IKM-1", "IKM-403").json.encode(), "/source"),
        ("IKM-1", document(SUPPLIER_SENDS, **{**CONFIRMED, "supplier_id": "IKM-403"}), "/type"),
        ("IKM-1", document(PROGRAMME_SENDS, **REGISTERED), "/type"),
        ("YDBA", order("plan", "IKM-403", "YDBA").json.encode(), "/type"),
        ("YDBA", document(SUPPLIER_SENDS, source="/erp/YDBA/x", **CONFIRMED), "/type"),
    ],
)
def test_what_a_role_may_not_send(asking: Asking, partner: str, event: bytes, pointer: str) -> None:
    before = asking.counted()
    answer = asking.post({"content-type": STRUCTURED}, event, partner)
    assert answer.status_code == 403, answer.text
    outcome = answer.json()
    assert outcome["accepted"] == 0
    (rejected,) = outcome["rejected"]
    assert (rejected["index"], rejected["id"]) == (0, json.loads(event)["id"])
    assert [error["pointer"] for error in rejected["errors"]] == [pointer]
    assert asking.orders("IKM-403") == []
    assert asking.counted() == before


@pytest.mark.parametrize("mode", [BATCHED, LINES])
def test_forbidden_beside_good_and_invalid(asking: Asking, mode: str) -> None:
    supplier = f"IKM-MIXED-{MODES.index(mode)}"
    good, foreign = order("good", supplier), order("foreign", supplier, "TMMIN")
    answer = asking.post(*request(mode, foreign, good))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert answer.json()["rejected"][0]["index"] == 0
    assert asking.orders(supplier) == ["good"]
    # 403 if every event is forbidden and otherwise valid; 422 if another one is invalid.
    assert asking.post(*request(mode, foreign, foreign)).status_code == 403
    bad = order("bad", supplier, lines=[])
    assert asking.post(*request(mode, foreign, bad)).status_code == 422


def test_each_role_sends_what_it_may(asking: Asking) -> None:
    accepted(
        asking.post({"content-type": STRUCTURED}, document(SUPPLIER_SENDS, **CONFIRMED), "IKM-1")
    )
    registered = document(PROGRAMME_SENDS, source="/erp/YDBA/x", **REGISTERED)
    accepted(asking.post({"content-type": STRUCTURED}, registered, "YDBA"))


def test_keys_change_while_it_runs(asking: Asking) -> None:
    key = asking.new_key(Role.BUYER, "ADM")
    send = request(STRUCTURED, order("new", "IKM-KEYS", "ADM"))
    assert within(2, lambda: asking.post(*send, "ADM").status_code == 202)
    asking.revoke(key)
    assert within(2, lambda: asking.post(*send, "ADM").status_code == 401)
    late = request(STRUCTURED, order("late", "IKM-KEYS", "ADM"))
    problem(asking.post(*late, "ADM"), 401, "revoked")
    assert asking.get("/v1/suppliers", "ADM").status_code == 401
    assert asking.orders("IKM-KEYS") == ["new"]


def within(seconds: float, check: Callable[[], bool]) -> bool:
    """Return whether `check` holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize(
    ("partner", "path", "parameters", "status"),
    [
        ("YDBA", FIGURES, {}, 200),
        ("YDBA", FIGURES, {"as_off": "2026-04-01"}, 400),
        ("YDBA", FIGURES, {"as_of": "yesterday"}, 400),
        ("YDBA", FIGURES, {"as_of": "2026-02-31"}, 400),
        ("YDBA", FIGURES, {"as_of": "9999-12-31"}, 400),
        ("YDBA", FIGURES, {"as_of": ""}, 400),
        ("YDBA", FIGURES, {"window_days": "0"}, 400),
        ("YDBA", FIGURES, {"window_days": "9" * 400}, 400),
        ("YDBA", "/v1/suppliers/IKM-1/lines", {"status": "bad"}, 400),
        ("YDBA", "/v1/suppliers/%00'%0A%5C%FF/scorecard", {}, 404),
        ("YDBA", "/v1/suppliers", {"limit": "-1"}, 400),
        ("YDBA", "/v1/reconciliation", {"since": "0001-01-01T00:00:00+14:00"}, 400),
        ("YDBA", "/v1/reconciliation", {"since": "9999-12-31T23:59:59-14:00"}, 400),
        ("YDBA", "/v1/reconciliation", {"since": "2026-01-01T00:00:00"}, 400),
        ("YDBA", "/v1/rejected", {"limit": "0"}, 400),
        ("YDBA", "/v1/rejected/%00'%0A%5C%FF", {}, 404),
        ("AHM", "/v1/reconciliation", {"since": "2026-01-01T00:00:00"}, 400),
        ("IKM-1", FIGURES, {}, 200),
        ("IKM-1", "/v1/suppliers/IKM-2/scorecard", {}, 403),
        ("AHM", FIGURES, {"buyer_id": "AHM"}, 200),
        ("AHM", FIGURES, {"buyer_id": "TMMIN"}, 403),
        ("TMMIN", FIGURES, {}, 404),
        ("AHM", "/v1/suppliers/IKM-NONE/scorecard", {}, 404),
    ],
)
def test_what_may_be_asked(
    asking: Asking, partner: str, path: str, parameters: dict[str, str], status: int
) -> None:
    answer = asking.get(path, partner, **parameters)
    assert answer.status_code == status, answer.text
    if status >= 400:
        problem(answer, status, next(iter(parameters), "") if status == 400 else "")


def test_a_body_that_takes_long_to_judge_holds_nobody_up(asking: Asking) -> None:
    slow = b'{"specversion": "1.0", "type": "id.rantai.order.placed.v1", "data": {"lines": [%b]}}'
    body = slow % b",".join([b"{}"] * 3_000_000)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asking.post, {"content-type": STRUCTURED}, body)
        longest = 0.0
        while not answer.done():
            began = time.monotonic()
            assert httpx.get(f"{asking.up.url}/healthz").status_code == 200
            longest = max(longest, time.monotonic() - began)
        assert answer.result().status_code == 422
        assert "entries" in answer.result().text
    assert longest < 3


def in_parts(first: bytes, sent: threading.Semaphore, go_on: threading.Event) -> Iterator[bytes]:
    """Yield most of a body, release `sent`, and yield the rest once `go_on` is set."""
    yield first
    sent.release()
    go_on.wait(60)
    yield b"\n"


def test_one_key_cannot_hold_all_the_memory(asking: Asking) -> None:
    large, lines = MEGABYTE * 9, {"content-type": STRUCTURED}
    sent, go_on = threading.Semaphore(0), threading.Event()
    longer = {**lines, "content-length": str(len(large) + 1)}
    with ThreadPoolExecutor(4) as pool:
        held = [pool.submit(asking.post, longer, in_parts(large, sent, go_on)) for _ in range(4)]
        try:
            assert all(sent.acquire(timeout=60) for _ in held)
            answer = asking.post(lines, large)
            problem(answer, 429, "bodies of this key under way have more than 41943040 bytes")
            assert int(answer.headers["retry-after"]) > 0
            accepted(asking.post(*request(STRUCTURED, order("small", "IKM-ROOM"))))
            problem(asking.post(lines, large, "TMMIN"), 400, "the body is empty")
        finally:
            go_on.set()
        for one in held:
            problem(one.result(), 400, "the body is empty")
    # Of several sent at once, those that fit within the limit are read, instead of all refused.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: asking.post(lines, large).status_code, range(8)))
    assert 400 in answers
    assert asking.orders("IKM-ROOM") == ["small"]


HOSTILE = (
    (LINES, "gzip", gzip.compress(b"") * 500_000, 413),
    (LINES, "deflate", zlib.compress(MEGABYTE * 50), 413),
    (STRUCTURED, "", b"\n" * 10_000_000, 400),
    (LINES, "", b"\n" * 10_000_000, 202),
    (LINES, "", b"1\n" * 5_000_000, 413),
    (LINES, "", b'{"data":{"lines":[{},{},{}]}}\n' * 10_000, 422),
    (BATCHED, "", b"[" + b"{}," * 3_000_000 + b"{}]", 413),
    (BATCHED, "", b"[[" + b"1e9," * 300_000 + b"NaN]]", 422),
    (STRUCTURED, "", b'{"data":' * 1_000_000, 422),
)


def test_hostile_bodies_of_one_key_leave_the_others_their_turns(asking: Asking) -> None:
    def send(case: tuple[str, str, bytes, int]) -> None:
        content_type, encoding, body, status = case
        headers = {"content-type": content_type, "content-encoding": encoding}
        while (answer := asking.post(headers, body)).status_code == 429:
            time.sleep(0.1)
        assert answer.status_code == status, answer.text[:500]

    sent = 0
    with ThreadPoolExecutor(len(HOSTILE)) as pool:
        hostile = [pool.submit(send, case) for case in HOSTILE]
        while not all(one.done() for one in hostile):
            event = order(f"{sent}", "IKM-BESIDE", "TMMIN")
            body = gzip.compress(event.json.encode())
            packed = {"content-type": STRUCTURED, "content-encoding": "gzip"}
            accepted(asking.post(packed, body, "TMMIN"))
            sent += 1
        for one in hostile:
            one.result()
    assert len(asking.orders("IKM-BESIDE")) == sent


def test_deflate(asking: Asking) -> None:
    headers, body = request(STRUCTURED, order("deflated", "IKM-DEFLATE"))
    packed = {**headers, "content-encoding": "deflate"}
    accepted(asking.post(packed, zlib.compress(body)))
    problem(asking.post(packed, body), 400, "not deflate")
    assert asking.orders("IKM-DEFLATE") == ["deflated"]


def test_openapi_tells_all_of_it(asking: Asking) -> None:
    document = httpx.get(f"{asking.up.url}/openapi.json").json()
    operation = document["paths"]["/v1/events"]["post"]
    content = operation["requestBody"]["content"]
    assert set(content) == set(MODES)
    for mode, media in content.items():
        examples = [media["example"]] if "example" in media else []
        examples += [one["value"] for one in media.get("examples", {}).values()]
        assert examples, mode
        for example in examples:
            text = example if isinstance(example, str) else json.dumps(example)
            headers = {"content-type": mode}
            if mode == BINARY:
                shown = (one for one in operation["parameters"] if one["in"] == "header")
                headers |= {one["name"]: one["example"] for one in shown}
            assert asking.post(headers, text.encode()).status_code == 202
    assert set(operation["responses"]) == {
        *("202", "400", "401", "403", "408", "413", "415", "422", "429", "503")
    }
    for status, answer in operation["responses"].items():
        assert all("example" in media for media in answer["content"].values()), status
    assert "Retry-After" in operation["responses"]["503"]["headers"]
    docs = httpx.get(f"{asking.up.url}/docs")
    assert docs.status_code == 200
    assert "/openapi.json" in docs.text


def test_at_the_end_nothing_is_missing(asking: Asking) -> None:
    assert asking.up.reconcile()["missing"] == 0
    assert "request_failed" not in Path(asking.up.data_dir / "up.log").read_text()
