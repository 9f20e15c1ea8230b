"""Data is printed as it is: no text of it is taken for markup, or obeyed by the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.cli.printing import printable_json
from services.readiness.policy import packaged_text
from tests.unit.cli.commands import KEY, answering, rantai

NASTY = "[/x] \x1b]0;mine\x07\x9b"
SHOWN = "[/x] \\x1b]0;mine\\x07\\x9b"


def printed(answer: dict[str, Any] | bytes, *command: str) -> str:
    """Return what a command prints of an answer."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with answering(body) as (url, _):
        ended = rantai(*command, "--url", url, "--key", KEY, columns=300)
    assert ended.exit_code in (0, 1), ended.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(ended.stdout)
    return ended.stdout


def test_explain() -> None:
    parts: list[dict[str, Any]] = [
        {"order_no": NASTY, "line_no": 7, "numerator": 1, "denominator": 2},
        {"complaint_no": NASTY, "value": NASTY, "events": [{"id": "e1"}, {"id": NASTY}]},
    ]
    rest = {"day": NASTY, "buyer_id": NASTY, "reason": NASTY}
    answer = {
        "kpi": NASTY,
        "supplier_id": NASTY,
        "as_of": "2026-11-01",
        "figure": {"value": 0.5, "numerator": 1, "denominator": 2},
        "parts": [{**part, **rest} for part in parts],
    }
    text = printed(answer, "explain", "S1", "otif")
    assert f"{SHOWN} of {SHOWN} at 2026-11-01: 0.5 = 1 / 2" in text
    assert f"{SHOWN} line 7" in text
    assert f"complaint {SHOWN}" in text
    assert text.count(SHOWN) == 12


def test_reconcile() -> None:
    counts = dict.fromkeys(("accepted", "stored", "rejected", "missing", "resent"), 1)
    event = {"source": NASTY, "id": NASTY, "topic": NASTY, "partition": 0, "offset": 1}
    answer = {
        "rows": [{"sender": NASTY, "day": NASTY, **counts}],
        "total": counts,
        "missing": 1,
        "missing_events": [event],
    }
    assert printed(answer, "reconcile").count(SHOWN) == 5


def test_rejected() -> None:
    row = dict.fromkeys(("id", "sender", "reason", "event_id"), NASTY)
    errors = [{"pointer": "/data", "message": NASTY}]
    answer = {"rejected": [{**row, "errors": errors}], "total": 1}
    assert printed(answer, "rejected", "list").count(SHOWN) == 5


def test_backtest() -> None:
    pair = {"from": NASTY, "to": "B"}
    move = {"supplier_id": NASTY, "grade": pair, "published": pair, "score": pair, "by": NASTY}
    moved = dict.fromkeys(("up", "down", "unchanged", "newly_insufficient", "newly_graded"), 0)
    result = {
        "moves": [{**move, "by_points": 1.5}],
        "editions": {"from": [1], "to": 2},
        "suppliers": 1,
        "as_of": "2026-11-01",
        "from": NASTY,
        "to": NASTY,
        "summary": {NASTY: moved},
    }
    command = ("policy", "backtest", "--from", "packaged", "--to", "packaged")
    lines = [{"stage": NASTY, "done": 0, "total": 1}, {"finished": True, "result": result}]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    assert printed(body, *command, "--as-of", "2026-11-01").count(SHOWN) == 8
    text = printed(body, *command, "--as-of", "2026-11-01", "--json")
    assert json.loads(text) == result


def test_what_is_wrong_with_a_policy(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    site = '[sites]\n"[/x]\\u009B" = "Asia/Makassar"\n'
    file.write_text(packaged_text().replace("[sites]\n", site))
    as_json = rantai("policy", "check", file, "--json").stdout
    assert as_json.removesuffix("\n").isprintable()
    assert "sites.[/x]" in json.loads(as_json)["problems"][0]


def test_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    KeyStore(keys).create(Role.BUYER, "AHM")
    keys.write_text(keys.read_text().replace("AHM", "A\\u001bM"))
    ended = rantai("keys", "list", "--data-dir", tmp_path)
    assert "A\\x1bM" in ended.stdout


@pytest.mark.parametrize("indent", [None, 2])
def test_json_of_any_text_can_be_read_again(indent: int | None) -> None:
    value = {"a": [NASTY, "é", "\u2028", "\U000e0001"]}
    text = printable_json(value, indent)
    assert json.loads(text) == value
    assert all(line.isprintable() for line in text.split("\n"))
    assert "é" in text
