"""Real Apache Kafka for tests: the broker of `deploy/kafka/test.sh`, or a cluster for one test."""

import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"
_NOT_TO_BE_HAD = 69
_WIPE_SECONDS = 60
_SCRIPT_SECONDS = 150


def real_kafka() -> str:
    """Return host:port of the tests' Apache Kafka, after deleting topics and groups of other tests.

    Skips the test if there is no such broker.
    """
    bootstrap = os.environ.get("RANTAI_TEST_KAFKA")
    if not bootstrap:
        pytest.skip("RANTAI_TEST_KAFKA is not set: make test-kafka starts a broker and sets it")
    wipe(bootstrap)
    return bootstrap


def wipe(bootstrap: str) -> None:
    """Delete every topic and group of Rantai.

    Each test begins with a new store. With the offsets that a group committed in an earlier test,
    it would skip events that the new store does not have.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    try:
        deadline = time.monotonic() + _WIPE_SECONDS
        while left := _delete_all(admin):
            # A group can be deleted once it is empty. A member that a test killed stays in its
            # group until its session times out.
            assert time.monotonic() < deadline, f"these could not be deleted: {left}"
            time.sleep(0.2)
    finally:
        admin.close()


def _delete_all(admin: Any) -> list[str]:
    groups = [row["group_id"] for row in admin.list_groups()]
    groups = [name for name in groups if name.startswith("rantai")]
    topics = [name for name in admin.list_topics() if name.startswith("rantai.")]
    for name in groups:
        try:
            admin.delete_groups([name])
        except KafkaError:
            continue
    for name in topics:
        try:
            admin.delete_topics([name])
        except UnknownTopicOrPartitionError:
            continue
    return groups + topics


class Cluster:
    """Three brokers in a folder that tests stop and start one by one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bootstrap = ""

    def start(self) -> None:
        """Start all three. Without Apache Kafka the test fails in CI and is skipped elsewhere."""
        for _ in range(20):
            # Below the range from which the kernel takes ports for outgoing connections.
            port = str(random.randrange(20_000, 32_000))
            done = self._kafka("start", "--brokers", "3", "--port", port)
            if done.returncode == 0:
                self.bootstrap = done.stdout.strip().splitlines()[-1]
                return
            if done.returncode == _NOT_TO_BE_HAD and os.environ.get("CI") != "true":
                pytest.skip("Apache Kafka is not available: " + done.stderr[-300:])
            # The script writes this file once it has found its ports free. If the file exists, the
            # failure has another cause, and other ports would not help.
            assert not (self._folder / "cluster").exists(), done.stderr
        raise AssertionError(done.stderr)

    def stop_node(self, node: int, *, kill: bool = False) -> None:
        """Stop one broker."""
        done = self._kafka("stop", "--node", str(node), *(["--kill"] if kill else []))
        assert done.returncode == 0, done.stderr

    def start_node(self, node: int) -> None:
        """Restart a stopped broker; returns once it answers."""
        done = self._kafka("start", "--node", str(node))
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        """Kill all brokers, whose data is not needed after the test."""
        if (self._folder / "cluster").exists():
            self._kafka("stop", "--kill")

    def _kafka(self, action: str, *options: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [str(SCRIPT), action, "--dir", str(self._folder), *options],
                capture_output=True,
                text=True,
                timeout=_SCRIPT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            logs = sorted(self._folder.glob("node-*/server.log"))
            ends = "\n".join(f"--- {log.parent.name}\n{log.read_text()[-1500:]}" for log in logs)
            raise AssertionError(f"kafka.sh {action} hangs: {error.stderr!r}\n{ends}") from None
