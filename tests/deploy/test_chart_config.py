"""What the gateway itself says of the files that the chart gives it: its own checks, run on the pod's own paths."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway.config import Settings
from tests.support.helm import CHART, EXAMPLES, TRIAL, VLLM, Doc, named, pod, render, settings, workload
from tests.support.markdown import ROOT
from tests.support.podfiles import PEPPER, PodFiles

pytestmark = pytest.mark.deploy

GIVEN = {
    "excise-pepper": {"pepper": PEPPER},
    "old-pepper": {"pepper": "o" * 40},
    "excise-accounts": {"accounts.yaml": "accounts: {ada: {tier: free}}\n"},
    "provider-key": {"api-key": "sk-upstream"},
    "excise-redis": {"password": "hunter2"},
    "engine-key": {"api-key": "sk-engine", "ca.crt": "-"},
    "gateway-tls": {"tls.crt": "-", "tls.key": "-"},
}
BAD_CASE = """\
cases:
  - name: a request without a price is let through
    at: 2026-03-02T12:00:00Z
    given: {account: {tier: free}}
    expect: {action: allow}
"""
CONFIG_MAP_BYTES = 1 << 20
"""The most that Kubernetes keeps in one."""
OWNED = {"ops", "admin", "store", "files", "key_pepper_files"}
"""Settings that are values of the chart."""


def run_init(container: Doc, files: PodFiles) -> subprocess.CompletedProcess[str]:
    """What the kubelet would run: the image's entry point with these arguments."""
    config = next(entry["value"] for entry in container["env"] if entry["name"] == "GATEWAY_CONFIG")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *map(files.outside, container["args"])],
        env={**env, "GATEWAY_CONFIG": files.outside(config)},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def laid_out(folder: Path, documents: list[Doc]) -> PodFiles:
    files = PodFiles(folder / "pod", documents, pod(documents), GIVEN)
    files.localise()
    return files


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_init_containers_are_content(tmp_path: Path, example: Path):
    documents = render(example)
    files = laid_out(tmp_path, documents)
    checks = pod(documents)["initContainers"]
    assert [check["name"] for check in checks] == ["check-config", "lint-policies", "test-policies"]
    for check in checks:
        done = run_init(check, files)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in done.stderr.replace("its API key is sent without TLS", "")


@pytest.mark.parametrize(
    ("values", "index", "said"),
    [
        ({"config": {"timers": {"drian_s": 1}}}, 0, "unknown key 'drian_s'"),
        ({"accounts": {"inline": "accounts: {ada: {teir: free}}\n"}}, 0, "accounts.yaml:1:"),
        ({"policies": {"inline": {"team.yaml": "version: 1\nid: team\n"}}}, 1, "team.yaml"),
        ({"policies": {"inline": {"free.test.yaml": BAD_CASE}}}, 2, "1 failed"),
        ({"policies": {"inline": {"definitions.yaml": ""}}}, 0, "unknown fragment"),
    ],
    ids=["setting", "account", "policy", "case", "definitions"],
)
def test_a_bad_set_stops_the_rollout(tmp_path: Path, values: Doc, index: int, said: str):
    documents = render(TRIAL, values)
    done = run_init(pod(documents)["initContainers"][index], laid_out(tmp_path, documents))
    assert done.returncode != 0
    assert said in done.stdout


def test_each_check_can_be_left_out():
    off = {"verify": {"config": False, "policyLint": False}}
    assert [one["name"] for one in pod(render(TRIAL, off))["initContainers"]] == ["test-policies"]
    off["verify"]["policyTest"] = False
    assert "initContainers" not in pod(render(TRIAL, off))


def test_the_shipped_policies_arrive_byte_for_byte():
    data = named(render(TRIAL), "ConfigMap", "-policies")["data"]
    shipped = {path.name: path.read_text() for path in (ROOT / "policies").glob("*.yaml")}
    assert data == shipped
    assert any(name.endswith(".test.yaml") for name in data)
    assert "definitions.yaml" in data, "what they share"
    assert len(json.dumps(data)) < CONFIG_MAP_BYTES // 4, "an operator's own policies are to fit beside them"


def test_policies_of_ones_own():
    values = {"policies": {"inline": {"team.yaml": "a: 1\n", "free.yaml": "b: 2\n", "enterprise.yaml": ""}}}
    data = named(render(TRIAL, values), "ConfigMap", "-policies")["data"]
    assert (data["team.yaml"], data["free.yaml"]) == ("a: 1\n", "b: 2\n")
    assert "enterprise.yaml" not in data
    assert "developer.yaml" in data
    assert set(named(render(VLLM), "ConfigMap", "-policies")["data"]) == {"team.yaml", "team.test.yaml"}


