"""Links: each opens one partner's page for a limited time, can be revoked and not be forged."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Role
from services.access.links import LinkHolder, LinkRefusal, LinkRefused, Links, Rights

HOLDER = LinkHolder(Role.SUPPLIER, "IKM-1")
READER = LinkHolder(Role.SUPPLIER, "IKM-1", Rights.READ)


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path / "new" / "link.secret")


def refusal(links: Links, token: str) -> LinkRefusal:
    with pytest.raises(LinkRefused) as refused:
        links.open(token)
    return refused.value.why


def put(links: Links, at: int = 0, **changes: Any) -> None:
    """Edit a record in the file, as somebody with access to it might."""
    path = links._file.path
    rows = json.loads(path.read_text())
    rows["links"][at].update(changes)
    path.write_text(json.dumps(rows))


def test_a_link_opens_its_holders_page(links: Links, tmp_path: Path) -> None:
    token = links.create(HOLDER, made_by="YDBA")
    opened = links.open(token)
    assert (opened.role, opened.partner, opened.rights) == (Role.SUPPLIER, "IKM-1", Rights.ACT)
    assert opened.made_by == "YDBA"
    assert links.open(links.create(READER)).rights is Rights.READ
    assert token == token.strip()
    assert not set(token) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    # It opens after a restart too: secret and records are files that only their owner may read.
    folder = tmp_path / "new"
    assert Links(folder / "link.secret").open(token) == opened
    kept = sorted(file.name for file in folder.iterdir() if not file.name.endswith(".lock"))
    assert kept == ["link.secret", "links.json"]
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in (*kept, "."))
    assert token not in (folder / "links.json").read_text()


def test_an_altered_link_opens_nothing(links: Links) -> None:
    token = links.create(HOLDER)
    for at in range(len(token)):
        if token[at] == ".":
            continue
        # The last character of a signature has two unused bits: the swap must change the others.
        swapped = "A" if token[at] != "A" else "Q"
        assert refusal(links, token[:at] + swapped + token[at + 1 :]) is LinkRefusal.INCOMPLETE
    for broken in ("", ".", token[:-1], token[: len(token) // 2], token + "x", "é" * 9, "a.b.c"):
        assert refusal(links, broken) is LinkRefusal.INCOMPLETE


def test_an_old_link_is_refused_as_expired(links: Links) -> None:
    token = links.create(HOLDER, days=1)
    assert links.open(token)
    put(links, expires_at="2020-01-01T00:00:00+00:00")
    fresh = Links(links._file.path.with_name("link.secret"))
    assert refusal(fresh, token) is LinkRefusal.EXPIRED
    assert fresh.valid(fresh.records()[0].link_id) is None


@pytest.mark.parametrize("days", [0, -1, 731, float("nan"), float("inf")])
def test_a_link_lasts_more_than_0_and_at_most_730_days(links: Links, days: float) -> None:
    with pytest.raises(ValueError, match="lasts between"):
        links.create(HOLDER, days)


def test_a_revoked_link_opens_nothing_and_others_are_unaffected(links: Links) -> None:
    first, second = links.create(HOLDER), links.create(HOLDER)
    gone = links.revoke(links.open(first).link_id)
    assert gone.revoked_at is not None
    assert refusal(links, first) is LinkRefusal.REVOKED
    assert links.open(second).partner == "IKM-1"
    assert links.revoke(gone.link_id).revoked_at == gone.revoked_at
    with pytest.raises(LookupError, match="rantai links list"):
        links.revoke("nothing")


def test_a_running_process_sees_at_once_what_another_creates_and_revokes(links: Links) -> None:
    running = Links(links._file.path.with_name("link.secret"))
    for _ in range(50):
        token = links.create(HOLDER)
        opened = running.open(token)
        assert running.valid(opened.link_id) == opened
        links.revoke(opened.link_id)
        assert refusal(running, token) is LinkRefusal.REVOKED
        assert running.valid(opened.link_id) is None


def test_a_link_ends_with_the_link_by_which_its_maker_signed_in(links: Links) -> None:
    office = links.open(links.create(LinkHolder(Role.PROGRAMME, "YDBA"), days=7))
    long, short = (links.create(HOLDER, days, "YDBA", office.link_id) for days in (365, 1))
    own = links.create(HOLDER, 365, "YDBA")
    assert links.open(long).expires_at == office.expires_at
    assert links.open(short).expires_at < office.expires_at < links.open(own).expires_at
    links.revoke(office.link_id)
    assert [refusal(links, one) for one in (long, short)] == [LinkRefusal.REVOKED] * 2
    assert links.open(own).partner == HOLDER.partner
    for origin in (office.link_id, "nothing"):
        before = links.records()
        with pytest.raises(LinkRefused):
            links.create(HOLDER, 1, "YDBA", origin)
        assert links.records() == before


def test_a_link_without_a_record_opens_nothing(links: Links) -> None:
    """Such a link could not be revoked."""
    token = links.create(HOLDER)
    links._file.path.unlink()
    assert refusal(Links(links._file.path.with_name("link.secret")), token) is LinkRefusal.REVOKED


def test_changing_the_partner_in_a_record_does_not_open_that_partners_page(
    links: Links,
) -> None:
    token = links.create(HOLDER)
    put(links, partner="IKM-2")
    fresh = Links(links._file.path.with_name("link.secret"))
    assert refusal(fresh, token) is LinkRefusal.REVOKED


def test_a_link_limited_to_one_buyers_orders_cannot_be_widened(links: Links) -> None:
    token = links.create(LinkHolder(Role.SUPPLIER, "IKM-1", Rights.READ, "AHM"), made_by="AHM")
    assert links.open(token).buyer == "AHM"
    for changes in ({"buyer": None}, {"buyer": "TMMIN"}):
        put(links, **changes)
        fresh = Links(links._file.path.with_name("link.secret"))
        assert refusal(fresh, token) is LinkRefusal.REVOKED


@pytest.mark.parametrize("role", [Role.BUYER, Role.PROGRAMME])
def test_only_a_suppliers_reading_link_can_be_limited_to_one_buyers_orders(
    links: Links, role: Role
) -> None:
    with pytest.raises(ValueError, match="only a supplier's link"):
        links.create(LinkHolder(role, "AHM", Rights.READ, "AHM"))
    with pytest.raises(ValueError, match="for reading"):
        links.create(LinkHolder(Role.SUPPLIER, "IKM-1", Rights.ACT, "AHM"))
    assert links.records() == []


def test_a_link_signed_with_another_secret_opens_nothing(links: Links, tmp_path: Path) -> None:
    other = Links(tmp_path / "other" / "link.secret")
    assert refusal(other, links.create(HOLDER)) is LinkRefusal.INCOMPLETE


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    file = tmp_path / "link.secret"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: Links(file), range(32)))
    token = made[0].create(HOLDER)
    assert {one.open(token).partner for one in made} == {"IKM-1"}


def test_no_link_is_lost_when_many_are_created_at_once(links: Links) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda _: links.create(HOLDER), range(40)))
    assert len({links.open(token).link_id for token in tokens}) == 40


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "link.secret"
    file.write_text("")
    with pytest.raises(ValueError, match="empty"):
        Links(file)
