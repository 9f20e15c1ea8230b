"""The quick start of the README works when it is pasted into a shell as a whole."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from services.kafka.embedded_broker import free_port

ROOT = Path(__file__).parents[2]
SECTION = "## Your first event"
PORT = "8080"
PASTE_SECONDS = 120


def commands() -> str:
    """Return the code blocks of the section, joined, as a reader copies them."""
    section = (ROOT / "README.md").read_text().split(SECTION)[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


@pytest.fixture
def shell(tmp_path: Path) -> Iterator["Shell"]:
    made = Shell(tmp_path)
    yield made
    made.end()


class Shell:
    """A shell in a folder with `rantai` installed and a `make` that does nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        program(folder / ".venv/bin/rantai", f'exec {sys.executable} -m services.cli "$@"')
        program(folder / "bin/make", "echo made: $*")
        environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )

    def paste(self, text: str) -> str:
        """Give the shell a text, with only the port replaced, and return the output."""
        # Processes in the background keep the pipe open, so the end of the output would never come.
        # The shell therefore prints a last line itself.
        text = text.replace(PORT, str(self.port)) + "\necho 'pasted'\n"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()
        output = ""
        while not output.endswith("\npasted\n"):
            line = self.process.stdout.readline()
            assert line, output
            output += line
        return output

    def end(self) -> None:
        """Kill the shell and every process that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def program(file: Path, line: str) -> None:
    """Write an executable shell script of one line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.mark.timeout(PASTE_SECONDS)
def test_the_quick_start_works_as_it_is_pasted(shell: Shell) -> None:
    output = shell.paste(commands())
    answers = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    made = {"accepted": 1, "rejected": []}
    assert output.startswith("made: install\n"), output
    assert answers[:3] == [{"status": "ready"}, made, made], output
    assert len(answers) == 4, output
    card = answers[3]
    assert (card["supplier_id"], card["as_of"]) == ("IKM-CPR-01", "2026-11-01")
    assert [card["kpis"]["otif"][part] for part in ("numerator", "denominator")] == [1, 1], card
    (page,) = re.findall(rf"^http://127\.0\.0\.1:{shell.port}/s/\S+$", output, re.MULTILINE)
    opened = httpx.get(page)
    assert opened.status_code == 200
    assert "IKM-CPR-01" in opened.text
