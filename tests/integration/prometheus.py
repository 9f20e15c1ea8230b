"""Run Prometheus and its tools, as Debian packages them, beside the process that they watch."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.kafka.embedded_broker import free_port
from tests.integration.process import Process

DEPLOY = Path(__file__).parents[2] / "deploy"
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
}


def tool(name: str) -> str:
    """Return the path of a tool. If it is not installed, the test fails in CI, else is skipped."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed: apt-get install {PACKAGES[name]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def run_tool(name: str, *arguments: str, given: str | None = None) -> tuple[int, str]:
    """Run a tool to its end; return its exit status and its output. `given` is its input."""
    done = subprocess.run(
        [tool(name), *arguments],
        input=given,
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """A Prometheus with the rules of `deploy/` that scrapes one address under several job names."""

    def __init__(self, folder: Path, target: str, *jobs: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
        rules = DEPLOY / "prometheus" / "rules" / "*.yml"
        config |= {
            "global": {
                "scrape_interval": "10s",
                "scrape_timeout": "10s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(rules)],
            "alerting": {},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [target]}]} for job in jobs
            ],
        }
        written = folder / "prometheus.yml"
        written.write_text(yaml.safe_dump(config))
        self.process = Process(
            [
                tool("prometheus"),
                f"--config.file={written}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            folder / "prometheus.log",
        )

    def start(self) -> None:
        """Start Prometheus and wait until it is ready."""
        self.process.start()
        self.process.await_answer(self.url + "/-/ready")

    def ask(self, query: str) -> dict[tuple[str, ...], float]:
        """Return the values of an instant query.

        Each is keyed by the values of its labels, in the order of the labels' names, without those
        that scraping adds.
        """
        answer = httpx.get(self.url + "/api/v1/query", params={"query": query}, timeout=30)
        assert answer.status_code == 200, answer.text
        return {
            tuple(
                value for label, value in sorted(one["metric"].items()) if label not in _OF_SCRAPE
            ): float(one["value"][1])
            for one in answer.json()["data"]["result"]
        }

    def ask_one(self, query: str, seconds: float = 120) -> float:
        """Wait until a query returns exactly one value, and return that value.

        A scrape that times out on a busy machine leaves a gap until the next scrape.
        """
        deadline = time.monotonic() + seconds
        while len(found := self.ask(query)) != 1:
            assert time.monotonic() < deadline, (query, found)
            time.sleep(0.5)
        return next(iter(found.values()))

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        answer = httpx.get(self.url + "/api/v1/alerts", timeout=30).json()
        return {
            str(one["labels"]["alertname"])
            for one in answer["data"]["alerts"]
            if one["state"] == "firing"
        }

    def await_equal(self, query: str, expected: Any, seconds: float = 120) -> None:
        """Wait until `ask(query)` returns what is expected."""
        deadline = time.monotonic() + seconds
        found: Any = None
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                found = self.ask(query)
            if found == expected:
                return
            time.sleep(0.5)
        assert found == expected, query


_OF_SCRAPE = ("__name__", "instance", "job")
