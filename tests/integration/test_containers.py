"""The image and the services of docker-compose.yml, each alone and all together.

No container engine is used. The steps of the Dockerfile run in a folder. The services start from
there, with the environment of the compose file, on a real Kafka and the tests' own ClickHouse
endpoint. The test of test_whole_way.py then runs on them.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from services.cli.init import write_secrets
from services.kafka.embedded_broker import free_port
from services.kafka.topics import apply
from tests.containers.compose import CLUSTER, ROOT, read_environment, resolved
from tests.containers.image import USER, Image
from tests.integration.brokers import real_kafka
from tests.integration.contained import SERVICES, Contained
from tests.integration.process import Running

# Importing it makes pytest run it here too, with this module's `running`.
from tests.integration.test_whole_way import (
    test_figures_are_exact_and_survive_a_kill as test_the_whole_way,  # noqa: F401
)

_BROKER_SECONDS = 60


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """Return a folder that every user may enter, unlike pytest's temporary folders."""
    with tempfile.TemporaryDirectory(prefix="rantai-image-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def image(open_folder: Path) -> Image:
    """Build the image."""
    made = Image(open_folder / "image")
    made.root.mkdir()
    made.build()
    return made


@pytest.fixture(scope="module")
def secrets(open_folder: Path) -> dict[str, str]:
    """Return the secrets that `rantai init` generates."""
    write_secrets(open_folder / ".env")
    return read_environment(open_folder / ".env")


@pytest.fixture
def contained(open_folder: Path, image: Image, secrets: dict[str, str]) -> Iterator[Contained]:
    """Return the services of a single machine, not started."""
    yield from _contained(open_folder, image, secrets, ())


@pytest.fixture(
    params=[
        pytest.param((), id="one machine", marks=pytest.mark.kafka),
        pytest.param((CLUSTER,), id="cluster", marks=pytest.mark.kafka),
    ]
)
def running(
    request: pytest.FixtureRequest, open_folder: Path, image: Image, secrets: dict[str, str]
) -> Iterator[Running]:
    """Run the stack of one machine, then that of a cluster, on the tests' single broker."""
    for made in _contained(open_folder, image, secrets, request.param):
        if request.param:
            made.compose["topics"]["environment"]["RANTAI_REPLICATION"] = "1"
        made.start()
        yield made


def _contained(
    open_folder: Path, image: Image, secrets: dict[str, str], others: tuple[Path, ...]
) -> Iterator[Contained]:
    bootstrap = real_kafka()
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o755)
    made = Contained(folder, image, secrets, bootstrap, others)
    try:
        yield made
    finally:
        made.end()
        for left in made.data_dir.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def test_the_image_is_small_and_whole(image: Image) -> None:
    place = Path(image.here("/opt/rantai"))
    size = sum(one.lstat().st_size for one in place.rglob("*") if not one.is_symlink())
    assert size < 200e6
    names = {one.name for one in (place / "lib/python3.11/site-packages").iterdir()}
    assert not {"pytest", "mypy", "chdb", "setuptools", "pip"} & names
    programs = {one.name for one in (place / "bin").iterdir()}
    assert "rantai" in programs
    assert "pip" not in programs
    compiled = place / "lib/python3.11/site-packages/services/cli/__pycache__"
    assert list(compiled.glob("services.*.pyc"))
    # A hash-based .pyc (PEP 552): it stays valid when files are copied with other times.
    (one,) = compiled.glob("services.*.pyc")
    assert one.read_bytes()[4:8] == b"\x01\x00\x00\x00"


