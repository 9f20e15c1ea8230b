"""Links: they open one partner's page, for a time, and cannot be made by others."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest

from schemas.catalogue import Role
from services.access.links import LINK_SECONDS, LinkHolder, LinkRefused, Links

HOLDER = LinkHolder(Role.SUPPLIER, "IKM-1")


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path / "new" / "link.secret")


def test_a_link_opens_its_holders_page(links: Links, tmp_path: Path) -> None:
    token = links.token(HOLDER)
    assert links.read(token) == HOLDER
    assert token == token.strip()
    assert not set(token) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    # After a restart, too: the secret is kept, for its owner alone.
    secret = tmp_path / "new" / "link.secret"
    assert Links(secret).read(token) == HOLDER
    assert secret.stat().st_mode & 0o077 == 0
    assert [file.name for file in secret.parent.iterdir()] == ["link.secret"]


def test_whatever_is_changed_in_a_link_it_opens_nothing(links: Links) -> None:
    token = links.token(HOLDER)
    for at in range(len(token)):
        if token[at] == ".":
            continue
        # The last sign of a signature holds two bits that mean nothing.
        swapped = "A" if token[at] != "A" else "Q"
        with pytest.raises(LinkRefused, match="not complete"):
            links.read(token[:at] + swapped + token[at + 1 :])
    for broken in ("", ".", token[:-1], token[: len(token) // 2], token + "x", "é" * 9, "a.b.c"):
        with pytest.raises(LinkRefused):
            links.read(broken)


def test_an_old_link_says_that_it_has_expired(links: Links) -> None:
    with patch("itsdangerous.timed.time.time", return_value=1_700_000_000):
        token = links.token(HOLDER)
    with patch("itsdangerous.timed.time.time", return_value=1_700_000_000 + LINK_SECONDS):
        assert links.read(token) == HOLDER
    late = 1_700_000_000 + LINK_SECONDS + 1
    with (
        patch("itsdangerous.timed.time.time", return_value=late),
        pytest.raises(LinkRefused, match="expired"),
    ):
        links.read(token)


def test_another_secret_signs_other_links(links: Links, tmp_path: Path) -> None:
    other = Links(tmp_path / "other.secret")
    with pytest.raises(LinkRefused):
        other.read(links.token(HOLDER))


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    file = tmp_path / "link.secret"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: Links(file), range(32)))
    assert {one.read(made[0].token(HOLDER)) for one in made} == {HOLDER}
    assert [found.name for found in tmp_path.iterdir()] == ["link.secret"]


def test_an_empty_secret_signs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "link.secret"
    file.write_text("")
    with pytest.raises(ValueError, match="empty"):
        Links(file)
