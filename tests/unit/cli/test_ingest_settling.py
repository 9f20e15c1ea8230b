"""What `rantai ingest` reports about accepted events: stored, in conflict, refused or unknown."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import ingest_settling
from services.formats.mapping_file import parse_mapping
from services.formats.sites import site_zone_problem
from tests.unit.cli.gateway_stand_in import KEY, MAPPING, StandIn, event, report, run, standing_in


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(ingest_settling, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(ingest_settling, "_LONGEST_PAUSE_SECONDS", 0.01)
    with standing_in() as found:
        yield found


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "closed.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def rows(folder: Path, *lines: str, name: str = "closed.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(["No,Vendor,Closed", *lines]), encoding="utf-8")
    return path


def test_a_correction_that_is_refused_as_a_conflict_is_reported(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    arguments = ("--map", mapping, "--url", gateway.url)
    path = rows(tmp_path, "1,S1,02-Jun-06", "2,S1,02-Jun-06", "3,S1,02-Jun-06")
    assert report(path, *arguments)[0] == 0
    path = rows(tmp_path, "1,S1,02-Jun-06", "2,S1,03-Jun-06", "3,S1,02-Jun-06")
    status, summary = report(path, *arguments)
    assert (status, summary["accepted"], summary["rejected"], summary["conflicts"]) == (1, 3, 0, 1)
    assert summary["files"][0]["conflicts"] == [{"row": 3, "event_id": "closed/2"}]
    shown = run(path, *arguments)
    assert shown.exit_code == 1
    assert "1 event differs from what is stored: closed/2\n" in shown.stdout
    assert "rantai rejected" in shown.stdout
    rows(tmp_path, "1,S1,05-Jun-06", "2,S1,03-Jun-06", "3,S1,02-Jun-06")
    assert "2 events differ from what is stored: closed/1, closed/2" in run(path, *arguments).stdout


def test_two_contents_of_one_id_in_one_file_are_a_conflict(
    gateway: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text("\n".join(json.dumps(event(1, supplier_id=each)) for each in ("S1", "S2")))
    status, summary = report(path, "--url", gateway.url)
    assert (status, summary["files"][0]["conflicts"]) == (1, [{"row": 2, "event_id": "e1"}])


def test_pending_events_are_waited_for(gateway: StandIn, mapping: Path, tmp_path: Path) -> None:
    gateway.late = 3
    path = rows(tmp_path, "1,S1,02-Jun-06")
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, summary["unsettled"]) == (0, 0)
    assert [len(events) for events in gateway.asked] == [0, 1, 1, 1, 1]
    assert gateway.asked[1][0]["id"] == "closed/1"


def test_an_event_that_is_refused_after_it_was_accepted_is_shown(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    gateway.refusing = {"closed/2"}
    path = rows(tmp_path, "1,S1,02-Jun-06", "2,S1,02-Jun-06")
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, summary["accepted"], summary["rejected"]) == (1, 1, 1)
    (fault,) = summary["files"][0]["faults"]
    assert (fault["row"], fault["event_id"]) == (3, "closed/2")
    assert fault["message"] == "was accepted, and refused after all: does not fit"


def test_waiting_is_bounded(gateway: StandIn, mapping: Path, tmp_path: Path) -> None:
    gateway.late = 10**6
    path = rows(tmp_path, "1,S1,02-Jun-06", "2,S1,02-Jun-06")
    arguments = ("--map", mapping, "--url", gateway.url, "--wait", "0.1")
    status, summary = report(path, *arguments)
    assert (status, summary["accepted"], summary["unsettled"]) == (1, 2, 2)
    assert summary["trouble"] == "no news for 0.1 s"
    shown = run(path, *arguments)
    assert "2 events accepted, and not known to be stored" in shown.stdout
    assert "no news" in shown.stderr


def test_an_address_without_settlement_needs_read_url(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    path = rows(tmp_path, "1,S1,02-Jun-06")
    gateway.settling = [(404, {}, b"")] * 2
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, summary["unsettled"]) == (1, 1)
    assert "--read-url" in summary["trouble"]
    # 404 is final: it is not asked again.
    assert len(gateway.asked) == 1
    with standing_in() as reads:
        arguments = ("--map", mapping, "--url", gateway.url, "--read-url", reads.url)
        assert report(path, *arguments)[0] == 0
        assert [len(events) for events in reads.asked] == [0, 1]
        assert (len(gateway.asked), reads.requests) == (1, [])


def test_transient_errors_are_asked_again(gateway: StandIn, mapping: Path, tmp_path: Path) -> None:
    ready = json.dumps({"stored": 0, "conflicts": [], "rejected": [], "pending": []}).encode()
    gateway.settling = [(200, {}, ready), (503, {}, b""), (429, {}, b"")]
    path = rows(tmp_path, "1,S1,02-Jun-06")
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, summary["unsettled"], summary["trouble"]) == (0, 0, None)


def test_an_answer_that_does_not_account_for_all_events_is_not_used(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    bad = json.dumps({"stored": 5, "conflicts": [], "rejected": [], "pending": []}).encode()
    gateway.settling = [(200, {}, bad)]
    status, summary = report(
        rows(tmp_path, "1,S1,02-Jun-06"), "--map", mapping, "--url", gateway.url
    )
    assert (status, summary["unsettled"]) == (1, 1)
    assert "is not from Rantai" in summary["trouble"]


def test_without_waiting_the_settlement_is_not_asked_for(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    path = rows(tmp_path, "1,S1,02-Jun-06")
    assert report(path, "--map", mapping, "--url", gateway.url, "--wait", "0")[0] == 0
    assert gateway.asked == []


def test_only_the_rows_of_another_buyer_are_rejected(
    gateway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.cli.ingest.MOST_EVENTS", 1)
    by_row = MAPPING.replace('buyer = "AHM"', "").replace(
        "[columns]", '[columns]\nbuyer = { from = "Plant", kind = "identifier" }'
    )
    (tmp_path / "m.toml").write_text(by_row)
    path = tmp_path / "plants.csv"
    path.write_text(
        "No,Vendor,Closed,Plant\n1,S1,02-Jun-06,P1\n2,S1,02-Jun-06,AHM\n3,S1,02-Jun-06,P1\n"
    )
    status, summary = report(path, "--map", tmp_path / "m.toml", "--url", gateway.url)
    assert (status, summary["accepted"], summary["rejected"], summary["stopped"]) == (1, 1, 2, None)
    assert gateway.stored == {("/erp/AHM/sap", "closed/2")}
    faults = summary["files"][0]["faults"]
    assert [(each["row"], each["column"], each["value"]) for each in faults] == [
        (2, "Plant", "P1"), (4, "Plant", "P1"),
    ]  # fmt: skip


def test_a_key_of_another_sender_stops_the_command(gateway: StandIn, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(MAPPING.replace("AHM", "TMMIN"))
    path = rows(tmp_path, "1,S1,02-Jun-06")
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, "does it belong to the sender?" in summary["stopped"]) == (2, True)


def test_a_file_that_gives_no_event_is_an_error(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    never = tmp_path / "never.toml"
    condition = 'only = [{ column = "No", equals = "NEVER" }]\nid ='
    never.write_text(MAPPING.replace("id =", condition, 1))
    path = rows(tmp_path, "1,S1,02-Jun-06", "Total,,")
    for more in (("--dry-run",), ("--url", gateway.url)):
        shown = run(path, "--map", never, *more)
        assert shown.exit_code == 1
        assert "nothing became an event: of 2 rows 1 were left out" in shown.stdout
        assert "1 fit 'only' and 'when' of no event" in shown.stdout
        assert run(path, "--map", never, *more, "--allow-empty").exit_code == 0
    header = run(rows(tmp_path), "--map", mapping, "--dry-run")
    assert (header.exit_code, "a header and no rows" in header.stdout) == (1, True)
    array = tmp_path / "none.json"
    array.write_text("[]")
    assert run(array, "--dry-run").exit_code == 1
    # If sending stopped for another reason, the missing events are not reported.
    stopped = run(rows(tmp_path, "1,S1,02-Jun-06"), "--map", mapping, "--url", "x")
    assert (stopped.exit_code, "nothing became" in stopped.stdout) == (2, False)


ESCAPES = "\x1b[31mRED\x1b[2J\x9b0m\u202e\x07"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_no_escape_sequence_of_a_file_reaches_the_terminal(
    mapping: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    name = f"a{ESCAPES}.csv"
    path = rows(tmp_path, f"{ESCAPES},x", f"1,{ESCAPES},02-Jun-06", f'2,S1,"{ESCAPES}', name=name)
    shown = run(path, "--map", mapping, "--dry-run", *more)
    assert shown.exit_code == 1
    lines = tmp_path / "events.ndjson"
    lines.write_text(json.dumps(event(1, buyer_id=ESCAPES)) + f"\n{ESCAPES}\n")
    events = run(lines, "--dry-run", *more)
    header = tmp_path / "header.csv"
    header.write_text(f"{ESCAPES},Vendor\n1,2\n")
    unfit = run(header, "--map", mapping, "--dry-run", *more)
    toml = tmp_path / "bad.toml"
    toml.write_text('mapping = 1\n"a\\u001B[2J" = 1\n')
    bad = run(header, "--map", toml, "--dry-run", *more)
    for result in (shown, events, unfit, bad):
        output = result.stdout + result.stderr
        assert not [each for each in output if not each.isprintable() and each != "\n"]
    assert "RED" in shown.stdout and ("\\x1b" in shown.stdout or "\\u001b" in shown.stdout)
    assert "\\x1b" in (unfit.stdout + unfit.stderr) or "\\u001b" in unfit.stdout


def test_a_site_zone_that_would_shift_dates_stops_it_before_anything_is_sent(
    gateway: StandIn, mapping: Path, tmp_path: Path
) -> None:
    gateway.zone = "America/Los_Angeles"
    path = rows(tmp_path, "1,S1,02-Jun-06")
    status, summary = report(path, "--map", mapping, "--url", gateway.url)
    assert (status, gateway.requests) == (2, [])
    assert 'set site = "America/Los_Angeles"' in summary["stopped"]
    loaded = parse_mapping(MAPPING)
    assert site_zone_problem(loaded, "Asia/Jakarta") is None
    assert site_zone_problem(loaded, "Asia/Jayapura") is None
    assert site_zone_problem(loaded, "nowhere") is None
    moved = MAPPING.replace("[constants]", '[defaults]\nsite = "America/Los_Angeles"\n[constants]')
    assert site_zone_problem(parse_mapping(moved), "America/Los_Angeles") is None
    late = MAPPING.replace("[constants]", "[defaults]\nat = 23:30:00\n[constants]")
    assert site_zone_problem(parse_mapping(late), "Asia/Makassar") is not None


def test_the_key_is_never_shown(gateway: StandIn, mapping: Path, tmp_path: Path) -> None:
    gateway.settling = [(401, {}, b"")] * 3
    shown = run(rows(tmp_path, "1,S1,02-Jun-06"), "--map", mapping, "--url", gateway.url)
    assert shown.exit_code == 1
    assert KEY not in shown.output
