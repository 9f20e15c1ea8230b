"""Each month end is frozen once, and each change of grade or stage is announced once.

This holds for late events, restarts and killed processes.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from schemas.catalogue import READINESS, Role
from schemas.readiness import Change, ReadinessEvent
from services.access.keys import KeyStore
from services.kafka.embedded_broker import free_port
from services.kafka.topic_reader import records_of
from services.readiness.month_ends import month_ends
from tests.integration.brokers import real_kafka
from tests.integration.feeding import Event, sender_of
from tests.integration.process import Running, Up
from tests.integration.separate import BROKER_OPTIONS, Separate
from tests.reference.writing import Writer

JAKARTA = ZoneInfo("Asia/Jakarta")
SUPPLIER, BUYER, PROGRAMME = "S1", "B1", "PROGRAMME"
PATH = f"/v1/suppliers/{SUPPLIER}/"
PARTS = ("kpis", "score", "grade", "stage")
EVALUATED = "rantai_suppliers_evaluated_total"
OPTIONS = {"RANTAI_EVALUATION_SECONDS": "0.3", "RANTAI_EVALUATION_QUIET_SECONDS": "2"}
GRACE = timedelta(hours=6)
WAIT_SECONDS = 60.0
STAGES = {80: "Mandiri", 30: "Madya", 60: "Pra-Mandiri", 10: "Pemula"}
"""The stage that follows from an assessment, by the mark that each of its pillars is given."""

KILLED_AFTER = (0.0, 0.5, 0.8, 1.1)
"""Seconds between accepting an event and killing the evaluating process. A change is announced
about one second after: a supplier is evaluated once no event about it came for half a second."""


@dataclass
class Site:
    """A running Rantai, the address of its broker, and an API key for each sender."""

    running: Running
    bootstrap: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def forgets(self) -> bool:
        """Whether the broker, with its topics, ends together with Rantai."""
        return self.running.stored_when_answered

    def post(self, *events: Event) -> None:
        """Send events, with one request for each sender."""
        for sender in sorted({sender_of(event) for event in events}):
            some = [event for event in events if sender_of(event) == sender]
            answer = httpx.post(
                self.running.gateway_url + "/v1/events",
                content=json.dumps(some),
                headers={
                    "authorization": f"Bearer {self.keys[sender]}",
                    "content-type": "application/cloudevents-batch+json",
                },
                timeout=60,
            )
            assert answer.status_code == 202, answer.text
            assert answer.json() == {"accepted": len(some), "rejected": []}

    def told(self) -> list[ReadinessEvent]:
        """Return the announcements on the topic, in order."""
        records = records_of(self.bootstrap, lambda topic: topic == READINESS)
        return [ReadinessEvent.model_validate_json(record.value) for record in records]

    def told_after(self, before: list[ReadinessEvent]) -> list[ReadinessEvent]:
        """Wait until there are more announcements than `before`, and return all of them.

        Waiting for the next evaluation is not enough: a process that takes over evaluates the
        supplier too, possibly before the newest event is stored.
        """
        until(lambda: len(self.told()) > len(before))
        return self.told()

    def evaluations(self, who: str = SUPPLIER) -> list[dict[str, Any]]:
        """Return the supplier's frozen evaluations, as the partner `who` sees them."""
        answer = self.running.get(self.keys[who], PATH + "evaluations")
        assert answer["supplier_id"] == SUPPLIER
        found: list[dict[str, Any]] = answer["evaluations"]
        return found

    def scorecard(self, as_of: str) -> dict[str, Any]:
        """Return those parts of the scorecard at a date that an evaluation freezes."""
        card = self.running.get(self.keys[SUPPLIER], PATH + "scorecard", as_of=as_of)
        return {part: card[part] for part in PARTS}

    def judged(self) -> dict[str, float]:
        """Return how many suppliers each living process has evaluated since its start."""
        running = self.running
        if isinstance(running, Separate):
            alive = [name for name in running.processors if running.services[name].alive]
            return {name: running.metric(name, EVALUATED) for name in alive}
        lines = httpx.get(running.gateway_url + "/metrics").text.splitlines()
        return {"up": sum(float(line.split()[-1]) for line in lines if line.startswith(EVALUATED))}

    def await_judged(self, before: dict[str, float] | None = None) -> str:
        """Wait until a process has evaluated the supplier again, and return its name.

        `before` is an earlier result of `judged`.
        """
        judges: list[str] = []

        def judged_again() -> bool:
            counts = self.judged()
            judges[:] = [name for name in counts if counts[name] > (before or {}).get(name, 0)]
            return bool(judges)

        until(judged_again)
        return judges[0]

    def judge(self, *events: Event) -> str:
        """Send events; return the name of the process that evaluated the supplier after them."""
        before = self.judged()
        self.post(*events)
        return self.await_judged(before)

    def kill(self, judge: str) -> None:
        """Kill the evaluating process. Start it again if no other process takes over."""
        if isinstance(self.running, Separate):
            self.running.services[judge].kill()
        else:
            self.running.kill()
            self.running.start()

    def restore(self) -> None:
        """Start the process that `kill` left dead."""
        if self.running.taken_over:
            self.running.start()


