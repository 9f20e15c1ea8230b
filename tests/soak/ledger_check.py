"""The final check: acknowledged events against what Rantai stored, refused and counted."""

import asyncio
import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.integration.comparing import Asked, compare
from tests.soak.hostile import PARTNER
from tests.soak.rounds import dates
from tests.soak.world import Key, World

LOST, DOUBLED, CONTENT, CONFLICTS, FIGURES, REFUSED = (
    "nothing acknowledged is lost",
    "nothing is doubled",
    "the content acknowledged first is kept",
    "every acknowledged conflict is refused and kept",
    "figures equal the reference",
    "nothing valid is refused",
)
_SETTLE_SECONDS: Final = 90
_READ_SECONDS: Final = 600
_PAGE: Final = 1000
_WINDOW: Final = 180


async def settled(world: World) -> None:
    """Wait until every event is stored; check the counts of `rantai reconcile`."""
    try:
        answer = await asyncio.to_thread(world.up.reconcile, _SETTLE_SECONDS)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        world.checks.fail(LOST, f"rantai reconcile: {error}")
        return
    total, acknowledged = answer["total"], len(world.ledgers.acknowledged)
    world.counts["reconciled as stored"] = total["stored"]
    if answer["missing"]:
        missing = (
            f"rantai reconcile reports {answer['missing']} missing: {answer['missing_events'][:5]}"
        )
        world.checks.fail(LOST, missing)
    counts = f"rantai reconcile counts {total['stored']} stored of {acknowledged} acknowledged"
    if total["stored"] < acknowledged:
        world.checks.fail(LOST, counts)
    if total["stored"] > acknowledged + len(world.ledgers.unanswered):
        world.checks.fail(DOUBLED, counts)


async def refused(world: World) -> None:
    """Compare the refused records with the conflicts that were acknowledged."""
    found: Counter[Key] = Counter()
    offset: int | None = 0
    while offset is not None:
        page = await asyncio.to_thread(
            world.up.get, world.watcher, "/v1/rejected", limit=_PAGE, offset=offset
        )
        for row in page["rejected"]:
            if row["reason"] != "conflict":
                world.checks.fail(REFUSED, f"{row['reason']}: {row['source']} {row['errors']}")
            found[row["source"], row["event_id"]] += 1
        offset = page["next_offset"]
    world.counts["conflicts refused"] = len(found)
    for key in world.ledgers.conflicts - found.keys():
        world.checks.fail(CONFLICTS, f"{key} is in no refused record")
    for key in found.keys() - world.ledgers.told_conflicts:
        world.checks.fail(REFUSED, f"{key} is refused as a conflict that nobody sent")


async def figures(world: World) -> None:
    """Compare the figures of every round exactly with those of the reference implementation."""
    for path in world.rounds:
        sent: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        asked = Asked(sent["suppliers"], sent["buyers"], dates(), (_WINDOW,))
        try:
            compared = await asyncio.to_thread(
                compare, world.up.url, world.watcher, sent["events"], asked
            )
        except AssertionError as error:
            world.checks.fail(FIGURES, f"{path.name}: {error}")
        else:
            world.counts["figures compared"] += compared


async def stored(world: World) -> None:
    """Compare the ledger of the stopped process with what was acknowledged."""
    acknowledged = world.ledgers.acknowledged
    rows = await asyncio.to_thread(_rows, world.up.data_dir / "store")
    there: set[Key] = set()
    for source, name, contents in rows:
        key = (source, name)
        there.add(key)
        if len(contents) > 1:
            world.checks.fail(DOUBLED, f"{key} is stored with {len(contents)} contents")
        elif key in acknowledged and acknowledged[key] != contents[0]:
            world.checks.fail(CONTENT, f"{key} is stored with other content than was acknowledged")
        if f"/{PARTNER}/" in source:
            world.checks.fail("hostile bodies are refused", f"{key} was stored")
        elif key not in acknowledged and key not in world.ledgers.unanswered:
            world.checks.fail(DOUBLED, f"{key} is stored, and nobody sent it")
    world.counts["stored"] = len(there)
    for key in acknowledged.keys() - there:
        world.checks.fail(LOST, f"{key} was acknowledged and is not in the ledger")


def _rows(store: Path) -> list[list[Any]]:
    """Return source, id and content digests of each stored event, read by `tests.soak.stored`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.stored", str(store)],
        capture_output=True,
        text=True,
        timeout=_READ_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
