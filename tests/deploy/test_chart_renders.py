"""The chart is sound: helm's own lint, Kubernetes' own schemas, and the manners of every object."""

import importlib.util
import json
import re
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.support.helm import CHART, EXAMPLES, KUBERNETES, RELEASE, TRIAL, helm, of_kind, pod, render
from tests.support.markdown import ROOT
from tests.support.needs import missing

pytestmark = pytest.mark.deploy
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)

RESOURCES = {"ServiceMonitor": 1, "PrometheusRule": None, "HTTPRoute": 1}
"""Kinds that Kubernetes itself has no schema for, and how many an install with everything on has (None: it varies)."""
EVERYTHING = {
    "admin": {"expose": True},
    "store": {"url": "redis://redis:6379"},
    "autoscaling": {"enabled": True, "inFlightPerPod": 9},
    "networkPolicy": {
        "enabled": True,
        "ingress": {"adminFrom": {"operators": {"podSelector": {}}}},
        "egress": {
            "upstreams": {"main": {"to": {"ipBlock": {"cidr": "10.0.0.0/8"}}, "ports": [8000]}},
            "store": {"to": {"podSelector": {}}, "ports": [6379]},
        },
    },
    "ingress": {"enabled": True, "className": "nginx", "hosts": {"a.example": {"tlsSecretName": "a"}, "b.example": {}}},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["a.example"]},
    "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboards")},
    "previousPepper": {"secretName": "old"},
    "extraEnv": {"HTTPS_PROXY": "http://proxy", "NODE": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "extraManifests": {"one": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"a": "b"},
    "imagePullSecrets": [{"name": "pull"}],
    "serviceAccount": {"annotations": {"a": "b"}},
    "service": {"annotations": {"a": "b"}},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
}


def validated(documents: list[dict], version: str) -> Counter[str]:
    """Every document against the strict schema of a Kubernetes version; the kinds that were skipped."""
    if importlib.util.find_spec("kubernetes_validate") is None:
        missing("kubernetes-validate is not installed: make test-all installs requirements/deploy.txt")
    import kubernetes_validate

    skipped: Counter[str] = Counter()
    for document in documents:
        if document["kind"] in RESOURCES:
            skipped[document["kind"]] += 1
        else:
            kubernetes_validate.validate(document, version.rpartition(".")[0], strict=True)
    return skipped


@pytest.mark.parametrize("values", [None, *EXAMPLES], ids=lambda path: path.stem if path else "defaults")
def test_helm_lints_it(values: Path | None):
    done = helm("lint", "--strict", "{chart}", *(["--values", values] if values else []))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
@examples
def test_kubernetes_would_take_every_object(example: Path, version: str):
    documents = render(example, kube=version)
    skipped = validated(documents, version)
    assert sum(skipped.values()) < len(documents)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_would_take_everything_at_once(version: str):
    skipped = validated(render(TRIAL, EVERYTHING, kube=version), version)
    assert {kind: skipped[kind] for kind, count in RESOURCES.items() if count} == {"ServiceMonitor": 1, "HTTPRoute": 1}


def test_the_schema_check_would_notice():
    documents = render(TRIAL)
    documents[0]["spec"]["maxUnavialable"] = 1
    with pytest.raises(Exception, match="maxUnavialable"):
        validated(documents, KUBERNETES[0])


@examples
def test_objects_have_the_recommended_labels_and_no_namespace(example: Path):
    for document in render(example):
        metadata = document["metadata"]
        assert "namespace" not in metadata, metadata["name"]
        assert metadata["name"].startswith(RELEASE)
        assert len(metadata["name"]) <= 63
        labels = metadata["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert {"app.kubernetes.io/name", "app.kubernetes.io/version", "helm.sh/chart"} <= set(labels)


def test_names_are_unique_and_can_be_chosen():
    documents = render(TRIAL, EVERYTHING, {"fullnameOverride": "gate"})
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    assert len(set(names)) == len(names)
    assert {name for _, name in names if name != "one" and not name.startswith("gate")} == set()


def test_the_longest_name_leaves_room_for_a_statefulset():
    longest = "x" * 63
    (name,) = {one["metadata"]["name"] for one in of_kind(render(TRIAL, {"fullnameOverride": longest}), "StatefulSet")}
    # The label controller-revision-hash is the name, a dash and up to ten characters: 63 at most.
    assert len(name) + 11 == 63


def test_a_name_that_looks_like_a_number_stays_text(tmp_path: Path):
    values = tmp_path / "values.yaml"
    secrets = {"pepper": {"secretName": "12"}, "store": {"persistence": {"existingClaim": "34"}}}
    values.write_text(yaml.safe_dump(secrets | {"fullnameOverride": "gate", "priorityClassName": "56"}))
    done = helm("template", "2024", "{chart}", "--values", TRIAL, "--values", values)
    assert done.returncode == 0, done.stderr
    documents = [one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one]
    assert {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in documents} == {"2024"}
    volumes = {one["name"]: one for one in pod(documents)["volumes"]}
    assert volumes["secrets"]["projected"]["sources"][0]["secret"]["name"] == "12"
    assert volumes["usage"]["persistentVolumeClaim"]["claimName"] == "34"
    assert pod(documents)["priorityClassName"] == "56"
    validated(documents, KUBERNETES[1])


def test_a_package_holds_the_policies_themselves(tmp_path: Path):
    done = helm("package", "{chart}", "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as package:
        inside = {member.name: member for member in package.getmembers()}
        for policy in (ROOT / "policies").glob("*.yaml"):
            member = inside[f"excise-gateway/files/policies/{policy.name}"]
            assert package.extractfile(member).read() == policy.read_bytes()
    assert not any(member.issym() for member in inside.values())
    # The list of policies in words would count against the megabyte that a release may have.
    assert "excise-gateway/files/policies/README.md" not in inside


def test_a_copied_folder_renders_the_same(tmp_path: Path):
    copy = tmp_path / "helm"
    shutil.copytree(CHART, copy)
    assert render(TRIAL, chart=copy) == render(TRIAL)


def test_every_value_is_commented():
    lines = (CHART / "values.yaml").read_text().splitlines()
    top = [number for number, line in enumerate(lines) if re.match(r"[a-zA-Z]+:", line)]
    assert len(top) > 40
    assert [lines[number] for number in top if not lines[number - 1].startswith("#")] == []


def test_the_schema_knows_every_value_and_no_other():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())

    def compare(value, part, path):
        if not (isinstance(value, dict) and part.get("additionalProperties") is False and "properties" in part):
            return
        assert set(value) <= set(part["properties"]), path
        for key, below in value.items():
            compare(below, part["properties"][key], f"{path}.{key}")

    compare(values, schema, "")
    assert set(schema["properties"]) - {"global"} == set(values)


def test_versions_agree():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert chart["appVersion"] == version
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()
    assert chart["kubeVersion"] == ">=1.28.0-0"
