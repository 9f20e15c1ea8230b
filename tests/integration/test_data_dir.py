"""A data directory belongs to one process: a second is refused, a dead one blocks no other."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.data_dir import DataDirInUse, hold_data_dir, in_use, read_run_file, write_run_file
from services.settings import SettingsError
from tests.integration.process import RANTAI, Up, run

HOLDER = """
import sys, subprocess
from pathlib import Path
from services.cli.data_dir import hold_data_dir
with hold_data_dir(Path(sys.argv[1]), "rantai up"):
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that holds a data directory, with a child process that outlives it."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.child = int(self.process.stdout.readline())

    def kill(self) -> None:
        """Kill the process but not its child, as a power cut would."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        """Kill the process and its child."""
        self.kill()
        os.kill(self.child, signal.SIGKILL)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    made = Holder(tmp_path)
    yield made
    made.end()


def test_a_directory_that_is_held_is_refused_and_says_by_whom(
    holder: Holder, tmp_path: Path
) -> None:
    assert in_use(tmp_path)
    assert read_run_file(tmp_path) is None  # The holder has not written its address yet.
    named = rf"process {holder.process.pid} \(rantai up\)"
    with (
        pytest.raises(DataDirInUse, match=rf"{named}\. .*--data-dir"),
        hold_data_dir(tmp_path, "other"),
    ):
        pass
    write_run_file(tmp_path, "http://127.0.0.1:1", "127.0.0.1:2", tmp_path / "keys.json")
    with pytest.raises(DataDirInUse, match=rf"{named}, which listens on http://127\.0\.0\.1:1\. "):
        hold_data_dir(tmp_path, "other").__enter__()
    note = read_run_file(tmp_path)
    assert note is not None
    assert (note["url"], note["broker"]) == ("http://127.0.0.1:1", "127.0.0.1:2")


def test_a_killed_process_holds_nothing_though_its_child_lives(
    holder: Holder, tmp_path: Path
) -> None:
    write_run_file(tmp_path, "http://127.0.0.1:1", "127.0.0.1:2", tmp_path / "keys.json")
    holder.kill()
    os.kill(holder.child, 0)
    assert not in_use(tmp_path)
    assert read_run_file(tmp_path) is None
    with hold_data_dir(tmp_path, "next"):
        assert in_use(tmp_path)
        assert read_run_file(tmp_path) is None
    assert not in_use(tmp_path)


@pytest.mark.parametrize(
    "pid", [1, os.getpid(), os.getppid()], ids=["the first", "its own", "its parent"]
)
def test_a_note_that_names_a_process_of_somebody_else_holds_nobody_up(
    tmp_path: Path, pid: int
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"url": "x", "broker": "y", "pid": pid}))
    assert read_run_file(tmp_path) is None
    with hold_data_dir(tmp_path, "next"):
        assert not (tmp_path / "run.json").exists()


def test_whoever_asks_does_not_keep_a_process_from_starting(tmp_path: Path) -> None:
    asking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from services.cli.data_dir import in_use\n"
            "print('begun', flush=True)\n"
            "while True: in_use(Path(sys.argv[1]))",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert asking.stdout is not None
        asking.stdout.readline()
        for _ in range(30):
            with hold_data_dir(tmp_path, "next"):
                pass
    finally:
        asking.kill()
        asking.communicate()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match=r"can't be used as the data directory.*--data-dir"),
        hold_data_dir(tmp_path / "file" / "data", "next"),
    ):
        pass


@pytest.mark.parametrize(
    "command",
    [
        ("rebuild",),
        ("policy", "backtest", "--from", "packaged", "--to", "packaged", "--as-of", "2026-11-01"),
    ],
)
def test_a_command_leaves_the_store_of_another_alone(
    holder: Holder, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "store").mkdir()
    done = run(*command, "--data-dir", str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert f"in use by process {holder.process.pid} (rantai up)" in done.stderr
    assert list((tmp_path / "store").iterdir()) == []


def test_a_worker_without_a_store_of_its_own_takes_none(tmp_path: Path) -> None:
    """It must not use the data directory's store, because it could not keep a second one out."""
    done = subprocess.run(
        [sys.executable, "-c", "from services.processor.app import app"],
        env={**os.environ, "RANTAI_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RANTAI_CLICKHOUSE_URL: is required" in done.stderr
    assert list(tmp_path.iterdir()) == []


def broker_of(up: Up) -> int:
    """Return the process id of the embedded broker, its only child."""
    assert up.process.child is not None
    children = Path(f"/proc/{up.process.child.pid}/task").glob("*/children")
    (pid,) = {int(one) for file in children for one in file.read_text().split()}
    return pid


def test_up_starts_again_after_a_kill_and_refuses_a_second(tmp_path: Path) -> None:
    up = Up(tmp_path)
    try:
        up.start()
        second = Up(tmp_path)
        done = run(*second.process.command[len(RANTAI) :])
        assert done.returncode == 2, done.stderr
        pid = up.process.child.pid if up.process.child else 0
        assert f"process {pid} (rantai up), which listens on {up.url}." in done.stderr
        assert "Traceback" not in done.stderr
        assert httpx.get(up.url + "/readyz").status_code == 200
        open_files = Path(f"/proc/{broker_of(up)}/fd").iterdir()
        assert not [one for one in open_files if one.readlink().name == "rantai.lock"]
        modes = _modes(tmp_path)
        assert modes == dict.fromkeys(modes, "0o600"), modes
        up.kill()
        # In a container the process id of the run file may belong to another, living process.
        note: dict[str, Any] = json.loads((tmp_path / "run.json").read_text())
        (tmp_path / "run.json").write_text(json.dumps({**note, "pid": 1}))
        assert run("doctor", "--data-dir", str(tmp_path)).stdout.count("nothing runs on") == 1
        up.start()
        assert up.stop() == 0
        assert not (tmp_path / "run.json").exists()
    finally:
        up.end()


def _modes(data_dir: Path) -> dict[str, str]:
    names = ("keys.json", "link.secret", "operator.key", "run.json", "rantai.lock")
    return {name: oct((data_dir / name).stat().st_mode & 0o777) for name in names}
