"""An explicit list of rules over every pod that the chart makes, and over what it says of secrets."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.helm import CHART, EXAMPLES, TRIAL, Doc, of_kind, pod, pod_specs, render, workload

pytestmark = pytest.mark.deploy
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)

POD_RULES: dict[str, Callable[[Doc], bool]] = {
    "runs as a user that is not root": lambda spec: (
        spec["securityContext"]["runAsNonRoot"] is True
        and spec["securityContext"]["runAsUser"] == spec["securityContext"]["runAsGroup"] == 65532
    ),
    "confines system calls": lambda spec: spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"},
    "has no token of the cluster": lambda spec: spec["automountServiceAccountToken"] is False,
    "shares nothing with its node": lambda spec: not {"hostNetwork", "hostPID", "hostIPC"} & set(spec),
    "mounts nothing of its node": lambda spec: not any("hostPath" in volume for volume in spec.get("volumes", [])),
    "gets no variables of services": lambda spec: spec["enableServiceLinks"] is False,
}
CONTAINER_RULES: dict[str, Callable[[Doc], bool]] = {
    "cannot gain privileges": lambda one: one["securityContext"]["allowPrivilegeEscalation"] is False,
    "has no capabilities": lambda one: one["securityContext"]["capabilities"] == {"drop": ["ALL"]},
    "cannot write its root": lambda one: one["securityContext"]["readOnlyRootFilesystem"] is True,
    "is not privileged": lambda one: not one["securityContext"].get("privileged"),
    "says that it is not root": lambda one: one["securityContext"]["runAsNonRoot"] is True,
    "asks for cpu and memory": lambda one: {"cpu", "memory"} <= set(one["resources"]["requests"]),
    "is bounded in memory": lambda one: "memory" in one["resources"]["limits"],
    "opens no port of its node": lambda one: not any("hostPort" in port for port in one.get("ports", [])),
    "names a version of its image": lambda one: re.search(r":(?!latest$)[^:/]+$|@sha256:", one["image"]) is not None,
    "uses no part of a volume": lambda one: not any("subPath" in mount for mount in one.get("volumeMounts", [])),
    "writes only where it should": lambda one: (
        {mount["mountPath"] for mount in one.get("volumeMounts", []) if not mount.get("readOnly")}
        <= {"/tmp", "/var/lib/gateway"}
    ),
    "has no secret in its environment": lambda one: not any("valueFrom" in entry for entry in one.get("env", [])),
}


@examples
def test_every_pod_keeps_every_rule(example: Path):
    broken = []
    looked_at = 0
    for name, spec in pod_specs(render(example)):
        broken += [f"{name} {rule}" for rule, holds in POD_RULES.items() if not holds(spec)]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            looked_at += 1
            where = f"{name}/{container['name']}"
            broken += [f"{where} {rule}" for rule, holds in CONTAINER_RULES.items() if not holds(container)]
    assert broken == []
    assert looked_at == 5, "the gateway, three checks and the test"


def test_the_rules_notice():
    spec = pod(render(TRIAL))
    spec["hostNetwork"] = True
    spec["containers"][0]["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}
    spec["containers"][0]["image"] = "gateway:latest"
    assert [rule for rule, holds in POD_RULES.items() if not holds(spec)] == ["shares nothing with its node"]
    found = [rule for rule, holds in CONTAINER_RULES.items() if not holds(spec["containers"][0])]
    assert found == ["has no capabilities", "names a version of its image"]


@examples
def test_no_secret_is_made_and_none_is_readable_by_all(example: Path):
    documents = render(example)
    assert of_kind(documents, "Secret") == []
    (secrets,) = (volume for volume in pod(documents)["volumes"] if volume["name"] == "secrets")
    assert secrets["projected"]["defaultMode"] == 0o440
    assert pod(documents)["securityContext"]["fsGroup"] == 65532


def test_values_have_no_place_for_a_secret():
    """Whatever is called password, token, key or secret holds a name, a key in an object, or a hash."""
    said = {"token_sha256"}

    def walk(value, path=""):
        if isinstance(value, dict):
            for key, below in value.items():
                yield from walk(below, f"{path}.{key}")
        elif re.search(r"(?i)password|token|secret|pepper|credential", path):
            yield path, value

    assert dict(walk({"a": {"password": "x"}, "b": "y"})) == {".a.password": "x"}
    for source in (CHART / "values.yaml", *EXAMPLES):
        for path, value in walk(yaml.safe_load(source.read_text())):
            last = path.rpartition(".")[2]
            names = {"secretName", "existingSecret", "tlsSecretName", "imagePullSecrets", "id"} | said
            assert last in names or last.lower().endswith("key"), path
            assert len(str(value)) <= 40 or last in said, path


def test_a_platform_may_choose_the_user():
    spec = pod(render(TRIAL, {"runAsUser": None, "fsGroup": None}))
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_a_digest_wins_over_the_tag():
    digest = "sha256:" + "0" * 64
    documents = render(TRIAL, {"image": {"tag": "9.9", "digest": digest}})
    assert workload(documents)["spec"]["template"]["spec"]["containers"][0]["image"] == f"excise-gateway@{digest}"
