"""docs/kubernetes.md names values that exist, and its first install goes from nothing to a gateway that would start."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.helm import CHART, helm, of_kind, pod, render, workload
from tests.support.markdown import ROOT, anchors, blocks, links
from tests.support.podfiles import PodFiles

pytestmark = pytest.mark.deploy

PAGE = ROOT / "docs" / "kubernetes.md"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def known(path: str) -> bool:
    """Whether a dotted path is a value of the chart."""
    part = SCHEMA
    for step in path.split("."):
        if step in part.get("properties", {}):
            part = part["properties"][step]
        elif isinstance(part.get("additionalProperties"), dict):
            part = part["additionalProperties"]
        else:
            return part.get("additionalProperties") is True
    return True


def test_every_value_that_the_page_names_exists():
    named = set(re.findall(r"`([a-zA-Z]+(?:\.\w+)+)", PAGE.read_text()))
    mine = {path for path in named if path.split(".")[0] in SCHEMA["properties"]} - {"tls.crt", "tls.key"}
    assert len(mine) > 20
    assert {path for path in mine if not known(path)} == set()
    assert not known("store.persistance.size")


def test_the_first_install_works_as_written(tmp_path: Path):
    """Its `gateway` lines are run, its `kubectl create secret` makes the secret, helm renders what it would install."""
    text = next(blocks(PAGE)).text.replace("\\\n", "")
    secrets: dict[str, dict[str, str]] = {}
    installed = None
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    for line in filter(None, text.splitlines()):
        if line.startswith(("gateway ", "printf ")):
            command = line.replace("gateway ", f"{sys.executable} -m gateway ", 1)
            subprocess.run(
                command, shell=True, cwd=tmp_path, env={**env, "PYTHONPATH": str(ROOT)}, check=True, timeout=60
            )
            continue
        words = shlex.split(line)
        if words[:4] == ["kubectl", "create", "secret", "generic"]:
            pairs = [word.removeprefix("--from-file=").split("=") for word in words[5:]]
            secrets[words[4]] = {key: (tmp_path / file).read_text() for key, file in pairs}
        elif words[:2] == ["helm", "install"]:
            words = [word.replace("helm/examples", str(CHART / "examples")) for word in words[4:]]
            words = [re.sub(r"^(accounts\.inline)=", rf"\1={tmp_path}/", word) for word in words]
            installed = helm("template", "excise-gateway", "{chart}", *words)
        else:
            assert line == "helm test excise-gateway"
    assert installed is not None
    assert installed.returncode == 0, installed.stderr
    documents = [one for one in yaml.safe_load_all(installed.stdout) if one]
    files = PodFiles(tmp_path / "pod", documents, pod(documents), secrets)
    check = subprocess.run(
        [sys.executable, "-m", "gateway", "config", "check", "--config", files.localise()],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (check.returncode, check.stdout) == (0, ""), check.stderr
    key = (tmp_path / "ada.key").read_text().strip()
    assert key.startswith("sk-ex-")
    accounts = files.path("/etc/gateway/config/accounts.yaml").read_text()
    assert accounts == (tmp_path / "accounts.yaml").read_text()
    assert key.removeprefix("sk-ex-").partition("_")[0] in accounts
    assert key not in installed.stdout


def test_the_commands_name_objects_of_the_release():
    documents = render(CHART / "examples" / "trial.yaml")
    text = PAGE.read_text() + (ROOT / "docs" / "upgrade.md").read_text()
    found = workload(documents)
    assert set(re.findall(r"(statefulset/[\w-]+)", text)) == {f"{found['kind'].lower()}/{found['metadata']['name']}"}
    (claim,) = of_kind(documents, "PersistentVolumeClaim")
    assert f"the claim {claim['metadata']['name']}" in text
    services = {service["metadata"]["name"] for service in of_kind(documents, "Service")}
    assert set(re.findall(r"service `([\w-]+)`", text)) <= services
    containers = {one["name"] for one in [*pod(documents)["initContainers"], *pod(documents)["containers"]]}
    assert set(re.findall(r"-c ([a-z-]+)", text)) <= containers


def test_the_pod_for_upkeep_sees_what_the_gateway_sees():
    """Its volumes are the release's, its user the gateway's, and its confinement no weaker."""
    documents = render(CHART / "examples" / "trial.yaml")
    (text,) = (block.text for block in blocks(ROOT / "docs" / "upgrade.md") if block.language == "yaml")
    mine, theirs = yaml.safe_load(text)["spec"], pod(documents)
    names = {(one["kind"], one["metadata"]["name"]) for one in documents}
    volumes = {one["name"]: one for one in mine["volumes"]}
    assert ("PersistentVolumeClaim", volumes["usage"]["persistentVolumeClaim"]["claimName"]) in names
    assert ("ConfigMap", volumes["config"]["configMap"]["name"]) in names
    (upkeep,), (gateway,) = mine["containers"], theirs["containers"]
    mounted = {one["name"]: one["mountPath"] for one in gateway["volumeMounts"]}
    assert {one["name"]: one["mountPath"] for one in upkeep["volumeMounts"]}.items() <= mounted.items()
    assert upkeep["env"][0] in gateway["env"]
    assert upkeep["securityContext"].items() <= gateway["securityContext"].items()
    assert mine["securityContext"].items() <= theirs["securityContext"].items()


def test_links_of_the_chart_lead_somewhere():
    for link in links(CHART / "README.md"):
        target, _, anchor = link.partition("#")
        there = (CHART / target).resolve()
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link
