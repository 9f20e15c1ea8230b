"""API keys: creating, revoking, following the file; the file holds no secret and loses no key."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import Request

from schemas.catalogue import Role
from services.access.keys import KeyStore, Principal
from services.access.record_file import RecordFileError
from services.http.principal import principal_of
from services.http.service import Problem


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys" / "keys.json")


def test_a_key_authenticates_its_partner_until_it_is_revoked(store: KeyStore) -> None:
    key, other = store.create(Role.BUYER, "AHM"), store.create(Role.SUPPLIER, "IKM-1")
    principal = store.authenticate(key)
    assert principal == Principal(Role.BUYER, "AHM", key.split("_")[1])
    assert [record.partner for record in store.records()] == ["AHM", "IKM-1"]
    assert store.partners() == {"AHM": (Role.BUYER,), "IKM-1": (Role.SUPPLIER,)}
    assert principal is not None
    first = store.revoke(principal.key_id)
    assert first.revoked_at is not None
    assert store.authenticate(key) is None
    assert store.authenticate(other) is not None
    # A partner whose keys are all revoked is still known, but has no role.
    assert store.partners() == {"AHM": (), "IKM-1": (Role.SUPPLIER,)}
    assert store.revoke(principal.key_id) == first  # Revoking again changes nothing.
    with pytest.raises(LookupError, match="rantai keys list"):
        store.revoke("000000000000")


def test_a_partner_may_hold_several_roles(store: KeyStore) -> None:
    for role in (Role.BUYER, Role.SUPPLIER, Role.BUYER):
        store.create(role, "COOP")
    assert store.partners() == {"COOP": (Role.BUYER, Role.SUPPLIER)}


@pytest.mark.parametrize("partner", ["", "a b", "a/b", "é", "x" * 65, "a\nb"])
def test_a_malformed_partner_id_is_refused(store: KeyStore, partner: str) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        store.create(Role.BUYER, partner)
    assert store.records() == []


def test_white_space_around_a_partner_id_is_stripped(store: KeyStore) -> None:
    store.create(Role.BUYER, " AHM\u00a0")
    assert store.partners() == {"AHM": (Role.BUYER,)}


def test_the_file_holds_no_secret_and_only_its_owner_may_read_it(store: KeyStore) -> None:
    key = store.create(Role.BUYER, "AHM")
    secret = key.split("_", 2)[2]
    text = store.path.read_text()
    assert secret not in text
    assert key not in text
    assert key.split("_")[1] in text
    assert store.path.stat().st_mode & 0o077 == store.path.parent.stat().st_mode & 0o077 == 0
    left = {file.name for file in store.path.parent.iterdir()}
    assert left <= {"keys.json", ".keys.json.lock"}


def test_an_altered_or_malformed_key_authenticates_nobody(store: KeyStore) -> None:
    key = store.create(Role.BUYER, "AHM")
    wrong = [
        "",
        "rtk_",
        key[:-1],
        key + "x",
        key + "\n",
        key.upper(),
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key.replace(key.split("_")[1], "0" * 12),
        "Bearer " + key,
    ]
    assert [store.authenticate(text) for text in wrong] == [None] * len(wrong)


def test_a_running_process_sees_at_once_what_another_changes(store: KeyStore) -> None:
    running = KeyStore(store.path)
    assert running.authenticate("rtk_" + "0" * 12 + "_" + "a" * 43) is None
    for _ in range(50):
        key = store.create(Role.BUYER, "AHM")
        assert running.authenticate(key) is not None
        assert running.partners() == {"AHM": (Role.BUYER,)}
        store.revoke(key.split("_")[1])
        assert running.authenticate(key) is None
        assert running.principal(key.split("_")[1]) is None
        assert running.partners() == {"AHM": ()}
    last = store.create(Role.BUYER, "AHM")
    assert running.authenticate(last) is not None
    store.path.unlink()
    assert running.authenticate(last) is None


def test_a_mounted_secret_that_is_swapped_by_a_symlink_is_followed(tmp_path: Path) -> None:
    versions = []
    for name in ("one", "two"):
        made = KeyStore(tmp_path / name / "keys.json")
        versions.append(made.create(Role.BUYER, name))
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "one")
    running = KeyStore(link / "keys.json")
    assert running.authenticate(versions[0]) is not None
    beside = tmp_path / "next"
    beside.symlink_to(tmp_path / "two")
    beside.replace(link)
    assert running.authenticate(versions[1]) is not None
    assert running.authenticate(versions[0]) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "list of keys;"),
        ("{", "list of keys;"),
        ("[]", "list of keys;"),
        ('{"links": []}', "list of keys;"),
        ('{"keys": [{"role": "king"}]}', "at keys/0/"),
        ('{"keys": 1}', "at keys;"),
    ],
)
def test_a_change_that_cannot_be_read_leaves_the_keys_as_they_were(
    store: KeyStore, text: str, place: str
) -> None:
    key = store.create(Role.BUYER, "AHM")
    good = store.path.read_text()
    store.path.write_text(text)
    assert store.authenticate(key) is not None
    # But no change overwrites a file that somebody is repairing, and no process starts with it.
    with pytest.raises(RecordFileError, match=rf"keys\.json is not a .*{place}.*repair it"):
        store.create(Role.BUYER, "ADM")
    with pytest.raises(RecordFileError):
        KeyStore(store.path).authenticate(key)
    assert store.path.read_text() == text
    store.path.write_text(good)
    assert KeyStore(store.path).authenticate(key) is not None


def test_keys_that_were_never_read_are_answered_503_not_401(store: KeyStore) -> None:
    key = store.create(Role.BUYER, "AHM")
    header = (b"authorization", f"Bearer {key}".encode())
    request = Request({"type": "http", "headers": [header]})
    assert principal_of(request, store).partner == "AHM"
    store.path.write_text("{")
    with pytest.raises(Problem, match="can't be checked") as raised:
        principal_of(request, KeyStore(store.path))
    assert raised.value.status == 503


def test_an_unknown_restriction_in_the_file_is_an_error(store: KeyStore) -> None:
    key = store.create(Role.BUYER, "AHM")
    rows = json.loads(store.path.read_text())
    rows["keys"][0]["only_from"] = "10.0.0.0/8"
    store.path.write_text(json.dumps(rows))
    with pytest.raises(RecordFileError, match="keys/0/only_from"):
        KeyStore(store.path).authenticate(key)


def test_no_key_is_lost_when_many_are_created_at_once(store: KeyStore) -> None:
    def make(number: int) -> str:
        # Half share one object; each of the others has its own, as processes do.
        mine = store if number % 2 else KeyStore(store.path)
        return mine.create(Role.SUPPLIER, f"IKM-{number}")

    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(make, range(40)))
    fresh = KeyStore(store.path)
    assert all(fresh.authenticate(key) is not None for key in keys)
    assert len(json.loads(store.path.read_text())["keys"]) == 40


def test_many_threads_may_authenticate_while_keys_change(store: KeyStore) -> None:
    running = KeyStore(store.path)

    def is_taken_at_once(number: int) -> bool:
        key = KeyStore(store.path).create(Role.SUPPLIER, f"IKM-{number}")
        taken = running.authenticate(key) is not None
        store.revoke(key.split("_")[1])
        return taken and running.authenticate(key) is None

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(is_taken_at_once, range(100)))
