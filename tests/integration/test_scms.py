"""A real delivery history, ingested with a mapping file: the API returns its known totals."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.process import Up, run

ROOT = Path(__file__).parents[2]
HISTORY = ROOT.parent / "shared/data/scms/SCMS_Delivery_History_Dataset_20150929.csv"
MAPPINGS = ROOT / "tests/mappings"
ASKED: dict[str, str | int] = {"as_of": "2016-01-01", "window_days": 4000}

pytestmark = pytest.mark.skipif(not HISTORY.exists(), reason=f"{HISTORY} does not exist")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Run `rantai up`. The fixture `key` ingests the history."""
    running = Up(tmp_path_factory.mktemp("scms"))
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def key(up: Up) -> str:
    """Create the buyer's key, and ingest the file with it twice."""
    made = up.key("buyer", "SCMS")
    for _ in range(2):
        done = run(
            "ingest", str(HISTORY), "--map", str(MAPPINGS / "scms.toml"), "--url", up.url,
            environment={"RANTAI_KEY": made},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return made


def lines_of(client: httpx.Client, supplier: str) -> list[dict[str, Any]]:
    """Return every order line of a supplier."""
    answer = client.get(
        f"/v1/suppliers/{supplier}/lines", params={**ASKED, "status": "any", "limit": 10_000}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_offset"] is None
    found: list[dict[str, Any]] = answer.json()["lines"]
    return found


def test_totals_come_out_of_the_api(up: Up, key: str) -> None:
    with httpx.Client(
        base_url=up.url, headers={"authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        suppliers = client.get("/v1/suppliers", params={"limit": 1000}).json()["suppliers"]
        assert len(suppliers) == 73
        days: Counter[str] = Counter()
        judged = late = 0
        for supplier in suppliers:
            name = supplier["supplier_id"]
            card = client.get(f"/v1/suppliers/{name}/scorecard", params=ASKED).json()["kpis"]
            judged += card["otif"]["denominator"]
            assert card["fill_rate"]["value"] == 1.0
            for line in lines_of(client, name):
                due = date.fromisoformat(line["due_date"])
                received = date.fromisoformat(line["receipts"][0]["received_on"])
                days[
                    "on the day" if received == due else "early" if received < due else "late"
                ] += 1
                late += "late" in line["status"]
        assert judged == 10_324
        assert days == {"on the day": 6_324, "early": 2_814, "late": 1_186}
        assert late == 1_186


def test_the_same_file_twice_changes_nothing(up: Up, key: str) -> None:
    answer = up.reconcile()
    assert answer["missing"] == 0
    assert answer["total"]["stored"] == 6_233 + 10_324
    assert answer["total"]["resent"] == 6_233 + 10_324
