"""The services of docker-compose.yml as processes, with its commands and its environment only.

Host names become loopback addresses, one for each service, so that every service listens on port
8080 as it does in its container. Volumes become folders. Each service runs from the image's own
files and, where this machine lets a process change its user, as the image's user.
"""

import random
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.containers.compose import resolved
from tests.containers.image import USER, Image
from tests.integration.process import Process
from tests.integration.separate import ClickHouseProcess, Separate

SERVICES: Final = ("gateway", "processor", "scorecards", "exporter")
_JOB_SECONDS: Final = 120
_AS_ITS_USER: Final = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
    "--bounding-set=-all", "--inh-caps=-all",
)  # fmt: skip


class Contained(Separate):
    """Rantai as docker-compose.yml defines it, on the tests' broker and store.

    `secrets` are the variables that `rantai init` writes, `others` further compose files to merge.
    """

    def __init__(
        self,
        folder: Path,
        image: Image,
        secrets: dict[str, str],
        bootstrap: str,
        others: tuple[Path, ...] = (),
    ) -> None:
        self.image = image
        self.data_dir = Path(image.here("/var/lib/rantai"))
        self.compose: dict[str, Any] = resolved(secrets, *others)["services"]
        self.processors = ["processor"]
        self._folder = folder
        self._keys: dict[tuple[str, str], str] = {}
        cluster = ("--cluster", "rantai") if others else ()
        password = secrets["RANTAI_CLICKHOUSE_PASSWORD"]
        self.clickhouse = ClickHouseProcess(
            folder, options=("--user", "rantai", "--password", password, *cluster)
        )
        third, fourth = random.randrange(2, 250), random.randrange(2, 250)
        self._addresses = {n: f"127.{third}.{fourth}.{at}" for at, n in enumerate(SERVICES, 2)}
        self._places = {
            r"kafka(-\d)?:9092(,kafka-\d:9092)*": bootstrap,
            r"clickhouse:8123": f"127.0.0.1:{self.clickhouse.port}",
            **{rf"\b{name}:8080": f"{a}:8080" for name, a in self._addresses.items()},
        }
        self.services = {name: self._process(name) for name in SERVICES}

    def url_of(self, name: str) -> str:
        """Return the address of a service."""
        return f"http://{self._addresses[name]}:8080"

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return the command line of a container, with its own environment and nothing inherited.

        `arguments` replace the command of the compose file.
        """
        tmp = self._folder / f"{name}-tmp"
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o777)
        given = {**self.image.environment, **self.compose[name].get("environment", {})}
        if name in self._addresses:
            # In the container the service listens on all addresses; here it has only this one.
            given["RANTAI_HOST"] = self._addresses[name]
        environment = [f"{key}={self._here(value, tmp)}" for key, value in given.items()]
        user = _AS_ITS_USER if self.image.may_be(USER) else ()
        where = self.image.here(self.image.workdir)
        alone = ("env", "--ignore-environment", f"--chdir={where}", *environment)
        command = arguments or tuple(map(self._named, self.compose[name]["command"]))
        return [*user, *alone, *self.image.entrypoint, *command]

    def run(self, name: str, *arguments: str) -> str:
        """Do what `docker compose run` does, and return what the container printed."""
        done = subprocess.run(
            self.command(name, *arguments),
            capture_output=True,
            text=True,
            timeout=_JOB_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start what is not running, in the order of the compose file; wait until it is ready."""
        if not self.clickhouse.process.alive:
            self.clickhouse.start()
            self.run("topics")
            self.run("migrate")
        started = [name for name in SERVICES if not self.services[name].alive]
        for name in started:
            self.services[name].start()
        for name in started:
            self.await_ready(name)

    def key(self, role: str, partner: str) -> str:
        """Create a key, as `docker compose run gateway keys create` does."""
        made = self.run("gateway", "keys", "create", "--role", role, "--partner", partner)
        return made.strip().splitlines()[-1]

    def reached_by(self) -> list[str]:
        """Return the address of the scorecards and a key of the programme, as options."""
        owner = ("programme", "OPERATOR")
        if owner not in self._keys:
            self._keys[owner] = self.key(*owner)
        return ["--url", self.scorecards_url, "--key", self._keys[owner]]

    def _process(self, name: str) -> Process:
        return Process(self.command(name), self._folder / f"{name}.log")

    def _named(self, text: str) -> str:
        for pattern, place in self._places.items():
            text = re.sub(pattern, place, text)
        return text

    def _here(self, value: str, tmp: Path) -> str:
        if value == "/tmp":
            return str(tmp)
        return self.image.here(self._named(value))
