"""The services as separate processes, configured by `RANTAI_*` alone, as containers start them."""

import sys
from pathlib import Path
from typing import Any

import httpx

from services.kafka.embedded_broker import free_port
from tests.integration.process import RANTAI, Process, Running, operator_options, rantai

SESSION_SECONDS = "6"
"""How long a killed consumer keeps its partitions. The broker accepts no shorter time."""

BROKER_OPTIONS = {
    "RANTAI_SESSION_SECONDS": SESSION_SECONDS,
    "RANTAI_INBOUND_DISCOVERY_SECONDS": "1",
}
"""Settings of every process on a real Kafka: with the defaults a restart takes half a minute."""

FAUST_WORKER = [
    sys.executable,
    *("-m", "faust", "-A", "services.processor.app", "worker", "--without-web", "-l", "info"),
]


class ClickHouseProcess:
    """ClickHouse's HTTP interface over the in-process engine, in a separate process."""

    def __init__(self, folder: Path, port: int = 0, options: tuple[str, ...] = ()) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "tests.clickhouse_http", "--path", str(folder / "engine")]
        self.process = Process(
            [*command, "--port", str(self.port), *options], folder / "clickhouse.log"
        )

    @property
    def address(self) -> str:
        """The address of the HTTP interface."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The value for RANTAI_CLICKHOUSE_URL."""
        return f"{self.address}/rantai"

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.process.start()
        self.process.await_answer(self.address + "/ping")

    def fault(self, **wish: Any) -> None:
        """Plan a fault. tests/clickhouse_http/faults.py lists the kinds."""
        httpx.post(self.address + "/__fault__", json=wish).raise_for_status()

    def faults_left(self) -> list[Any]:
        """Return the faults that have not happened yet."""
        left: list[Any] = httpx.get(self.address + "/__fault__").json()
        return left


class Separate(Running):
    """Gateway, processors, scorecards and exporter on one broker and one ClickHouse."""

    def __init__(
        self,
        data_dir: Path,
        bootstrap: str,
        *,
        processors: int = 1,
        faust: bool = False,
        replication: int = 1,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.clickhouse = ClickHouseProcess(data_dir)
        self._replication = replication
        self.environment = {
            **BROKER_OPTIONS,
            "RANTAI_KAFKA": bootstrap,
            "RANTAI_CLICKHOUSE_URL": self.clickhouse.url,
            "RANTAI_DATA_DIR": str(data_dir),
            **(environment or {}),
        }
        names = [f"processor-{number}" for number in range(1, processors + 1)]
        self.processors = names
        self.ports: dict[str, int] = {}
        self.services: dict[str, Process] = {}
        for name in ("gateway", "scorecards", "exporter", *names):
            command = [*RANTAI, name.partition("-")[0]]
            self._add(name, FAUST_WORKER if faust and name in names else command)

    def _add(self, name: str, command: list[str]) -> None:
        self.ports[name] = free_port()
        self.services[name] = Process(
            command,
            self.data_dir / f"{name}.log",
            {**self.environment, "RANTAI_PORT": str(self.ports[name])},
        )

    def url_of(self, name: str) -> str:
        """Return the address of a service."""
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def gateway_url(self) -> str:
        """The address to which events are posted."""
        return self.url_of("gateway")

    @property
    def scorecards_url(self) -> str:
        """The address of the figures."""
        return self.url_of("scorecards")

    @property
    def stored_when_answered(self) -> bool:
        """False: a 202 means that the event is on every in-sync replica of the broker."""
        return False

    @property
    def taken_over(self) -> bool:
        """Whether there is another processor, which takes over when `kill` ends the first."""
        return len(self.processors) > 1

    def metric(self, service: str, name: str) -> float:
        """Return a counter of a service, summed over its labels."""
        lines = httpx.get(self.url_of(service) + "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def start(self) -> None:
        """Start the store with its tables, the topics and the services that are not running.

        Returns when all are ready.
        """
        if not self.clickhouse.process.alive:
            self.clickhouse.start()
            replication = str(self._replication)
            rantai("topics", "apply", "--replication", replication, environment=self.environment)
            rantai("migrate", environment=self.environment)
        started = [name for name, service in self.services.items() if not service.alive]
        for name in started:
            self.services[name].start()
        for name in started:
            self.await_ready(name)

    def await_ready(self, name: str) -> None:
        """Wait until a service is ready. Returns at once for a Faust worker, which has no HTTP."""
        service = self.services[name]
        if "faust" not in service.command:
            service.await_answer(self.url_of(name) + "/readyz")

    def kill(self) -> None:
        """Kill the first processor, as a power cut would."""
        self.services[self.processors[0]].kill()

    def stop(self) -> int:
        """Ask every service to stop; return the worst exit status. The store keeps running."""
        alive = [service for service in self.services.values() if service.alive]
        for service in alive:
            service.ask_to_stop()
        return max((service.status() for service in alive), key=abs, default=0)

    def end(self) -> None:
        """Stop every process, and kill those that do not stop.

        A consumer that is killed keeps its place in the group until its session times out.
        """
        try:
            self.stop()
        finally:
            for process in (*self.services.values(), self.clickhouse.process):
                if process.alive:
                    process.kill()

    def reached_by(self) -> list[str]:
        """Return the address of the scorecards and the operator's key, as options."""
        return operator_options(self.scorecards_url, self.data_dir)

    def log(self) -> str:
        """Return the end of every log that exists."""
        processes = {**self.services, "clickhouse": self.clickhouse.process}
        return "\n".join(
            f"--- {name}\n{process.log()}"
            for name, process in processes.items()
            if process.log_file.exists()
        )
