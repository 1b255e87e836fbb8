"""The Helm chart: what it makes is sound by the schemas of Kubernetes, and speaks of settings that there are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from server.settings import PREFIX, Settings
from tests.deploy.programs import DEPLOY, program, said

CHART = str(DEPLOY / "helm" / "countinghouse")
OLDEST, NEWEST = "1.27", "1.34"
DEFAULTS: list[str] = []
EVERYTHING = [
    "tls.secret=tls",
    "tls.serverName=countinghouse.example.com",
    "tls.clientAuthorities=true",
    "tokens.secret=",
    "dataFiles.url=s3://bucket/prefix",
    "dataFiles.endpointUrl=https://store.example.com",
    "settings.JWT_ISSUER=https://login.example.com",
    "image.digest=sha256:0123",
    "networkPolicy.enabled=true",
    "server.autoscaling.enabled=true",
    "worker.autoscaling.enabled=true",
    "metrics.rules=true",
    "metrics.monitor=true",
]


def made(chosen: list[str]) -> list[dict[str, Any]]:
    """The resources of an installation by these values."""
    sets = [each for pair in chosen for each in ("--set", pair)]
    return [each for each in yaml.safe_load_all(said(program("helm"), "template", "books", CHART, *sets)) if each]


def pods_of(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods that they make, by what they are for."""
    templates = [each["spec"]["template"] for each in resources if each["kind"] in {"Deployment", "Job"}]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"] for each in templates}


def test_the_chart_is_sound() -> None:
    """By Helm's own rules."""
    said(program("helm"), "lint", "--strict", CHART)


@pytest.mark.parametrize("chosen", [DEFAULTS, EVERYTHING], ids=["defaults", "everything"])
def test_what_it_makes_fits_the_schemas(chosen: list[str]) -> None:
    """Of the oldest Kubernetes that it is for and a newer one; kinds of others' operators have none."""
    from kubernetes_validate import SchemaNotFoundError, validate  # type: ignore[import-untyped]

    own = [each for each in made(chosen) if not each["apiVersion"].startswith("monitoring.coreos.com/")]
    kinds = {each["kind"] for each in own}
    assert {"Deployment", "Job", "PodDisruptionBudget", "Service", "ServiceAccount"} <= kinds
    for resource in own:
        for version in (OLDEST, NEWEST):
            try:
                validate(resource, version, strict=True)
            except SchemaNotFoundError as error:
                raise AssertionError(resource["kind"]) from error


@pytest.mark.parametrize("chosen", [DEFAULTS, EVERYTHING], ids=["defaults", "everything"])
def test_pods_are_not_trusted_with_more_than_they_need(chosen: list[str]) -> None:
    """No root, no privileges, nothing written beside their own folders, no token of the cluster."""
    for pod in pods_of(made(chosen)).values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}


@pytest.mark.parametrize("chosen", [DEFAULTS, EVERYTHING], ids=["defaults", "everything"])
def test_every_setting_is_one_that_there_is(chosen: list[str]) -> None:
    """A name that the server does not know would stop it."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for pod in pods_of(made(chosen)).values():
        names = [each["name"] for each in pod["containers"][0]["env"]]
        assert set(names) <= known
        assert len(names) == len(set(names))


@pytest.mark.rule("PLT-41")
def test_a_pod_gets_calls_once_it_is_ready_and_ends_in_peace() -> None:
    """By the standard health service; with TLS the command asks, as probes of Kubernetes cannot."""
    plain = pods_of(made(DEFAULTS))["server"]
    assert plain["containers"][0]["readinessProbe"]["grpc"] == {"port": 50051}
    encrypted = pods_of(made(EVERYTHING))["server"]["containers"][0]["readinessProbe"]["exec"]["command"]
    assert encrypted[0] == "countinghouse"
    assert "health" in encrypted
    grace = Settings.model_fields["shutdown_grace_s"].default
    assert plain["terminationGracePeriodSeconds"] > grace


def test_the_books_outlive_the_installation() -> None:
    """The volume of data files is shared by all pods, and is not deleted with them."""
    (claim,) = [each for each in made(DEFAULTS) if each["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_alerts_are_those_of_the_tree() -> None:
    """The rules of the operator of Prometheus."""
    (rules,) = [each for each in made(["metrics.rules=true"]) if each["kind"] == "PrometheusRule"]
    assert rules["spec"] == yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))