def test_policies_of_ones_own_bring_what_they_share(tmp_path: Path):
    inline = {
        "team.yaml": "version: 1\nid: team\ntitle: Team\nstatus: testing\nmatch: {use: mine}\naccess: {max_n: 1}\n",
        "definitions.yaml": "version: 1\nfragments: {mine: {tier: mine}}\n",
    }
    documents = render(TRIAL, {"policies": {"shipped": False, "inline": inline}})
    done = run_init(pod(documents)["initContainers"][1], laid_out(tmp_path, documents))
    assert done.returncode == 0, done.stdout


def test_objects_of_ones_own_are_mounted_instead():
    mine = {"existingConfigMap": "mine"}
    documents = render(TRIAL, {"policies": mine, "models": {**mine, "key": "m"}, "accounts": mine})
    names = {one["metadata"]["name"] for one in documents if one["kind"] == "ConfigMap"}
    assert not [name for name in names if name.endswith(("-policies", "-models", "-accounts"))]
    volumes = {volume["name"]: volume for volume in pod(documents)["volumes"]}
    assert volumes["policies"]["configMap"]["name"] == "mine"
    sources = [source["configMap"] for source in volumes["config"]["projected"]["sources"]]
    assert [source["name"] for source in sources[1:]] == ["mine", "mine"]
    assert sources[1]["items"] == [{"key": "m", "path": "models.yaml"}]


def test_a_file_given_as_a_mapping_says_the_same(tmp_path: Path):
    text = yaml.safe_load(TRIAL.read_text())["models"]["inline"]
    documents = render(TRIAL, {"models": {"inline": yaml.safe_load(text)}})
    assert yaml.safe_load(named(documents, "ConfigMap", "-models")["data"]["models.yaml"]) == yaml.safe_load(text)
    assert run_init(pod(documents)["initContainers"][0], laid_out(tmp_path, documents)).returncode == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_file_that_the_settings_name_is_mounted(tmp_path: Path, example: Path):
    documents = render(example, {"previousPepper": {"secretName": "old-pepper", "id": "p0"}})
    files = laid_out(tmp_path, documents)
    paths = [path for path in _strings(settings(documents)) if path.startswith("/etc/gateway/")]
    assert len(paths) >= 3
    for path in paths:
        assert files.path(path).exists(), path
    current, previous = settings(documents)["key_pepper_files"]
    assert files.path(current["file"]).read_text() == PEPPER
    assert previous["id"] == "p0"


def _strings(value):
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _strings(below)
    elif isinstance(value, str):
        yield value


def test_numbers_survive_the_way_through_helm():
    limits = {"tokens": {"unit": "total_tokens", "amount": 20000000, "window": "1m", "burst": 5000000}}
    budgets = {"month": {"unit": "usd", "amount": 2000000, "period": "month"}}
    upstream = {"drain_max_bytes": 41943040, "limits": limits, "budgets": budgets}
    config = {"upstreams": {"main": upstream}, "reload_poll_s": 0.5, "timers": {"drain_s": 1.5}}
    found = settings(render(TRIAL, {"config": config}))
    assert found["upstreams"]["main"]["drain_max_bytes"] == 41943040
    assert (found["upstreams"]["main"]["limits"], found["upstreams"]["main"]["budgets"]) == (limits, budgets)
    assert (found["reload_poll_s"], found["timers"]["drain_s"]) == (0.5, 1.5)


def test_the_schema_offers_every_setting_that_the_chart_does_not_own():
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]["config"]["properties"]) == set(Settings.model_fields) - OWNED


def test_only_what_is_read_at_start_rolls_the_pods():
    def checksum(*values: Doc) -> str:
        return workload(render(TRIAL, *values))["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]

    before = checksum()
    assert checksum({"accounts": {"inline": "accounts: {eve: {tier: free}}\n"}}) == before
    assert checksum({"policies": {"inline": {"free.yaml": ""}}}) == before
    assert checksum({"models": {"inline": "models: {}\n"}}) == before
    assert checksum({"config": {"reload_poll_s": 9}}) != before
    assert checksum({"previousPepper": {"secretName": "old-pepper"}}) != before