def until(true: Callable[[], bool]) -> None:
    """Wait until `true()` holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"the condition does not hold after {WAIT_SECONDS} s"
        time.sleep(0.1)


def site_of(made: Running, bootstrap: str) -> Iterator[Site]:
    try:
        made.start()
        site = Site(made, bootstrap)
        store = KeyStore(made.data_dir / "keys.json")
        for role, partner in (
            (Role.SUPPLIER, SUPPLIER),
            (Role.BUYER, BUYER),
            (Role.PROGRAMME, PROGRAMME),
        ):
            site.keys[partner] = store.create(role, partner)
        yield site
    finally:
        made.end()


def made_of(shape: str, data_dir: Path) -> Iterator[Site]:
    if shape == "embedded":
        port = free_port()
        up = Up(data_dir, ("--broker-port", str(port)), OPTIONS)
        yield from site_of(up, f"127.0.0.1:{port}")
        return
    kafka = real_kafka()
    if shape == "kafka":
        yield from site_of(Up(data_dir, ("--kafka", kafka), BROKER_OPTIONS | OPTIONS), kafka)
    else:
        yield from site_of(Separate(data_dir, kafka, processors=2, environment=OPTIONS), kafka)


ON_KAFKA = [pytest.param(shape, marks=pytest.mark.kafka) for shape in ("kafka", "scaled-out")]


@pytest.fixture(params=["embedded", *ON_KAFKA])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Run `rantai up` with the embedded broker and with Kafka, and services with two processors."""
    yield from made_of(request.param, tmp_path / "data")


