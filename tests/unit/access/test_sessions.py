"""Sessions: a visitor stays signed in, but no longer than the link or key is valid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from itsdangerous import URLSafeTimedSerializer

from schemas.catalogue import Role
from services.access import sessions
from services.access.keys import KeyStore, Principal
from services.access.links import LinkHolder, Links, Rights
from services.access.sessions import KEY_SESSION_SECONDS, Sessions, Visitor


class Door:
    """Keys, links and sessions in one folder."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.links = KeyStore(folder / "keys.json"), Links(folder / "link.secret")
        self.sessions = Sessions(self.keys, self.links)

    def principal(self, role: Role = Role.BUYER) -> Principal:
        found = self.keys.authenticate(self.keys.create(role, "AHM"))
        assert found is not None
        return found


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_a_link_signs_its_partner_in_with_its_rights(door: Door) -> None:
    for rights in Rights:
        link = door.links.open(door.links.create(LinkHolder(Role.SUPPLIER, "IKM-1", rights), 2))
        session = door.sessions.by_link(link)
        visitor = door.sessions.visitor(session.cookie)
        assert visitor == session.visitor
        assert visitor is not None
        assert (visitor.partner, visitor.may_act) == ("IKM-1", rights is Rights.ACT)
        assert 2 * 86_400 - 5 <= session.seconds <= 2 * 86_400


def test_a_revoked_link_ends_the_sessions_that_it_began(door: Door) -> None:
    link = door.links.open(door.links.create(LinkHolder(Role.SUPPLIER, "IKM-1")))
    cookie = door.sessions.by_link(link).cookie
    door.links.revoke(link.link_id)
    assert door.sessions.visitor(cookie) is None


def test_a_running_process_ends_a_session_at_once(door: Door) -> None:
    running = Door(door.keys.path.parent)
    by_key = door.principal()
    by_link = door.links.open(door.links.create(LinkHolder(Role.SUPPLIER, "IKM-1")))
    cookies = running.sessions.by_key(by_key).cookie, running.sessions.by_link(by_link).cookie
    assert None not in map(running.sessions.visitor, cookies)
    door.keys.revoke(by_key.key_id)
    door.links.revoke(by_link.link_id)
    assert [running.sessions.visitor(cookie) for cookie in cookies] == [None, None]


def test_a_key_signs_in_for_a_working_day_and_no_longer_than_it_is_valid(door: Door) -> None:
    principal = door.principal()
    session = door.sessions.by_key(principal)
    assert session.seconds == KEY_SESSION_SECONDS
    visitor = door.sessions.visitor(session.cookie)
    assert visitor == Visitor(Role.BUYER, "AHM", True, session.visitor.session)
    with patch.object(sessions, "datetime", wraps=datetime) as clock:
        now = datetime.now(UTC)
        clock.now.return_value = now + timedelta(seconds=KEY_SESSION_SECONDS + 5)
        assert door.sessions.visitor(session.cookie) is None
    assert door.sessions.visitor(session.cookie) is not None
    door.keys.revoke(principal.key_id)
    assert door.sessions.visitor(session.cookie) is None


def test_a_forged_or_foreign_cookie_signs_nobody_in(door: Door) -> None:
    cookie = door.sessions.by_key(door.principal()).cookie
    swapped = "A" if cookie[3] != "A" else "B"
    for broken in (None, "", "x", cookie[:-2], cookie[:3] + swapped + cookie[4:], cookie * 2):
        assert door.sessions.visitor(broken) is None
    # Signed with our secret, but for another purpose or with other content.
    for salt, what in (("rantai.form.v1", ["key", "x", "y"]), ("rantai.session.v1", ["key"])):
        signed = URLSafeTimedSerializer(door.links.secret, salt=salt).dumps(what)
        assert door.sessions.visitor(str(signed)) is None
    unknown = URLSafeTimedSerializer(door.links.secret, salt="rantai.session.v1")
    assert door.sessions.visitor(str(unknown.dumps(["link", "nothing", "x"]))) is None


def test_the_cookie_does_not_hold_the_key(door: Door) -> None:
    key = door.keys.create(Role.PROGRAMME, "YDBA")
    principal = door.keys.authenticate(key)
    assert principal is not None
    session = door.sessions.by_key(principal)
    assert key.split("_", 2)[2] not in session.cookie
    assert session.visitor.role is Role.PROGRAMME


def test_every_sign_in_has_its_own_session_name(door: Door) -> None:
    principal = door.principal()
    names = {door.sessions.by_key(principal).visitor.session for _ in range(5)}
    assert len(names) == 5
