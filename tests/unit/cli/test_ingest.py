"""`rantai ingest` against a server that answers as the gateway does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.cli import ingest_sending
from services.cli.ingest_sending import GatewayClient, SendingStoppedError
from tests.unit.cli.gateway_stand_in import (
    KEY,
    MAPPING,
    Answer,
    StandIn,
    event,
    judged,
    report,
    run,
    standing_in,
)


@pytest.fixture
def gateway() -> Iterator[StandIn]:
    with standing_in() as found:
        yield found


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "closed.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "closed.csv"
    path.write_text("\n".join(["No,Vendor,Closed", *lines]), encoding="utf-8-sig")
    return path


def one_event(folder: Path) -> Path:
    path = folder / "events.json"
    path.write_text(json.dumps(event(1)))
    return path


def test_rows_become_events_and_a_file_sent_twice_gives_the_same_events(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "1,S1,02-Jun-06", "2,S1,03-Jun-06", "Total,,")
    for _ in range(2):
        status, summary = report(path, "--map", mapping, "--url", gateway.url)
        assert status == 0
        assert (summary["accepted"], summary["rejected"], summary["stopped"]) == (2, 0, None)
        assert summary["files"][0]["rows"] == 3
        assert summary["files"][0]["left_out"] == 1
    assert gateway.stored == {("/erp/AHM/sap", "closed/1"), ("/erp/AHM/sap", "closed/2")}
    headers, lines = gateway.requests[0]
    assert lines == gateway.requests[1][1]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/x-ndjson"


def test_what_is_refused_is_shown_by_row_and_column(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    lines = ["1,S1,02-Jun-06", "2,S1,soon", "3,,02-Jun-06", "4,S1,02-Jun-06,x", "5,S1,01-Jan-07"]
    path = csv_file(tmp_path, *lines)
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert status == 1
    assert (summary["accepted"], summary["rejected"]) == (2, 3)
    faults = summary["files"][0]["faults"]
    assert [(each["row"], each["column"], each["value"]) for each in faults] == [
        (3, "Closed", "soon"),
        (4, "Vendor", ""),
        (5, "", "4,S1,02-Jun-06,x"),
    ]
    assert faults[1]["message"] == "is required"
    assert [each["event_id"] for each in faults] == ["closed/2", "closed/3", None]
    shown = run(path, "--map", mapping, "--url", gateway.url)
    assert shown.exit_code == 1
    assert shown.stderr == ""
    assert "what is wrong" in shown.stdout
    assert all(text in shown.stdout for text in ("Vendor", "soon", "2 events accepted, 3 rejected"))


def test_a_dry_run_checks_by_the_contract_and_sends_nothing(mapping: Path, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "1,S1,02-Jun-06", "2,,02-Jun-06")
    result = run(path, "--map", mapping, "--dry-run", "--json", key=None)
    summary = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (summary["dry_run"], summary["accepted"], summary["rejected"]) == (True, 1, 1)
    assert summary["files"][0]["faults"][0]["column"] == "Vendor"
    assert "1 event would be accepted" in run(path, "--map", mapping, "--dry-run").stdout


def test_a_dry_run_rejects_what_the_sender_may_not_send(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([event(1, buyer_id="XYZ"), event(2), {"id": "x"}]))
    status, summary = report(path, "--dry-run")
    assert status == 1
    assert (summary["accepted"], summary["rejected"]) == (1, 2)
    assert summary["files"][0]["faults"][0]["column"] == "/type"


def test_events_in_json_files_are_sent_unchanged(gateway: StandIn, tmp_path: Path) -> None:
    array, lines = tmp_path / "a.json", tmp_path / "b.ndjson"
    array.write_text(json.dumps([event(1), event(2, complaint_no="")], indent=2))
    lines.write_text(json.dumps(event(3)) + "\n{oops\n\n" + json.dumps(event(4)))
    status, summary = report(array, lines, "--url", gateway.url)
    assert status == 1
    assert [(each["accepted"], each["rejected"]) for each in summary["files"]] == [(1, 1), (2, 1)]
    first, second = (each["faults"][0] for each in summary["files"])
    assert [first[name] for name in ("row", "column")] == [2, "/data/complaint_no"]
    assert [second[name] for name in ("row", "value")] == [2, "{oops"]
    assert json.loads(gateway.requests[0][1][0]) == event(1)


def test_standard_input_may_hold_events_or_rows(gateway: StandIn, mapping: Path) -> None:
    lines = "\n".join(json.dumps(event(number)) for number in (1, 2)).encode()
    status, summary = report("-", "--url", gateway.url, stdin=lines)
    assert (status, summary["accepted"], summary["files"][0]["file"]) == (0, 2, "stdin")
    rows = b"No,Vendor,Closed\n9,S1,02-Jun-06\n"
    status, summary = report("-", "--url", gateway.url, "--map", mapping, stdin=rows)
    assert (status, summary["accepted"]) == (0, 1)


def test_batches_are_bounded_by_count_and_bytes(
    gateway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(event(number)) for number in range(2500)))
    assert report(path, "--url", gateway.url)[1]["accepted"] == 2500
    assert [len(lines) for _, lines in gateway.requests] == [1000, 1000, 500]
    monkeypatch.setattr("services.cli.ingest.MOST_BYTES", 50_000)
    gateway.requests.clear()
    assert report(path, "--url", gateway.url)[1]["accepted"] == 2500
    assert max(sum(len(each) + 1 for each in lines) for _, lines in gateway.requests) <= 50_000


def client_without_pauses(gateway: StandIn) -> tuple[GatewayClient, list[float]]:
    """Return a client that does not sleep, and the list of pauses in seconds that it asks for."""
    pauses: list[float] = []
    return GatewayClient(gateway.url, SecretStr(KEY), sleep=pauses.append), pauses


def test_transient_errors_are_retried_after_the_pause_that_the_gateway_asks_for(
    gateway: StandIn,
) -> None:
    client, pauses = client_without_pauses(gateway)
    gateway.queued = [
        (503, {"Retry-After": "5"}, b""),
        (429, {}, b""),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b""),
        (503, {"Retry-After": "86400"}, b""),
        (503, {"Retry-After": "soon"}, b""),
    ]
    assert client.judge([json.dumps(event(1)).encode()]).accepted == 1
    assert pauses == [5, 1, 0, 60, 8]
    assert len({lines[0] for _, lines in gateway.requests}) == 1
    client.close()


def test_retries_end_with_a_message_on_how_much_was_sent(
    gateway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_sending, "_FIRST_PAUSE_SECONDS", 0.0)
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(event(number)) for number in range(1500)))
    gateway.queued = [judged(1000, []), *[(503, {}, b'{"detail": "the broker is away"}')] * 10]
    result = run(path, "--url", gateway.url)
    assert result.exit_code == 2
    assert "the broker is away" in result.stderr
    for message in ("10 times", "waiting: ", "Stopped after 1,000 accepted", "not counted twice"):
        assert message in result.stderr


def test_a_gateway_that_answered_before_is_retried_when_it_is_gone(
    gateway: StandIn,
) -> None:
    client, pauses = client_without_pauses(gateway)
    assert client.judge([json.dumps(event(1)).encode()]).accepted == 1
    client._url = "http://127.0.0.1:9/v1/events"
    with pytest.raises(SendingStoppedError, match="10 times"):
        client.judge([b"{}"])
    assert len(pauses) == 9
    client.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9", "is the gateway running"),
        ("localhost:8080", "write --url http://"),
        ("http://a:b", "is not an address"),
        ("http://a..b", "is not an address"),
    ],
)
def test_a_wrong_address_is_explained(url: str, message: str, tmp_path: Path) -> None:
    path = one_event(tmp_path)
    result = run(path, "--url", url)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, {}, b'{"detail": "unknown key"}'), "does not know this key"),
        (
            judged(0, [{"index": 0, "id": "e1", "errors": "not yours"}], 403),
            "may not send .*not you",
        ),
        ((400, {}, b'{"detail": "not JSON"}'), "cannot read what was sent .*not JSON"),
        ((404, {}, b"<html>"), "404 .*is --url right"),
        ((202, {}, b"<html>"), "not a gateway's"),
        ((404, {}, b'{"rejected": {"a": 1}, "detail": "no such page"}'), "no such page"),
        ((404, {}, b'{"rejected": [3]}'), "404 .*is --url right"),
        (judged(7, []), "does not add up"),
        (judged(0, [{"index": 5, "id": None, "errors": []}]), "does not add up"),
    ],
)
def test_answers_that_stop_the_command(
    gateway: StandIn, tmp_path: Path, answer: Answer, message: str
) -> None:
    gateway.queued = [answer]
    path = one_event(tmp_path)
    status, summary = report(path, "--url", gateway.url)
    assert status == 2
    assert re.search(message, summary["stopped"])


def test_an_answer_that_cannot_be_unpacked_is_tried_again(gateway: StandIn) -> None:
    client, pauses = client_without_pauses(gateway)
    gateway.queued = [(202, {"Content-Encoding": "gzip"}, b"not gzip")]
    assert client.judge([json.dumps(event(1)).encode()]).accepted == 1
    assert len(pauses) == 1
    client.close()


def test_an_address_at_which_nothing_answers_is_told_in_our_words(tmp_path: Path) -> None:
    result = run(one_event(tmp_path), "--url", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9/v1/events cannot be reached (ConnectError); is the" in result.stderr


def test_a_key_that_has_sent_something_is_not_wrong_when_one_batch_is_forbidden(
    gateway: StandIn,
) -> None:
    client, _ = client_without_pauses(gateway)
    assert client.judge([json.dumps(event(1)).encode()]).accepted == 1
    error = {"pointer": "/type", "message": "may not be sent"}
    gateway.queued = [judged(0, [{"index": 0, "id": "e2", "errors": [error]}], 403)]
    assert client.judge([b"{}"]).rejected == {0: [("/type", "may not be sent")]}
    client.close()


def test_a_batch_that_is_too_large_for_the_gateway_is_split(
    gateway: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = client_without_pauses(gateway)
    small, large = (
        json.dumps(event(n, complaint_no=c)).encode() for n, c in ((1, "1"), (2, "2" * 60))
    )
    whole = gateway.answer

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        return (413, {}, b"") if len(body) > len(small) + 10 else whole(headers, body)

    monkeypatch.setattr(gateway, "answer", answer)
    judgement = client.judge([small, large, small])
    assert judgement.accepted == 2
    assert list(judgement.rejected) == [1]
    assert "split the document" in judgement.rejected[1][0][1]
    client.close()


@pytest.mark.parametrize("key", [None, "  ", "rtk_a b", "rtk_\u00e9"])
def test_without_a_well_formed_key_nothing_is_sent(key: str | None, tmp_path: Path) -> None:
    path = one_event(tmp_path)
    result = run(path, "--url", "http://127.0.0.1:9", key=key)
    assert (result.exit_code, "key" in result.stderr) == (2, True)
    if key is not None and key.strip():
        assert key not in result.output


def test_unusable_arguments_are_explained_and_exit_with_2(mapping: Path, tmp_path: Path) -> None:
    other = tmp_path / "orders.xyz"
    other.write_text("Nr\n1\n")
    assert "--map" in run(other, "--dry-run").stderr
    missing = run(tmp_path / "none.csv", "--map", mapping, "--dry-run")
    assert (missing.exit_code, "none.csv: No such file" in missing.stderr) == (2, True)
    unfit = run(other, "--map", mapping, "--dry-run")
    assert (unfit.exit_code, "has no column 'Vendor'" in unfit.stderr) == (2, True)
    assert "is not TOML" in run(other, "--map", other, "--dry-run").stderr
    assert run(other, "--map", tmp_path / "none.toml", "--dry-run").exit_code == 2


def test_a_long_report_is_shortened_on_the_screen_and_complete_as_json(
    mapping: Path, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, *(f"{number},S1,[bold]" for number in range(150)))
    shown = run(path, "--map", mapping, "--dry-run")
    assert "and 50 more; --json lists all" in shown.stdout
    assert "[bold]" in shown.stdout
    assert len(report(path, "--map", mapping, "--dry-run")[1]["files"][0]["faults"]) == 150
