"""Ctrl-C typed into a terminal in which `make` runs a command that uses `interrupt_key`."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMAND = """\
import asyncio, signal
from services.cli.interrupt_key import interrupt_key

async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    with interrupt_key():
        print("runs", flush=True)
        await stop.wait()
    print("stopped", flush=True)

asyncio.run(main())
"""
WITHOUT = COMMAND.replace("with interrupt_key():", "if True:")
DEMO = """\
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from services.cli import demo

class Server:
    should_exit = False
    async def serve(self):
        print("runs", flush=True)
        while not self.should_exit:
            await asyncio.sleep(0.01)

@asynccontextmanager
async def running(*_):
    yield SimpleNamespace(server=Server(), parts=[])
    print("stopped", flush=True)

async def feed(*_):
    await asyncio.Event().wait()

demo.running, demo._feed = running, feed
demo.demo(Path("data"), port=8080, days=30, rate=1.0)
"""
"""The command `demo`, with nothing that it would start, load and send."""

SECONDS = 30


def typed_ctrl_c(command: str, folder: Path) -> tuple[str, int]:
    """Run a command by `make` in a terminal and type Ctrl-C; return output and status of make."""
    (folder / "command.py").write_text(command)
    (folder / "Makefile").write_text(f"all:\n\t@{sys.executable} command.py\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("make", ["make", "all"], environment)
    output, deadline = "", time.monotonic() + SECONDS
    sent = False
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                output += os.read(terminal, 1000).decode()
            except OSError:  # the other end of the terminal is closed
                break
        if "runs" in output and not sent:
            os.write(terminal, b"\x03")
            sent = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return output, os.waitstatus_to_exitcode(status)


def test_with_it_make_ends_with_status_0(tmp_path: Path) -> None:
    output, status = typed_ctrl_c(COMMAND, tmp_path)
    assert "stopped" in output, output
    assert status == 0, output


def test_the_demo_ends_with_0(tmp_path: Path) -> None:
    output, status = typed_ctrl_c(DEMO, tmp_path)
    assert "stopped" in output, output
    assert status == 0, output


def test_without_it_make_fails_with_the_signal(tmp_path: Path) -> None:
    _, status = typed_ctrl_c(WITHOUT, tmp_path)
    assert status != 0


def test_a_terminal_of_somebody_else_is_left_alone() -> None:
    terminal, other_end = pty.openpty()
    command = COMMAND.replace("await stop.wait()", "pass")
    done = subprocess.run(
        [sys.executable, "-c", command],
        stdin=other_end,
        start_new_session=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    os.close(terminal)
    os.close(other_end)
    assert (done.returncode, done.stdout) == (0, "runs\nstopped\n"), done.stderr


def test_a_closed_standard_input_changes_nothing() -> None:
    command = COMMAND.replace("await stop.wait()", "pass")
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" <&-', sys.executable, command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, "runs\nstopped\n"), done.stderr


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_without_a_terminal_it_changes_nothing(stdin: int) -> None:
    command = COMMAND.replace("await stop.wait()", "pass")
    done = subprocess.run(
        [sys.executable, "-c", command],
        stdin=stdin,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert done.stdout == "runs\nstopped\n"
