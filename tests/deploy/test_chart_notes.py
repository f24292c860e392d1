"""What the notes tell people to type can be typed, and `helm test` tests something."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.helm import NAMESPACE, REDIS, RELEASE, TRIAL, VLLM, Doc, helm, named, of_kind, pod, render, workload
from tests.support.running import running

pytestmark = pytest.mark.deploy


def notes(example: Path, *flags: str) -> str:
    """What helm prints after an install."""
    done = helm("install", RELEASE, "{chart}", "-n", NAMESPACE, "-f", example, "--dry-run=client", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\nNOTES:\n")[2]


def commands(text: str) -> list[list[str]]:
    """The indented lines, as a shell splits them."""
    return [shlex.split(line) for line in re.findall(r"^  (\S.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("example", [TRIAL, REDIS, VLLM], ids=lambda path: path.stem)
def test_they_end_in_a_command_to_try(example: Path):
    documents = render(example)
    *_, forward, curl = commands(notes(example))
    service = named(documents, "Service", "excise-gateway")
    (port,) = service["spec"]["ports"]
    assert forward[:4] == ["kubectl", "--namespace", NAMESPACE, "port-forward"]
    assert forward[4:] == [f"service/{service['metadata']['name']}", f"8080:{port['port']}", "&"]
    assert curl[0] == "curl"
    assert f"{port['name']}://127.0.0.1:8080/v1/models" in curl
    assert curl[-2:] == ["--header", "Authorization: Bearer $KEY"]


def test_they_name_what_exists():
    documents = render(TRIAL)
    text = notes(TRIAL)
    kind, name = workload(documents)["kind"].lower(), workload(documents)["metadata"]["name"]
    assert f"port-forward {kind}/{name} 9092" in text
    (selector,) = re.findall(r"--selector (\S+)", text)
    labels = workload(documents)["spec"]["template"]["metadata"]["labels"]
    assert dict(pair.split("=") for pair in selector.split(",")).items() <= labels.items()
    create = next(command for command in commands(text) if "create" in command)
    assert create[3:] == ["create", "secret", "generic", "excise-pepper", "--from-file=pepper=pepper.txt"]
    (source,) = (volume for volume in pod(documents)["volumes"] if volume["name"] == "secrets")
    assert source["projected"]["sources"][0]["secret"]["name"] == "excise-pepper"


def test_they_warn_of_what_is_missing():
    assert "WARNING" not in notes(TRIAL)
    assert "forgets all usage" in notes(TRIAL, "--set", "store.url=memory:")
    assert "ServiceMonitor and PrometheusRule were left out" in notes(REDIS)
    route = ("--set", "httpRoute.enabled=true,httpRoute.parentRefs[0].name=g")
    assert "the HTTPRoute was left out" in notes(TRIAL, *route)


def run_test_pod(spec: Doc, **urls: str) -> subprocess.CompletedProcess[str]:
    """The command of the test pod, towards a gateway that runs here."""
    (container,) = spec["containers"]
    assert container["command"] == ["python", "-c"]
    named_urls = {entry["name"] for entry in container["env"]}
    assert named_urls == set(urls)
    command = [sys.executable, "-c", *container["args"]]
    return subprocess.run(command, env={**os.environ, **urls}, capture_output=True, text=True, timeout=60, check=False)


def test_the_test_pod_passes_on_a_gateway_and_fails_on_something_else(tmp_path: Path):
    (one,) = of_kind(render(TRIAL), "Pod")
    assert one["metadata"]["annotations"]["helm.sh/hook"] == "test"
    urls = {entry["name"]: entry["value"] for entry in one["spec"]["containers"][0]["env"]}
    assert urls == {
        "READY_URL": "http://excise-gateway-ops:9091/readyz",
        "CALL_URL": "http://excise-gateway:8080/v1/models",
    }
    with running(tmp_path) as gateway:
        ready, call = f"{gateway.ops_url}/readyz", f"{gateway.url}/v1/models"
        passed = run_test_pod(one["spec"], READY_URL=ready, CALL_URL=call)
        assert (passed.returncode, passed.stderr) == (0, "")
        assert passed.stdout == f"{ready}: 200, expected 200\n{call}: 401, expected 401\n"
        failed = run_test_pod(one["spec"], READY_URL=ready, CALL_URL=f"{gateway.url}/nowhere")
        assert failed.returncode == 1