def test_a_container_without_a_command_says_what_there_is(image: Image) -> None:
    place = image.here("/opt/rantai/bin/rantai")
    done = subprocess.run([place, *image.command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(SERVICES) <= set(re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE))


@pytest.mark.kafka
def test_each_service_starts_alone(contained: Contained) -> None:
    contained.clickhouse.start()
    assert "rantai.orders" in contained.run("topics")
    assert "0001_ledger" in contained.run("migrate")
    assert "nothing to do" in contained.run("migrate")
    for name in SERVICES:
        service = contained.services[name]
        service.start()
        contained.await_ready(name)
        assert httpx.get(contained.url_of(name) + "/metrics").status_code == 200
        assert service.child is not None
        status = Path(f"/proc/{service.child.pid}/status").read_text()
        if os.geteuid() == 0:
            assert re.findall(r"^[UG]id:\t(\d+)", status, re.MULTILINE) == [str(USER)] * 2
            assert re.findall(r"^Cap\w+:\t(\w+)", status, re.MULTILINE) == ["0" * 16] * 5
            assert "NoNewPrivs:\t1" in status
        seen = Path(f"/proc/{service.child.pid}/environ").read_bytes().decode()
        assert "PYTHONPATH" not in seen
        assert service.stop() == 0, service.log()


@pytest.mark.kafka
def test_keys_and_links_are_made_in_a_container_of_the_gateway(contained: Contained) -> None:
    key = contained.key("buyer", "AHM")
    assert key.startswith("rtk_")
    link = contained.run("scorecards", "link", "IKM-1").strip().splitlines()[-1]
    public = contained.compose["scorecards"]["environment"]["RANTAI_PUBLIC_URL"]
    assert link.startswith(public + "/s/")
    files = {one.name: one for one in contained.data_dir.iterdir()}
    assert {"keys.json", "link.secret"} <= set(files)
    for name in ("keys.json", "link.secret"):
        assert stat.S_IMODE(files[name].stat().st_mode) == 0o600
    contained.start()
    answer = httpx.get(
        contained.scorecards_url + "/v1/suppliers/IKM-1/scorecard",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code != 401
    for url in (contained.gateway_url, contained.scorecards_url):
        assert key.split("_", 2)[2] not in contained.log()
        assert httpx.get(url + "/healthz").status_code == 200
    page = httpx.get(link.replace(public, contained.scorecards_url))
    assert page.status_code in (200, 404), page.text
    assert contained.stop() == 0


@pytest.mark.kafka
@pytest.mark.parametrize("others", [(), (CLUSTER,)], ids=["one machine", "cluster"])
def test_the_brokers_files_start_brokers(
    secrets: dict[str, str], others: tuple[Path, ...], tmp_path: Path
) -> None:
    real_kafka()
    services = resolved(secrets, *others)["services"]
    brokers = {name: free_port() for name in services if name.startswith("kafka")}
    controllers = {name: free_port() for name in brokers}
    java = ["java", "-Xmx256m", "-cp", f"{_jars()}/*"]
    started = []
    try:
        for name, port in brokers.items():
            file = tmp_path / f"{name}.properties"
            text = _properties(services[name])
            for at, of in brokers.items():
                text = text.replace(f"//{at}:9092", f"//127.0.0.1:{of}")
                text = text.replace(f"@{at}:9093", f"@127.0.0.1:{controllers[at]}")
            text = text.replace("//:9092", f"//127.0.0.1:{port}")
            text = text.replace("//:9093", f"//127.0.0.1:{controllers[name]}")
            file.write_text(text.replace("/var/lib/kafka/data", str(tmp_path / name)))
            subprocess.run(
                [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted",
                 "--cluster-id", secrets["RANTAI_KAFKA_CLUSTER_ID"], "--config", str(file)],
                check=True, capture_output=True,
            )  # fmt: skip
            with (tmp_path / f"{name}.log").open("wb") as log:
                command = [*java, "kafka.Kafka", str(file)]
                started.append(subprocess.Popen(command, stdout=log, stderr=log))
        bootstrap = ",".join(f"127.0.0.1:{port}" for port in brokers.values())
        _await_brokers(bootstrap, len(brokers), tmp_path)
        made = apply(bootstrap, partitions=2, replication=len(brokers))
        assert {one.change for one in made} == {"created"}
    finally:
        for one in started:
            one.kill()
            one.wait()


def _properties(service: dict[str, Any]) -> str:
    """Return the properties file that the container's command puts together."""
    mounted = dict(volume.split(":")[1::-1] for volume in service["volumes"])
    files = [ROOT / mounted[at] for at in sorted(mounted) if at.endswith(".properties")]
    node: str = service["environment"]["KAFKA_NODE_PROPERTIES"]
    return "".join(file.read_text() for file in files) + node


def _jars() -> Path:
    home = os.environ.get("RANTAI_KAFKA_HOME")
    version = re.findall(r"<kafka.version>(.*)<", (ROOT / "deploy/kafka/pom.xml").read_text())[0]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return (Path(home) if home else cache / "rantai" / f"kafka-{version}") / "libs"


def _await_brokers(bootstrap: str, number: int, logs: Path) -> None:
    deadline = time.monotonic() + _BROKER_SECONDS
    while True:
        try:
            admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
            living = len(admin.describe_cluster()["brokers"])
            admin.close()
        except KafkaError:
            living = 0
        if living == number:
            return
        ends = "\n".join(log.read_text()[-1500:] for log in logs.glob("*.log"))
        assert time.monotonic() < deadline, f"{living} of {number} brokers\n{ends}"
        time.sleep(0.3)


def test_the_image_has_the_release_of_the_broker_that_is_tested(secrets: dict[str, str]) -> None:
    (version,) = re.findall(r"<kafka.version>(.*)<", (ROOT / "deploy/kafka/pom.xml").read_text())
    assert resolved(secrets)["services"]["kafka"]["image"] == f"apache/kafka:{version}"
