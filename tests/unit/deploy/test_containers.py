"""Compose files, image and store configuration: valid, hardened, and consistent."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from packaging.requirements import Requirement

from services.cli.init import SECRETS, write_secrets
from services.settings import Settings
from tests.containers.compose import (
    CLUSTER,
    JOBS,
    ONE_MACHINE,
    OURS,
    ROOT,
    raw,
    read_environment,
    resolved,
    schema,
    variables,
)
from tests.containers.image import DOCKERFILE, USER, steps

PUBLISHED = {"gateway": "8080", "scorecards": "8080", "grafana": "3000"}
EXACT_TAG = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+(\.\d+)?(-[a-z0-9-]+)?$")
SETTINGS = {f"RANTAI_{name.upper()}" for name in Settings.model_fields}
FILES = pytest.mark.parametrize("file", [ONE_MACHINE, CLUSTER], ids=["one machine", "cluster"])

Files = dict[str, Any]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables that `rantai init` writes."""
    file = tmp_path_factory.mktemp("init") / ".env"
    write_secrets(file)
    return read_environment(file)


@pytest.fixture(params=[(), (CLUSTER,)], ids=["one machine", "cluster"])
def compose(request: pytest.FixtureRequest, environment: dict[str, str]) -> Files:
    """Return the resolved compose file of one machine, then that of the cluster."""
    return resolved(environment, *request.param)


@FILES
def test_files_are_valid_by_the_compose_specification(file: Path) -> None:
    jsonschema.Draft202012Validator(schema()).validate(raw(file))


def test_resolved_files_are_valid_too(compose: Files) -> None:
    jsonschema.Draft202012Validator(schema()).validate(compose)


