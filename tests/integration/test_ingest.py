"""A buyer sends files with `rantai ingest` and follows what became of them, with its own key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.catalogue import Role
from schemas.validation import Accepted, Sender, parse, validate
from tests.integration.process import Up, run
from tests.reference.cases import order
from tests.support.documented import documented

MAPPING = """
mapping = 1
sender = "AHM"
source = "/erp/{sender}/csv"
[constants]
buyer = "AHM"
[columns]
order_no = { from = "PO", kind = "code" }
line_no = { from = "Item", kind = "code" }
supplier = { from = "Vendor", kind = "identifier" }
quantity = { from = "Qty", kind = "decimal" }
due = { from = "Due", kind = "date" }
made_at = { from = "Made", kind = "time" }
[[events]]
type = "id.rantai.order.placed.v1"
group_by = ["order_no"]
id = "order/{order_no}"
time = "made_at"
[events.data]
buyer_id = "buyer"
supplier_id = "supplier"
order_no = "order_no"
[[events.data.lines]]
line_no = "line_no"
item_no = "line_no"
quantity = "quantity"
requested_date = "due"
"""
HEADER = "PO,Item,Vendor,Qty,Due,Made"
FIRST = "45002,10,S-CSV,10,2026-09-30,2026-09-01"
SECOND = "45002,20,S-CSV,20,2026-09-30,2026-09-01"
OTHER = "45003,10,S-CSV,5,2026-09-30,2026-09-01"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Run `rantai up` with an empty store."""
    running = Up(tmp_path_factory.mktemp("ingest"))
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def keys(up: Up) -> dict[str, str]:
    """Create keys for two buyers."""
    return {partner: up.key("buyer", partner) for partner in ("AHM", "TMMIN")}


def command(up: Up, key: str, *arguments: str) -> tuple[int, str]:
    done = run(*arguments, "--url", up.url, environment={"RANTAI_KEY": key})
    return done.returncode, done.stdout + done.stderr


def ingest(up: Up, key: str, folder: Path, *rows: str) -> tuple[int, dict[str, Any]]:
    (folder / "m.toml").write_text(MAPPING)
    (folder / "orders.csv").write_text("\n".join([HEADER, *rows]))
    arguments = ("ingest", str(folder / "orders.csv"), "--map", str(folder / "m.toml"), "--json")
    status, output = command(up, key, *arguments)
    return status, json.loads(output)


def test_a_conflict_is_told_named_and_dealt_with(
    up: Up, keys: dict[str, str], tmp_path: Path
) -> None:
    key = keys["AHM"]
    assert ingest(up, key, tmp_path, FIRST, OTHER)[0] == 0
    assert ingest(up, key, tmp_path, FIRST, OTHER)[0] == 0
    status, said = ingest(up, key, tmp_path, FIRST, SECOND, OTHER)
    assert (status, said["accepted"], said["conflicts"], said["unsettled"]) == (1, 2, 1, 0)
    assert said["files"][0]["conflicts"] == [{"row": 2, "event_id": "order/45002"}]

    # The sender's own key sees the conflict in both commands; another buyer's key in neither.
    status, output = command(up, key, "reconcile")
    assert status == 1
    assert "conflict: source=/erp/AHM/csv id=order/45002" in output
    status, output = command(up, keys["TMMIN"], "reconcile", "--json")
    answer = json.loads(output)
    assert (status, answer["rows"], answer["conflicts"]) == (0, [], 0)
    assert up.reconcile()["conflicts"] == 1
    status, output = command(up, key, "rejected", "list", "--json")
    (row,) = json.loads(output)["rejected"]
    assert (row["reason"], row["event_id"]) == ("conflict", "order/45002")
    assert json.loads(command(up, keys["TMMIN"], "rejected", "list", "--json")[1])["total"] == 0
    status, output = command(up, key, "rejected", "show", row["id"])
    event = json.loads(json.loads(output)["value"])
    for action in ("show", "dismiss", "replay"):
        status, output = command(up, keys["TMMIN"], "rejected", action, row["id"])
        assert (status, "no rejected event has this id" in output) == (2, True)

    # Repaired by sending the whole order with an id and a time of its own, as a later version.
    event |= {"id": "order/45002/2", "time": "2026-09-02T08:00:00+07:00"}
    event.pop("sender", None)
    repaired = tmp_path / "repaired.json"
    repaired.write_text(json.dumps(event))
    status, output = command(up, key, "rejected", "replay", row["id"], "--file", str(repaired))
    assert (status, output) == (0, "Accepted.\n")
    assert command(up, key, "reconcile")[0] == 0
    lines = up.get(key, "/v1/suppliers/S-CSV/lines", as_of="2026-09-15", status="any")["lines"]
    assert [line["line_no"] for line in lines if line["order_no"] == "45002"] == ["10", "20"]


