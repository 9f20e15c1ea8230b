"""The file of records: running processes see every change, and a change survives a power cut."""

import logging
import os
import time
from pathlib import Path

import pytest

from schemas.catalogue import Role
from services.access import private_files, record_file
from services.access.keys import KeyStore


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    made = KeyStore(tmp_path / "keys.json")
    made.create(Role.BUYER, "AHM")
    return made


def partner_of(store: KeyStore) -> str:
    (partner,) = store.partners()
    return partner


def unreadable(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.getMessage() == "records_unreadable" for record in caplog.records)


def test_every_change_has_a_later_time_than_the_one_before(tmp_path: Path) -> None:
    """Else a second change of equal size, on the same inode and clock tick, would be missed."""
    file, times = tmp_path / "file", []
    for number in range(100):
        private_files.replace(file, b"%02d" % number)
        times.append(file.stat().st_mtime_ns)
    ahead = time.time_ns() + 3600 * 10**9
    os.utime(file, ns=(ahead, ahead))
    private_files.replace(file, b"xx")
    times += [ahead, file.stat().st_mtime_ns]
    assert times == sorted(set(times))


def test_a_copy_that_is_restored_with_its_old_time_and_size_is_noticed(store: KeyStore) -> None:
    assert partner_of(store) == "AHM"
    before, text = store.path.stat(), store.path.read_text()
    time.sleep(0.05)  # so that the change time of the file differs
    store.path.write_text(text.replace('"AHM"', '"ADM"'))
    os.utime(store.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.path.stat().st_size == before.st_size
    assert partner_of(store) == "ADM"


def test_a_file_that_is_missing_for_a_moment_invalidates_no_key(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert partner_of(store) == "AHM"
    away = store.path.with_name("away")
    store.path.rename(away)
    monkeypatch.setattr(time, "sleep", lambda _: away.rename(store.path))
    assert partner_of(store) == "AHM"
    assert not away.exists()


def test_a_file_that_is_gone_is_waited_for_only_once(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    store.path.unlink()
    for _ in range(3):
        assert store.partners() == {}
        assert 0 < sum(waits) < 0.1
        count = len(waits)
    assert len(waits) == count < 10
    # A file that never existed is not waited for.
    assert KeyStore(store.path.with_name("none.json")).partners() == {}
    assert len(waits) == count


def test_a_broken_file_is_read_and_logged_once(
    store: KeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    good = store.path.read_bytes()
    for text, logged in (("{", 1), ("[", 1), ('{"keys": 3}', 2)):
        store.path.write_text(text)
        for _ in range(20):
            assert partner_of(store) == "AHM"
        assert unreadable(caplog) == logged, text
        assert caplog.records[-1].levelno == logging.ERROR
    store.path.write_bytes(good.replace(b"AHM", b"TMMIN"))
    assert partner_of(store) == "TMMIN"


def test_records_are_kept_while_the_file_cannot_be_read(
    store: KeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    content = store.path.read_bytes()
    store.path.unlink()
    store.path.mkdir()  # root, which may run the tests, can read any file
    for _ in range(20):
        assert partner_of(store) == "AHM"
    assert unreadable(caplog) == 1
    with pytest.raises(record_file.RecordFileError, match="let this process read it"):
        store.records()
    store.path.rmdir()
    private_files.replace(store.path, content.replace(b"AHM", b"ADM"))
    assert partner_of(store) == "ADM"


def test_a_change_is_on_the_disk_before_create_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content first, then the name: a power cut in between leaves the old file, not half a file."""
    done: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(handle: int) -> None:
        sync(handle)
        name = Path(f"/proc/self/fd/{handle}").readlink()
        done.append("folder" if name.is_dir() else f"content of {name.name[:5]}")

    def noted_rename(one: Path, other: Path) -> Path:
        done.append(f"name {other.name}")
        return rename(one, other)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    KeyStore(tmp_path / "new" / "keys.json").create(Role.BUYER, "AHM")
    assert done == ["folder", "content of .keys", "name keys.json", "folder"]


def test_a_failed_write_leaves_no_file_behind(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        record_file.RecordFileError, match=r"keys\.json can't be written \(No space"
    ):
        store.create(Role.BUYER, "ADM")
    assert store.path.read_bytes() == before
    assert {one.name for one in store.path.parent.iterdir()} == {"keys.json", ".keys.json.lock"}
    assert partner_of(store) == "AHM"