def test_image_tags_are_exact_and_ours_is_the_present_version(compose: Files) -> None:
    for name, service in compose["services"].items():
        assert EXACT_TAG.match(service["image"]), name
        assert "latest" not in service["image"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {compose["services"][name]["image"] for name in OURS} == {f"rantai:{version}"}
    stores = {s["image"] for n, s in compose["services"].items() if n.startswith("clickhouse")}
    assert len(stores) == 1


def test_every_container_is_hardened(compose: Files) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
        assert service["mem_limit"], name
        assert service["pids_limit"] > 0, name
        assert "cap_add" not in service, name
        assert "privileged" not in service, name
        assert "container_name" not in service, name
        assert service["restart"] == ("no" if name in ("topics", "migrate") else "unless-stopped")


def test_every_service_but_the_jobs_has_a_health_check(compose: Files) -> None:
    for name, service in compose["services"].items():
        if name in JOBS:
            assert service["healthcheck"] == {"disable": True}, name
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert service["healthcheck"]["retries"] >= 3, name


def test_services_wait_for_healthy_ones_without_a_cycle(compose: Files) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, rule in service.get("depends_on", {}).items():
            job = other in ("topics", "migrate")
            wanted = "service_completed_successfully" if job else "service_healthy"
            assert rule == {"condition": wanted}, (name, other)
            assert "profiles" not in services[other]
    left, before = set(services), -1
    while len(left) != before:
        before = len(left)
        left -= {name for name in left if not left & set(services[name].get("depends_on", {}))}
    assert not left
    assert set(services["processor"]["depends_on"]) == {"topics", "migrate"}


def test_only_three_services_publish_a_port_by_default_on_loopback(
    environment: dict[str, str],
) -> None:
    for bind in (None, "0.0.0.0"):
        given = environment | ({"RANTAI_BIND": bind} if bind else {})
        for name, service in resolved(given, CLUSTER)["services"].items():
            ports = service.get("ports", [])
            if name not in PUBLISHED:
                assert ports == [], name
                continue
            ((address, _, inside),) = [port.rsplit(":", 2) for port in ports]
            assert (address, inside) == (bind or "127.0.0.1", PUBLISHED[name])


def test_broker_and_store_are_only_on_a_network_without_a_way_out(compose: Files) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    out = {n for n, s in compose["services"].items() if "outside" in s["networks"]}
    assert out == {*PUBLISHED, "alertmanager"}
    assert all("inside" in service["networks"] for service in compose["services"].values())


def test_several_processors_can_be_started(compose: Files) -> None:
    assert not {"ports", "hostname", "container_name"} & set(compose["services"]["processor"])


def test_mounted_files_and_volumes_exist(compose: Files) -> None:
    named, absent = set(), []
    for name, service in compose["services"].items():
        targets = []
        for volume in service.get("volumes", []):
            source, target, *how = volume.split(":")
            targets.append(target)
            if not source.startswith("."):
                named.add(source)
                continue
            assert how == ["ro"], volume
            if not (ROOT / source).exists():
                absent.append(f"{name} mounts {source}")
        assert len(set(targets)) == len(targets), name
    assert not absent
    assert named == set(compose["volumes"])
    assert compose["secrets"]["smtp_password"] == {"file": "/dev/null"}


@FILES
def test_required_variables_are_those_that_init_writes(file: Path) -> None:
    required = {name for name, needed in variables(file.read_text()).items() if needed}
    drawn = {secret.name for secret in SECRETS}
    assert required <= drawn
    both = variables(ONE_MACHINE.read_text()) | variables(CLUSTER.read_text())
    assert drawn == {name for name in drawn if both.get(name)}
    with pytest.raises(KeyError, match="run 'rantai init' first"):
        resolved({})


def test_no_secret_has_a_default(environment: dict[str, str]) -> None:
    text = ONE_MACHINE.read_text() + CLUSTER.read_text()
    for name, value in environment.items():
        assert f"${{{name}:-" not in text
        assert value not in text


def test_services_get_only_settings_that_exist(compose: Files) -> None:
    for name in OURS:
        given = compose["services"][name].get("environment", {})
        assert set(given) <= SETTINGS, name
        Settings.from_environment(given)


def test_dockerfile_passes_hadolint() -> None:
    hadolint = Path(sys.prefix) / "bin" / "hadolint"
    command = [str(hadolint), "--failure-threshold", "style", str(DOCKERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_has_one_exact_base_and_does_not_run_as_root() -> None:
    bases = [step.text.split()[0] for step in steps() if step.instruction == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert EXACT_TAG.match(bases[0])
    instructions = {step.instruction: step.text for step in steps()}
    assert instructions["USER"] == f"{USER}:{USER}"
    assert instructions["HEALTHCHECK"]
    check = raw(ONE_MACHINE)["services"]["gateway"]["healthcheck"]["test"]
    assert "http://127.0.0.1:8080/readyz" in check[-1]
    assert check[-1] in instructions["HEALTHCHECK"]


def test_files_that_the_image_copies_are_not_in_dockerignore() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for step in steps():
        if step.instruction != "COPY" or step.text.startswith("--from"):
            continue
        for source in step.text.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, one) for one in kept), source


def locked(file: Path) -> dict[str, str]:
    """Return the version of each package in a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", file.read_text(), re.MULTILINE))


def test_the_lock_of_the_image_is_a_subset_of_the_lock() -> None:
    image = ROOT / "deploy" / "image"
    own, all_of_them = locked(image / "requirements.lock"), locked(ROOT / "requirements.lock")
    assert own.pop("setuptools")
    assert {name: all_of_them.get(name) for name in own} == own
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    development = {Requirement(one).name for one in project["optional-dependencies"]["dev"]}
    assert not development & set(own)
    overrides = (image / "overrides.txt").read_text().splitlines()
    left_out = {Requirement(one).name for one in overrides if not one.startswith("#")}
    needed = {Requirement(one).name for one in project["dependencies"]}
    assert needed - left_out <= set(own)
    assert not left_out & set(own)
    text = (image / "requirements.lock").read_text()
    assert text.count("--hash=sha256:") > len(own)


@pytest.mark.parametrize("file", sorted((ROOT / "deploy").rglob("*.xml")), ids=lambda f: f.name)
def test_variables_that_the_store_configuration_reads_are_set(
    file: Path, environment: dict[str, str]
) -> None:
    if file.name == "pom.xml":
        return
    needed = {
        node.attrib["from_env"]
        for node in ElementTree.parse(file).iter()
        if "from_env" in node.attrib
    }
    mounted = 0
    for stack in (resolved(environment), resolved(environment, CLUSTER)):
        for name, service in stack["services"].items():
            sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
            if not any((ROOT / one) in (file, *file.parents) for one in sources if one[0] == "."):
                continue
            mounted += 1
            assert needed <= set(service["environment"]), name
    assert mounted, "no service mounts this file"


def test_configuration_of_the_cluster_names_every_node_once(environment: dict[str, str]) -> None:
    services = resolved(environment, CLUSTER)["services"]
    brokers = [s for n, s in services.items() if n.startswith("kafka")]
    lines = [s["environment"]["KAFKA_NODE_PROPERTIES"].split() for s in brokers]
    nodes = [dict(line.split("=", 1) for line in one) for one in lines]
    text = (ROOT / "deploy/cluster/kafka/cluster.properties").read_text()
    (voters,) = re.findall(r"^controller.quorum.voters=(.*)$", text, re.MULTILINE)
    hosts = {n["node.id"]: n["advertised.listeners"][9:].split(":")[0] for n in nodes}
    assert voters == ",".join(f"{number}@{host}:9093" for number, host in sorted(hosts.items()))
    assert set(hosts.values()) == {n for n in services if n.startswith("kafka")}
    servers = ",".join(f"{host}:9092" for _, host in sorted(hosts.items()))
    assert services["gateway"]["environment"]["RANTAI_KAFKA"] == servers

    root = ElementTree.parse(ROOT / "deploy/cluster/clickhouse/cluster.xml").getroot()
    (cluster,) = root.findall("remote_servers/*")
    environments = [services[name].get("environment", {}) for name in OURS if name != "simulator"]
    assert {e.get("RANTAI_CLICKHOUSE_CLUSTER", cluster.tag) for e in environments} == {cluster.tag}
    in_file = {
        host.text: str(number)
        for number, shard in enumerate(cluster.findall("shard"), 1)
        for host in shard.findall("replica/host")
    }
    stores = {n: s for n, s in services.items() if n.startswith("clickhouse")}
    assert in_file == {n: s["environment"]["CLICKHOUSE_SHARD"] for n, s in stores.items()}
    for name, service in stores.items():
        assert service["environment"]["CLICKHOUSE_REPLICA"] == service["hostname"] == name

    keeper = ElementTree.parse(ROOT / "deploy/cluster/clickhouse/keeper.xml").getroot()
    raft = {s.findtext("hostname"): s.findtext("id") for s in keeper.iter("server")}
    keepers = {n: s["environment"]["KEEPER_ID"] for n, s in services.items() if "keeper" in n}
    assert raft == keepers
    assert {n.findtext("host") for n in root.findall("zookeeper/node")} == set(keepers)


def test_the_cluster_readme_states_the_right_numbers(environment: dict[str, str]) -> None:
    page = (ROOT / "deploy" / "cluster" / "README.md").read_text()
    one, several = (resolved(environment, *files)["services"] for files in ((), (CLUSTER,)))
    several["one more processor"] = several["processor"]
    for stack, column in ((one, 0), (several, 1)):
        lasting = [service for name, service in stack.items() if name not in JOBS]
        limits = [service["mem_limit"] for service in lasting]
        memory = sum(float(m[:-1]) / {"g": 1, "m": 1024}[m[-1]] for m in limits)
        containers = re.findall(r"^\| containers \| (\d+) \| (\d+)", page, re.MULTILINE)
        sums = re.findall(r"^\| memory .* \| ([\d.]+) GB \| ([\d.]+) GB", page, re.MULTILINE)
        assert containers[0][column] == str(len(lasting))
        assert sums[0][column] == f"{memory:.1f}"
