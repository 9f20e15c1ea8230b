"""Bad records of senders with a Kafka client are refused with a reason and block no other."""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.catalogue import Role
from services.cli.data_dir import read_run_file
from tests.integration.asking import Asking
from tests.integration.bad_events import CASES, Bad, Text, order
from tests.integration.process import Up, rantai, run
from tests.support.documented import documented

WAIT_SECONDS = 30
MEGABYTE = 1_000_000
Row = dict[str, Any]


class Sender:
    """A Kafka client that writes to the inbound topics of partners."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", max_request_size=10 * MEGABYTE
        )

    def send(
        self,
        value: bytes | None,
        headers: dict[str, bytes] | None = None,
        partner: str = "AHM",
        **more: Any,
    ) -> str:
        """Write a record; return the id that it has if it is refused."""
        topic = f"rantai.inbound.{partner}"
        done = self._producer.send(
            topic, value=value, key=b"k", headers=list((headers or {}).items()), **more
        ).get(timeout=20)
        return f"{done.topic}:{done.partition}:{done.offset}:{done.timestamp}"

    def binary(self, event: Text, **changed: bytes) -> str:
        """Write an event in binary content mode. `changed` replaces headers `ce_<name>`."""
        headers = {f"ce_{name}": str(value).encode() for name, value in event.attributes.items()}
        headers |= {"content-type": b"application/json"}
        headers |= {f"ce_{name}": value for name, value in changed.items()}
        return self.send(event.data.encode(), headers)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Run `rantai up` in Jakarta's time zone, so that a time without a zone would be noticed."""
    environment = {"TZ": "Asia/Jakarta", "RANTAI_INBOUND_DISCOVERY_SECONDS": "1"}
    up = Up(tmp_path_factory.mktemp("inbound") / "data", environment=environment)
    asking = Asking(up)
    up.start()
    yield asking
    up.end()


@pytest.fixture(scope="module")
def sender(asking: Asking) -> Sender:
    """Connect to the embedded broker, whose address is in the run file."""
    note = read_run_file(asking.up.data_dir)
    assert note is not None
    return Sender(note["broker"])


def listed(asking: Asking, *options: str) -> dict[str, Row]:
    """Return the rejected records of `rantai rejected list --json`, by id."""
    where = ("--data-dir", str(asking.up.data_dir), "--limit", "1000", "--json")
    rows = json.loads(rantai("rejected", "list", *where, *options))["rejected"]
    return {row["id"]: row for row in rows}


def refused(asking: Asking, *names: str) -> dict[str, Row]:
    """Wait until records with these ids are refused; return all rejected records by id."""
    rows: dict[str, Row] = {}

    def there() -> bool:
        answer = asking.get("/v1/rejected", limit="1000")
        rows.update({row["id"]: row for row in answer.json()["rejected"]})
        return set(names) <= set(rows)

    assert eventually(there), (set(names) - set(rows), asking.up.log())
    return listed(asking)


