"""Manifests as rendered by kustomize: valid by the schemas of Kubernetes, hardened, consistent."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.settings import Settings
from tests.containers.compose import ROOT
from tests.containers.image import USER

FOLDER = ROOT / "deploy" / "cluster" / "kubernetes"
OVERLAYS = ("trial", "production")
SERVICES = {"gateway", "processor", "scorecards", "exporter"}
VERSIONS = ("1.30", "1.37")
SETTINGS = {f"RANTAI_{name.upper()}" for name in Settings.model_fields}

Manifest = dict[str, Any]


def kustomize() -> str:
    """Return the path of kustomize. Skips the test if it is not installed; fails in CI."""
    own = Path.home() / ".cache" / "rantai" / "bin" / "kustomize"
    found = shutil.which("kustomize") or (str(own) if own.exists() else None)
    if found is None:
        assert os.environ.get("CI") != "true", "kustomize is not installed"
        pytest.skip("kustomize is not installed: .ci/run shows how to install it")
    return found


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Return the manifests of an overlay."""
    done = subprocess.run(
        [kustomize(), "build", str(FOLDER / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    """Return the manifests of each overlay in turn."""
    return rendered(request.param)


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> dict[str, Manifest]:
    """Return the manifests of a kind by name."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(manifests: tuple[Manifest, ...], version: str) -> None:
    for one in manifests:
        kubernetes_validate.validate(one, version, strict=True)


def test_everything_is_in_one_namespace_with_restricted_pod_security(
    manifests: tuple[Manifest, ...],
) -> None:
    (namespace,) = of_kind(manifests, "Namespace").values()
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {m["metadata"]["namespace"] for m in manifests if m["kind"] != "Namespace"}
    assert others == {namespace["metadata"]["name"]}


def test_every_pod_is_hardened(manifests: tuple[Manifest, ...]) -> None:
    assert set(of_kind(manifests, "Deployment")) == SERVICES
    for name, one in of_kind(manifests, "Deployment").items():
        pod = one["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in (*pod["initContainers"], *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert re.search(r":\d+\.\d+\.\d+$", container["image"]), name
            assert container["resources"]["limits"]["memory"]
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_pods_have_probes_and_time_to_stop(manifests: tuple[Manifest, ...]) -> None:
    for name, one in of_kind(manifests, "Deployment").items():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert container["args"] == [name]
        paths = {
            probe: container[f"{probe}Probe"]["httpGet"]["path"]
            for probe in ("startup", "readiness", "liveness")
        }
        assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
        # Five seconds until the Service stops routing to the pod, fifteen to drain.
        assert one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 5 + 15


def test_everything_that_is_referred_to_exists(manifests: tuple[Manifest, ...]) -> None:
    maps = of_kind(manifests, "ConfigMap")
    secrets = set()
    for one in of_kind(manifests, "Deployment").values():
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        pod = one["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] in of_kind(manifests, "ServiceAccount")
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        secrets |= {v["secret"]["secretName"] for v in volumes.values() if "secret" in v}
        for container in (*pod["initContainers"], *pod["containers"]):
            for source in container["envFrom"]:
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in maps
                else:
                    secrets.add(source["secretRef"]["name"])
            assert {m["name"] for m in container["volumeMounts"]} <= set(volumes)
            assert {variable["name"] for variable in container.get("env", [])} <= SETTINGS
    readme = (FOLDER.parent / "README.md").read_text()
    for name in secrets:
        assert f"create secret generic {name}" in readme
    for one in maps.values():
        assert set(one["data"]) <= SETTINGS
        Settings.from_environment(one["data"])
    for kind, path in (("Service", "selector"), ("PodDisruptionBudget", "selector")):
        for name, one in of_kind(manifests, kind).items():
            chosen = one["spec"][path]
            assert chosen.get("matchLabels", chosen)["app.kubernetes.io/name"] == name
    for ingress in of_kind(manifests, "Ingress").values():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"]["name"] in of_kind(manifests, "Service")


def test_services_scale_with_their_load_up_to_a_useful_number(
    manifests: tuple[Manifest, ...],
) -> None:
    (settings,) = of_kind(manifests, "ConfigMap").values()
    scalers = of_kind(manifests, "HorizontalPodAutoscaler")
    assert set(scalers) == SERVICES - {"exporter"}
    for name, one in scalers.items():
        assert one["spec"]["scaleTargetRef"]["name"] == name
        # `replicas` in the Deployment would reset the autoscaler's choice at every `apply`.
        assert "replicas" not in of_kind(manifests, "Deployment")[name]["spec"]
    (metric,) = scalers["processor"]["spec"]["metrics"]
    assert metric["type"] == "External"
    assert metric["external"]["metric"]["name"] == "rantai_offset_lag_records"
    assert scalers["processor"]["spec"]["maxReplicas"] <= int(settings["data"]["RANTAI_PARTITIONS"])


def test_in_production_a_node_can_be_drained() -> None:
    manifests = rendered("production")
    budgets = of_kind(manifests, "PodDisruptionBudget")
    scalers = of_kind(manifests, "HorizontalPodAutoscaler")
    assert set(budgets) == set(scalers)
    for name, budget in budgets.items():
        least = scalers[name]["spec"]["minReplicas"]
        assert budget["spec"].get("minAvailable", 0) < least
        assert least - budget["spec"].get("maxUnavailable", 0) >= 1
    assert not of_kind(rendered("trial"), "PodDisruptionBudget")


def test_ingress_is_denied_except_where_a_policy_allows_it(manifests: tuple[Manifest, ...]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    named: set[str] = set()
    for name in ("published", "watched"):
        (expression,) = policies[name]["spec"]["podSelector"]["matchExpressions"]
        named |= set(expression["values"])
    assert named == SERVICES
    assert "from" in policies["watched"]["spec"]["ingress"][0]
