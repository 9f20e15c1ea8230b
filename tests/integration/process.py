"""Running `rantai` as a user does: as processes, over HTTP, stopped by signals."""

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

RANTAI = [sys.executable, "-m", "services.cli"]
START_SECONDS = 60
STOP_SECONDS = 15
SETTLE_SECONDS = 60


def rantai(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed. Fails where its status is not 0."""
    done = run(*arguments, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
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
    """A child process with a log of its own: started, killed, started again."""

    command: list[str]
    log_file: Path
    environment: dict[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.poll() is None

    def start(self) -> None:
        """Start it; what it prints goes to the end of its log."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )

    def await_answer(self, url: str) -> None:
        """Return once a GET is answered 200. Fails where it ends before, or after 60 s."""
        began = time.monotonic()
        while time.monotonic() - began < START_SECONDS:
            assert self.alive, self.log()
            with suppress(httpx.HTTPError):
                if httpx.get(url).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("not ready: " + self.log())

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def ask_to_stop(self) -> None:
        """Send it SIGTERM."""
        assert self.child is not None
        if self.alive:
            self.child.send_signal(signal.SIGTERM)

    def status(self) -> int:
        """Wait for its end, at most 15 s, and return its exit status."""
        assert self.child is not None
        return self.child.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Ask it to stop and return its exit status; it has 15 s."""
        self.ask_to_stop()
        return self.status()

    def log(self) -> str:
        """Return the end of its log."""
        return self.log_file.read_text()[-3000:]


class Running(ABC):
    """A Rantai that runs, in one process or in several, with what a test asks of either."""

    data_dir: Path

    @property
    @abstractmethod
    def gateway_url(self) -> str:
        """Where events go in."""

    @property
    @abstractmethod
    def scorecards_url(self) -> str:
        """Where figures come out."""

    @property
    @abstractmethod
    def stored_when_answered(self) -> bool:
        """Whether a 202 means stored in the ledger, or safe on the broker."""

    @property
    def taken_over(self) -> bool:
        """Whether another process takes over the work of the one that `kill` ends."""
        return False

    @abstractmethod
    def start(self) -> None:
        """Start what does not run, and wait until it is ready."""

    @abstractmethod
    def kill(self) -> None:
        """End what writes the ledger as a power cut would."""

    @abstractmethod
    def stop(self) -> int:
        """Ask all of it to stop; return the worst exit status."""

    @abstractmethod
    def end(self) -> None:
        """End all of it, in whatever state it is: a test is over."""

    @abstractmethod
    def reached_by(self) -> list[str]:
        """Return the options by which an operator's command finds it."""

    def key(self, role: str, partner: str) -> str:
        """Make a key."""
        made = rantai(
            "keys", "create", "--data-dir", str(self.data_dir), "--role", role, "--partner", partner
        )
        return made.strip().splitlines()[-1]

    def get(self, key: str, path: str, **parameters: Any) -> Any:
        """Ask for JSON; numbers with a fraction stay exact."""
        answer = httpx.get(
            self.scorecards_url + path,
            params=parameters,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def reconcile(self, wait: float = 10) -> dict[str, Any]:
        """Return what `rantai reconcile --json` says."""
        done = run("reconcile", *self.reached_by(), "--wait", str(wait), "--json")
        assert done.returncode in (0, 1), done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == bool(answer["missing"] or answer["conflicts"]), done.stderr
        return answer

    def settle(self) -> None:
        """Wait until what was answered 202 is in the ledger; where it is at once, do nothing."""
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
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def gateway_url(self) -> str:
        """Where events go in."""
        return self.url

    @property
    def scorecards_url(self) -> str:
        """Where figures come out."""
        return self.url

    @property
    def stored_when_answered(self) -> bool:
        """On the embedded broker, which keeps memory only."""
        return "--kafka" not in self.options

    def start(self) -> None:
        """Start it and wait until it is ready."""
        began = time.monotonic()
        self.process.start()
        self.process.await_answer(self.url + "/readyz")
        self.started_in = time.monotonic() - began

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()

    def stop(self) -> int:
        """Ask it to stop and return its exit status; it has 15 s."""
        return self.process.stop()

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.process.alive:
            self.kill()

    def log(self) -> str:
        """Return the end of its log."""
        return self.process.log()

    def reached_by(self) -> list[str]:
        """By its data directory."""
        return ["--data-dir", str(self.data_dir)]


def operator_options(url: str, data_dir: Path) -> list[str]:
    """Return the options that reach a Rantai elsewhere, with the key of its owner."""
    return ["--url", url, "--key", operator_key(data_dir, KeyStore(data_dir / "keys.json"))]
