"""Running `rantai` as a user does: as a process, over HTTP, stopped by signals."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.bus.embedded import free_port

RANTAI = [sys.executable, "-m", "services.cli"]


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
class Up:
    """`rantai up` on a data directory: started, killed, started again."""

    data_dir: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    started_in: float = 0.0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        arguments = ["up", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        with (self.data_dir / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*RANTAI, *arguments, *self.options], stdout=log, stderr=log
            )
        while time.monotonic() - began < 60:
            assert self.process.poll() is None, self.log()
            with suppress(httpx.HTTPError):
                if httpx.get(self.url + "/readyz").status_code == 200:
                    self.started_in = time.monotonic() - began
                    return
            time.sleep(0.1)
        raise AssertionError("not ready: " + self.log())

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop and return its exit status; it has 15 s."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)
        return self.process.returncode

    def log(self) -> str:
        """Return the end of its log."""
        return (self.data_dir / "up.log").read_text()[-3000:]

    def key(self, role: str, partner: str) -> str:
        """Make a key."""
        made = rantai(
            "keys", "create", "--data-dir", str(self.data_dir), "--role", role, "--partner", partner
        )
        return made.strip().splitlines()[-1]

    def get(self, key: str, path: str, **parameters: Any) -> Any:
        """Ask for JSON; numbers with a fraction stay exact."""
        answer = httpx.get(
            self.url + path,
            params=parameters,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def reconcile(self) -> dict[str, Any]:
        """Return what `rantai reconcile --json` says."""
        done = run("reconcile", "--data-dir", str(self.data_dir), "--json")
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if answer["missing"] else 0), done.stderr
        return answer
