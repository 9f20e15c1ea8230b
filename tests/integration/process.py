"""Run `rantai` as a user does: as processes that are asked over HTTP and stopped by signals."""

import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.access.keys import KeyStore
from services.cli.endpoint import operator_key
from services.kafka.embedded_broker import free_port
from tests.support.documented import documented

RANTAI = [sys.executable, "-m", "services.cli"]
START_SECONDS = 60
STOP_SECONDS = 15
SETTLE_SECONDS = 60


def rantai(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run a command to its end and return its output. Fails if the exit status is not 0."""
    done = run(*arguments, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status."""
    return subprocess.run(
        [*RANTAI, *arguments],
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, **(environment or {})},
        check=False,
    )


@dataclass
class Process:
    """A child process with a log file of its own that can be started repeatedly."""

    command: list[str]
    log_file: Path
    environment: dict[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self.child is not None and self.child.poll() is None

    def start(self) -> None:
        """Start the process; its output is appended to the log file."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )

    def await_answer(self, url: str) -> None:
        """Return once a GET of `url` is answered 200. Fails if the process ends, or after 60 s."""
        began = time.monotonic()
        while time.monotonic() - began < START_SECONDS:
            assert self.alive, self.log()
            with suppress(httpx.HTTPError):
                if httpx.get(url).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{url} is not answered 200 within {START_SECONDS} s: {self.log()}")

    def kill(self) -> None:
        """Kill the process, which leaves it no time to finish anything, as a power cut would."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def ask_to_stop(self) -> None:
        """Send SIGTERM if the process is running."""
        assert self.child is not None
        if self.alive:
            self.child.send_signal(signal.SIGTERM)

    def status(self) -> int:
        """Wait for the process to end, at most 15 s, and return its exit status."""
        assert self.child is not None
        return self.child.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Send SIGTERM and return the exit status. The process has 15 s to end."""
        self.ask_to_stop()
        return self.status()

    def log(self) -> str:
        """Return the end of the log file."""
        return self.log_file.read_text()[-3000:]


class Running(ABC):
    """A running Rantai, in one process or in several: what tests of both kinds use."""

    data_dir: Path

    @property
    @abstractmethod
    def gateway_url(self) -> str:
        """The address to which events are posted."""

    @property
    @abstractmethod
    def scorecards_url(self) -> str:
        """The address of the figures."""

    @property
    @abstractmethod
    def stored_when_answered(self) -> bool:
        """Whether an event is in the ledger when it is answered 202, or only safe on the broker."""

    @property
    def taken_over(self) -> bool:
        """Whether another process takes over the work of the one that `kill` ends."""
        return False

    @abstractmethod
    def start(self) -> None:
        """Start the processes that are not running, and wait until they are ready."""

    @abstractmethod
    def kill(self) -> None:
        """Kill the process that writes the ledger, as a power cut would."""

    @abstractmethod
    def stop(self) -> int:
        """Ask every process to stop; return the worst exit status."""

    @abstractmethod
    def end(self) -> None:
        """End every process, whatever its state, after a test."""

    @abstractmethod
    def reached_by(self) -> list[str]:
        """Return the options by which an operator's command reaches this Rantai."""

    def key(self, role: str, partner: str) -> str:
        """Create an API key and return it."""
        made = rantai(
            "keys", "create", "--data-dir", str(self.data_dir), "--role", role, "--partner", partner
        )
        return made.strip().splitlines()[-1]

    def get(self, key: str, path: str, **parameters: Any) -> Any:
        """Send a GET request to the scorecards; return the JSON of the answer."""
        answer = httpx.get(
            self.scorecards_url + path,
            params=parameters,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return json.loads(documented(answer).text)

    def reconcile(self, wait: float = 10) -> dict[str, Any]:
        """Return the output of `rantai reconcile --json --wait <wait>` (seconds)."""
        done = run("reconcile", *self.reached_by(), "--wait", str(wait), "--json")
        assert done.returncode in (0, 1), done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == bool(answer["missing"] or answer["conflicts"]), done.stderr
        return answer

    def settle(self) -> None:
        """Wait until every event that was answered 202 is in the ledger.

        Does nothing where such events are in the ledger already.
        """
        if not self.stored_when_answered:
            answer = self.reconcile(SETTLE_SECONDS)
            assert answer["missing"] == 0, answer["missing_events"][:5]


@dataclass
class Up(Running):
    """`rantai up` on a data directory."""

    data_dir: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    started_in: float = 0.0
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        arguments = ["up", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        self.process = Process(
            [*RANTAI, *arguments, *self.options], self.data_dir / "up.log", self.environment
        )

    @property
    def url(self) -> str:
        """The address of the process."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def gateway_url(self) -> str:
        """The address to which events are posted."""
        return self.url

    @property
    def scorecards_url(self) -> str:
        """The address of the figures."""
        return self.url

    @property
    def stored_when_answered(self) -> bool:
        """True on the embedded broker, which keeps events in memory only."""
        return "--kafka" not in self.options

    def start(self) -> None:
        """Start the process, wait until it is ready, and note how long that took."""
        began = time.monotonic()
        self.process.start()
        self.process.await_answer(self.url + "/readyz")
        self.started_in = time.monotonic() - began

    def kill(self) -> None:
        """Kill the process as a power cut would."""
        self.process.kill()

    def stop(self) -> int:
        """Send SIGTERM and return the exit status. The process has 15 s to end."""
        return self.process.stop()

    def end(self) -> None:
        """Kill the process if it is still running."""
        if self.process.alive:
            self.kill()

    def log(self) -> str:
        """Return the end of the log."""
        return self.process.log()

    def reached_by(self) -> list[str]:
        """Return the data directory as an option."""
        return ["--data-dir", str(self.data_dir)]


def operator_options(url: str, data_dir: Path) -> list[str]:
    """Return the options by which a command reaches a Rantai over HTTP, with the operator's key."""
    return ["--url", url, "--key", operator_key(data_dir, KeyStore(data_dir / "keys.json"))]