def test_a_conflict_may_be_left_at_what_is_stored(
    up: Up, keys: dict[str, str], tmp_path: Path
) -> None:
    key = keys["AHM"]
    assert ingest(up, key, tmp_path, OTHER.replace("45003", "45004"))[0] == 0
    assert ingest(up, key, tmp_path, OTHER.replace("45003,10", "45004,11"))[0] == 1
    (row,) = json.loads(command(up, key, "rejected", "list", "--json")[1])["rejected"]
    assert command(up, key, "reconcile")[0] == 1
    assert command(up, key, "rejected", "dismiss", row["id"]) == (0, "Dismissed.\n")
    assert command(up, key, "reconcile")[0] == 0
    assert json.loads(command(up, key, "rejected", "list", "--json")[1])["total"] == 0


def test_another_partners_rows_are_told_by_row_and_the_others_go_in(
    up: Up, keys: dict[str, str], tmp_path: Path
) -> None:
    mapping = MAPPING.replace('buyer = "AHM"', "").replace(
        "[columns]", '[columns]\nbuyer = { from = "Plant", kind = "identifier" }'
    )
    (tmp_path / "m.toml").write_text(mapping)
    rows = [
        f"{row.replace('4500', '4600')},{plant}" for row, plant in ((FIRST, "P1"), (OTHER, "AHM"))
    ]
    path = tmp_path / "plants.csv"
    arguments = ("ingest", str(path), "--map", str(tmp_path / "m.toml"), "--json")
    for some, accepted, refused in ((rows[:1], 0, 1), (rows, 1, 1)):
        path.write_text("\n".join([f"{HEADER},Plant", *some]))
        status, output = command(up, keys["AHM"], *arguments)
        said = json.loads(output)
        assert (status, said["accepted"], said["rejected"]) == (1, accepted, refused)
        (fault,) = said["files"][0]["faults"]
        assert (fault["row"], fault["column"], fault["value"]) == (2, "Plant", "P1")


def test_what_a_terminal_would_obey_is_shown(up: Up, keys: dict[str, str], tmp_path: Path) -> None:
    event = order("09-01", 5, "09-20", id="e\u202e1", buyer_id="AHM", order_no="E1")
    other = event | {"data": event["data"] | {"partnership": "\x1b[2J\x9b"}}
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(event) + "\n" + json.dumps(other))
    shown = [command(up, keys["AHM"], "ingest", str(path)), command(up, keys["AHM"], "reconcile")]
    shown += [command(up, keys["AHM"], "rejected", "list")]
    found = json.loads(command(up, keys["AHM"], "rejected", "list", "--json")[1])["rejected"]
    (name,) = [row["id"] for row in found if row["event_id"] == event["id"]]
    shown += [
        command(up, keys["AHM"], "rejected", "show", name, *more) for more in ((), ("--json",))
    ]
    assert [status for status, _ in shown] == [1, 1, 0, 0, 0]
    for _, output in shown:
        assert not [each for each in output if not each.isprintable() and each != "\n"]
    assert all("202e" in output for _, output in shown)
    command(up, keys["AHM"], "rejected", "dismiss", name)


def asked(up: Up, key: str, *events: dict[str, Any], **more: Any) -> httpx.Response:
    question = {"events": list(events), **more}
    headers = {"Authorization": f"Bearer {key}"}
    return documented(httpx.post(f"{up.url}/v1/settlement", json=question, headers=headers))


def test_a_question_about_events(up: Up, keys: dict[str, str]) -> None:
    event = order("09-01", 5, "09-20", id="settled", buyer_id="AHM", order_no="Q1")
    outcome = validate(parse(json.dumps(event).encode()), Sender("AHM", (Role.BUYER,)))
    assert isinstance(outcome, Accepted)
    headers = {
        "Authorization": f"Bearer {keys['AHM']}",
        "Content-Type": "application/cloudevents+json",
    }
    mine = {"source": outcome.source, "id": outcome.id, "content": outcome.content.hex()}
    assert asked(up, keys["AHM"], mine).json()["pending"] == [0]
    httpx.post(f"{up.url}/v1/events", json=event, headers=headers).raise_for_status()
    answer = asked(up, keys["AHM"], mine, mine | {"content": "00"}, mine | {"id": "none"})
    assert answer.json() == {
        "stored": 1, "conflicts": [1], "rejected": [], "pending": [2], "zone": "Asia/Jakarta",
    }  # fmt: skip
    assert asked(up, keys["TMMIN"], mine).status_code == 403
    for bad in ({}, {**mine, "id": 5}, {**mine, "source": "x"}, {**mine, "id": "x" * 5000}):
        problem = asked(up, keys["AHM"], bad)
        assert (problem.status_code, "/events/0/" in problem.json()["detail"]) == (400, True)
    assert asked(up, keys["AHM"], *[mine] * 5001).status_code == 400
    assert asked(up, keys["AHM"], since="yesterday").status_code == 400
    assert asked(up, keys["AHM"], since="2026-01-01T00:00:00+07:00").json()["stored"] == 0
    assert httpx.post(f"{up.url}/v1/settlement", json={}).status_code == 401