@pytest.fixture(params=ON_KAFKA)
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Run Rantai on Kafka, where the topic outlives its processes."""
    yield from made_of(request.param, tmp_path / "data")


class Tale:
    """The events of a supplier: a year up to yesterday, and single events that tests add.

    `year`: an order a week, each confirmed, despatched and received on time. The exception is
    `missing`, the number and due date of an order that was not received.
    """

    def __init__(self) -> None:
        now = datetime.now(JAKARTA)
        self.yesterday = now.date() - timedelta(days=1)
        self.last_end = (now - GRACE).date().replace(day=1)
        self.first = self.yesterday - timedelta(days=365)
        self._writer = Writer(random.Random(1), self.first, 366)
        self._numbers = 0
        self.missing = self._order(self.last_end - timedelta(days=10), received=False)
        placed = self.first
        while placed < self.yesterday - timedelta(days=5):
            self._order(placed)
            placed += timedelta(days=7)
        self.year = list(self._writer.events)

    @property
    def ends(self) -> list[str]:
        """The month ends that are to be frozen, newest first."""
        return [day.isoformat() for day in reversed(month_ends(self.first, self.last_end))]

    def late_receipt(self) -> Event:
        """Return a receipt of the missing goods, stating that they came on the due date."""
        number, due = self.missing
        return self._receive(number, due)

    def line_stop(self) -> Event:
        """Return a complaint that a production line stopped yesterday."""
        return self._tell(
            BUYER,
            "quality.complaint_opened",
            self.yesterday,
            complaint_no="C1",
            order_no=self.missing[0],
            opened_at=self._text(self.yesterday),
            severity="line_stop",
        )

    def uneventful(self) -> Event:
        """Return an order of yesterday, which changes facts, but neither grade nor stage."""
        self._numbers += 1
        due = self.yesterday + timedelta(days=20)
        line = {"line_no": "10", "item_no": "I", "quantity": 1, "requested_date": due.isoformat()}
        order_no = f"P{self._numbers}"
        return self._tell(BUYER, "order.placed", self.yesterday, order_no=order_no, lines=[line])

    def assessed(self, marks: int) -> Event:
        """Return an assessment of yesterday. Of several, the one written last stands."""
        self._numbers += 1
        event = self._tell(
            PROGRAMME,
            "partner.assessed",
            self.yesterday,
            assessor="YDBA",
            assessed_on=self.yesterday.isoformat(),
            pillars=dict.fromkeys(("produksi", "pemasaran", "keuangan"), marks),
        )
        del event["data"]["buyer_id"]
        return event | {"time": self._text(self.yesterday, minutes=self._numbers)}

    def _order(self, placed: date, *, received: bool = True) -> tuple[str, date]:
        self._numbers += 1
        number, due = f"P{self._numbers}", placed + timedelta(days=5)
        line = {"line_no": "10", "item_no": "I", "quantity": 10, "requested_date": due.isoformat()}
        self._tell(BUYER, "order.placed", placed, order_no=number, lines=[line])
        accepted = {"line_no": "10", "status": "accepted"}
        self._tell(SUPPLIER, "order.confirmed", placed, order_no=number, lines=[accepted])
        if received:
            lines = _goods(number)
            self._tell(SUPPLIER, "delivery.despatched", due, despatch_no=f"D{number}", lines=lines)
            self._receive(number, due)
        return number, due

    def _receive(self, number: str, on: date) -> Event:
        return self._tell(
            BUYER,
            "delivery.received",
            on,
            receipt_no=f"R{number}",
            received_at=self._text(on, minutes=120),
            despatch_no=f"D{number}",
            lines=_goods(number),
        )

    def _tell(self, sender: str, name: str, on: date, **document: Any) -> Event:
        parties = {"buyer_id": BUYER, "supplier_id": SUPPLIER}
        return self._writer.write(sender, name, self._moment(on), parties | document)

    def _text(self, on: date, minutes: int = 0) -> str:
        return (self._moment(on) + timedelta(minutes=minutes)).isoformat()

    def _moment(self, on: date) -> datetime:
        return datetime.combine(on, clock(10), JAKARTA)


def _goods(number: str) -> list[dict[str, Any]]:
    return [{"order_no": number, "line_no": "10", "quantity": 10}]


def frozen(site: Site, tale: Tale) -> list[dict[str, Any]]:
    """Send the year, wait until its month ends are frozen, and return them."""
    site.post(*tale.year)
    site.running.settle()
    until(lambda: len(site.evaluations()) == len(tale.ends))
    return site.evaluations()


def standing(events: list[ReadinessEvent]) -> dict[str | None, str | None]:
    """Apply announcements in order; return the grade under None, and the stage by assessor.

    Fails if a change does not follow from the one before, or if the numbers in the ids have gaps.
    """
    found: dict[str | None, str | None] = {}
    for event in events:
        change = event.data.changed
        assert change.from_ == found.get(change.assessor)
        found[change.assessor] = change.to
    assert [event.id for event in events] == [f"{SUPPLIER}:{n + 1}" for n in range(len(events))]
    return found


def test_month_ends_stand_and_changes_are_told_once(site: Site) -> None:
    tale = Tale()
    first = frozen(site, tale)
    assert [one["as_of"] for one in first] == tale.ends
    for one in first:
        assert {part: one[part] for part in PARTS} == site.scorecard(one["as_of"])
        assert one["restated"] is None
        assert one["frozen_at"][:4] >= one["as_of"][:4]
    assert first[0]["inputs"]["events"] == len(tale.year)
    assert site.evaluations(PROGRAMME) == first
    for_buyers = httpx.get(
        site.running.scorecards_url + PATH + "evaluations",
        headers={"authorization": f"Bearer {site.keys[BUYER]}"},
    )
    assert for_buyers.status_code == 403
    graded = site.told()
    assert standing(graded) == {None: "A"}
    assert first[0]["grade"]["published"] == "A"

    late_is_told_beside(site, tale, first)
    assert site.told() == graded

    site.post(tale.line_stop())
    *others, stopped = told = site.told_after(graded)
    assert others == graded
    gate = Change(what="published_grade", from_="A", to="C", kpi="line_stops", gates=["line_stops"])
    assert (stopped.data.changed, stopped.data.published) == (gate, "C")
    today = tale.yesterday + timedelta(days=1)
    assert stopped.data.as_of == today

    # Processes that start later, or take over, do not repeat announcements.
    left = [] if site.forgets else told
    assert site.running.stop() == 0
    site.running.start()
    site.await_judged()
    assert site.told() == left
    judge = site.judge(tale.uneventful())
    before = {name: count for name, count in site.judged().items() if name != judge}
    site.kill(judge)
    site.await_judged(before)
    assert site.told() == left
    site.restore()

    site.post(tale.assessed(80))
    staged = site.told_after(left)
    assert staged[:-1] == left
    mandiri = Change(what="stage", assessor="YDBA", from_=None, to="Mandiri")
    assert staged[-1].data.changed == mandiri
    assert staged[-1].id == f"{SUPPLIER}:{len(told) + 1}"
    if not site.forgets:
        assert standing(staged) == {None: "C", "YDBA": "Mandiri"}
    now = site.evaluations()
    assert [one | {"restated": None} for one in now] == first
    assert site.running.stop() == 0


def late_is_told_beside(site: Site, tale: Tale, first: list[dict[str, Any]]) -> None:
    """Send a late receipt, which restates the newest month end only, and changes nothing frozen."""
    site.judge(tale.late_receipt())
    now = site.evaluations()
    assert [one | {"restated": None} for one in now] == first
    assert [one["as_of"] for one in now if one["restated"]] == [tale.last_end.isoformat()]
    today = site.scorecard(now[0]["as_of"])
    restated = now[0]["restated"]
    assert restated["kpis"]["otif"]["frozen"] == first[0]["kpis"]["otif"]
    assert restated["kpis"]["otif"]["frozen"]["numerator"] + 1 == today["kpis"]["otif"]["numerator"]
    assert restated["kpis"] == {
        key: {"frozen": figure, "now": today["kpis"][key]}
        for key, figure in first[0]["kpis"].items()
        if figure != today["kpis"][key]
    }
    assert restated["score"] == {"frozen": first[0]["score"], "now": today["score"]}


def test_a_change_is_told_once_though_its_teller_is_killed(lasting: Site) -> None:
    tale = Tale()
    frozen(lasting, tale)
    graded = lasting.told()
    stages: list[str | None] = []
    for seconds, (marks, stage) in zip(KILLED_AFTER, STAGES.items(), strict=True):
        judge = lasting.judge(tale.uneventful())
        lasting.post(tale.assessed(marks))
        time.sleep(seconds)
        lasting.kill(judge)
        stages.append(stage)
        until(lambda: len(lasting.told()) >= len(graded) + len(stages))
        assert [event.data.changed.to for event in lasting.told()[len(graded) :]] == stages
        lasting.restore()
    lasting.running.settle()
    told = lasting.told()
    assert told[: len(graded)] == graded
    assert standing(told) == {None: "A", "YDBA": "Pemula"}
    assert lasting.running.stop() == 0