def eventually(check: Callable[[], bool]) -> bool:
    """Return whether `check` holds within the time that a consumer group takes to form again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def landed(asking: Asking, supplier: str, orders: list[str]) -> bool:
    """Return whether exactly these orders of a supplier are stored."""
    return asking.orders(supplier) == orders


def shown(asking: Asking, name: str) -> Row:
    """Return the rejected record that `rantai rejected show --json` prints."""
    where = ("--data-dir", str(asking.up.data_dir), "--json")
    row: Row = json.loads(rantai("rejected", "show", name, *where))
    return row


def replayed_by(asking: Asking, partner: str, name: str, body: bytes = b"") -> httpx.Response:
    """Replay a rejected record with the key of a partner, repaired if `body` is given."""
    headers = {"authorization": f"Bearer {asking.keys[partner]}"}
    return documented(
        asking.http.post(f"/v1/rejected/{name}/replay", headers=headers, content=body)
    )


def test_bad_events_among_good_ones(asking: Asking, sender: Sender) -> None:
    names: dict[str, tuple[Bad, Text]] = {}
    for place, bad in enumerate(CASES):
        structured = order(f"bad {bad.name}", "IKM-STRUCTURED")
        names[sender.send(bad.of(structured).json.encode())] = (bad, bad.of(structured))
        sender.send(order(f"{place}", "IKM-STRUCTURED").json.encode())
        binary = bad.of(order(f"bad {bad.name}", "IKM-BINARY"))
        names[sender.binary(binary)] = (bad, binary)
        sender.binary(order(f"{place}", "IKM-BINARY"))
    rows = refused(asking, *names)
    for name, (bad, event) in names.items():
        row = rows[name]
        topic, partition, offset, _ = name.split(":")
        assert (row["topic"], row["partition"], row["offset"]) == (
            topic, int(partition), int(offset)
        )  # fmt: skip
        assert (row["sender"], row["reason"]) == (
            "AHM",
            "forbidden" if bad.forbidden else "invalid",
        )
        assert row["event_id"] == event.id[:512]
        messages = {error["pointer"]: error["message"] for error in row["errors"]}
        assert bad.message in messages[bad.pointer], row
    good = sorted(str(place) for place in range(len(CASES)))
    for supplier in ("IKM-STRUCTURED", "IKM-BINARY"):
        assert eventually(partial(landed, asking, supplier, good)), asking.orders(supplier)
    counted = asking.counted()
    assert counted["stored"] == 2 * len(good)
    assert counted["rejected"] == len(names)


def test_records_that_are_no_event(asking: Asking, sender: Sender) -> None:
    before = asking.counted()
    garbage = os.urandom(MEGABYTE)
    names = {
        sender.send(None): "empty",
        sender.send(b""): "empty",
        sender.send(b" \n"): "empty",
        sender.send(b"\xef\xbb\xbf"): "empty",
        sender.send(b"\xef\xbb\xbf \r\n"): "empty",
        sender.send(b'{"data":[' + b"{}," * 1_300_000 + b"{}]}"): "entries",
        sender.send(b"\xff\xfe{}"): "not UTF-8",
        sender.send(order("1").json.encode("utf-16")): "not UTF-8",
        sender.send(b"order;line\n"): "not JSON",
        sender.send(b"[" * 5000): "nested too deeply",
        sender.send(f"[{order('1').json}]".encode()): "one CloudEvent",
        sender.send(b"\x00" * MEGABYTE): "not JSON",
        sender.send(b"\x80" * 4 * MEGABYTE): "not UTF-8",
        sender.send(b'{"%b": 1}' % (b"k" * 2 * MEGABYTE)): "is required",
        sender.binary(order("1"), id=b"\xff"): "ce_id is not UTF-8",
        sender.send(b"{", {"ce_id": b"x" * 100_000, "ce_specversion": b"1.0"}): "not JSON",
        # A sender's wrong clock must not stop the reading of its records.
        sender.send(b"-", timestamp_ms=0): "not JSON",
        sender.send(b"-", timestamp_ms=2**62): "not JSON",
    }
    large = sender.send(garbage)
    after = sender.send(order("after", "IKM-AFTER").json.encode())
    rows = refused(asking, *names, large)
    for name, part in names.items():
        assert rows[name]["reason"] == "invalid"
        assert part in rows[name]["errors"][0]["message"], (rows[name], part)
    kept = shown(asking, large)
    assert kept["encoding"] == "base64"
    assert len(kept["value"]) > MEGABYTE
    assert eventually(lambda: asking.orders("IKM-AFTER") == ["after"])
    assert after not in rows
    counted = asking.counted()
    assert counted["rejected"] == before["rejected"] + len(names) + 1
    assert counted["stored"] == before["stored"] + 1


def test_a_key_narrows_what_its_partner_may_write(asking: Asking, sender: Sender) -> None:
    foreign = sender.send(order("theirs", "IKM-FOREIGN").json.encode(), partner="TMMIN")
    # With a supplier's key a partner may not send as a buyer, not even orders of its own.
    own = sender.send(order("own", "IKM-FOREIGN", "IKM-1").json.encode(), partner="IKM-1")
    rows = refused(asking, foreign, own)
    assert [error["pointer"] for error in rows[foreign]["errors"]] == ["/source"]
    assert [error["pointer"] for error in rows[own]["errors"]] == ["/type"]
    assert {rows[name]["reason"] for name in (foreign, own)} == {"forbidden"}
    assert asking.orders("IKM-FOREIGN") == []


def test_a_new_partner_is_found_and_a_revoked_one_refused(asking: Asking, sender: Sender) -> None:
    key = asking.new_key(Role.BUYER, "ADM")

    def written() -> bool:
        try:
            sender.send(order("new", "IKM-NEW", "ADM").json.encode(), partner="ADM")
        except KafkaError:
            return False
        return True

    assert eventually(written)
    assert eventually(lambda: asking.orders("IKM-NEW") == ["new"])
    asking.revoke(key)
    late = sender.send(order("late", "IKM-NEW", "ADM").json.encode(), partner="ADM")
    row = refused(asking, late)[late]
    assert row["reason"] == "forbidden"
    assert "revoked" in row["errors"][0]["message"]
    assert asking.orders("IKM-NEW") == ["new"]


def test_a_repaired_event_is_replayed(asking: Asking, sender: Sender, tmp_path: Path) -> None:
    good = order("repaired", "IKM-REPAIRED")
    broken = CASES[0].of(good)
    name = sender.send(broken.json.encode())
    refused(asking, name)
    row = shown(asking, name)
    assert (row["value"], row["encoding"]) == (broken.json, "utf-8")
    assert row["replayed_at"] is None
    before = asking.counted()
    where = ("--data-dir", str(asking.up.data_dir))
    again = run("rejected", "replay", name, *where)
    assert again.returncode == 1
    assert "/data/lines/0/quantity" in again.stderr
    for text, status, part in (
        (b"{", 400, "not JSON"),
        (b" " * 9 * MEGABYTE, 413, "larger than"),
        (b"[]", 422, "one CloudEvent"),
    ):
        answer = replayed_by(asking, "YDBA", name, text)
        assert (answer.status_code, part in answer.text) == (status, True), answer.text
    assert asking.orders("IKM-REPAIRED") == []

    file = tmp_path / "repaired.json"
    file.write_text(good.json)
    assert "Accepted" in rantai("rejected", "replay", name, *where, "--file", str(file))
    assert asking.orders("IKM-REPAIRED") == ["repaired"]
    assert name not in listed(asking)
    replayed = listed(asking, "--replayed")[name]
    whole = asking.get("/v1/rejected", limit="1000", replayed="true").json()
    past = asking.get("/v1/rejected", offset="100000", replayed="true").json()
    assert (past["total"], past["next_offset"]) == (len(whole["rejected"]), None)
    assert (past["total"] > 0, past["rejected"]) == (True, [])
    for field in ("rejected_at", "topic", "offset", "errors", "event_id"):
        assert replayed[field] == row[field], field
    assert asking.counted() == {
        **before,
        "accepted": before["accepted"] + 1,
        "stored": before["stored"] + 1,
    }
    # The record is visible to its own sender, but not to another buyer.
    assert asking.get(f"/v1/rejected/{name}", "TMMIN").status_code == 404
    assert asking.get(f"/v1/rejected/{name}", "AHM").status_code == 200


def test_a_replay_has_the_rights_of_its_sender(asking: Asking, sender: Sender) -> None:
    own = sender.send(order("still", "IKM-RIGHTS", "IKM-1").json.encode(), partner="IKM-1")
    refused(asking, own)
    for partner in ("IKM-1", "YDBA"):
        answer = replayed_by(asking, partner, own)
        assert answer.status_code == 422, answer.text
        assert answer.json()["rejected"][0]["errors"][0]["pointer"] == "/type"
    assert asking.orders("IKM-RIGHTS") == []


def test_at_the_end_nothing_is_missing_and_it_stops(asking: Asking) -> None:
    assert asking.up.reconcile()["missing"] == 0
    log = Path(asking.up.data_dir / "up.log").read_text()
    assert "request_failed" not in log
    assert "stream_retries" not in log
    assert asking.up.stop() == 0
