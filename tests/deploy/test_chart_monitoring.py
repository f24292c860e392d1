"""Rules and dashboards reach the cluster as they are in the repository, where the cluster can take them."""

import pytest
import yaml

from tests.support.helm import CHART, REDIS, TRIAL, Doc, of_kind, render

pytestmark = pytest.mark.deploy

RULES = sorted(path for path in (CHART / "files" / "rules").glob("*.yaml") if not path.name.endswith(".test.yaml"))
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))


def by_name(documents: list[Doc], kind: str) -> dict[str, Doc]:
    return {one["metadata"]["name"].removeprefix("excise-gateway-"): one for one in of_kind(documents, kind)}


def test_rules_are_those_of_the_repository():
    found = by_name(render(REDIS), "PrometheusRule")
    assert set(found) == {path.stem for path in RULES}
    for path in RULES:
        assert found[path.stem]["spec"] == yaml.safe_load(path.read_text())
        assert found[path.stem]["spec"]["groups"]


def test_dashboards_are_those_of_the_repository():
    found = by_name(render(REDIS, {"monitoring": {"dashboards": {"annotations": {"folder": "Excise"}}}}), "ConfigMap")
    boards = {name: one for name, one in found.items() if name.startswith("dashboard-")}
    assert set(boards) == {f"dashboard-{path.stem}" for path in DASHBOARDS}
    for path in DASHBOARDS:
        board = boards[f"dashboard-{path.stem}"]
        assert board["data"] == {path.name: path.read_text()}
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert board["metadata"]["annotations"] == {"folder": "Excise"}
        assert path.stat().st_size < 900_000, "a ConfigMap holds 1 MiB"


def test_nothing_is_made_that_nobody_asked_for():
    documents = render(TRIAL)
    assert not of_kind(documents, "ServiceMonitor") + of_kind(documents, "PrometheusRule")
    assert not [name for name in by_name(documents, "ConfigMap") if name.startswith("dashboard-")]


def test_without_the_operator_its_objects_are_left_out():
    documents = render(REDIS, apis=())
    assert not of_kind(documents, "ServiceMonitor") + of_kind(documents, "PrometheusRule")
    assert any(name.startswith("dashboard-") for name in by_name(documents, "ConfigMap"))


def test_a_prometheus_that_selects_by_label_finds_them():
    wanted = {name: {"labels": {"release": "prom"}} for name in ("serviceMonitor", "prometheusRule")}
    documents = render(REDIS, {"monitoring": wanted})
    found = of_kind(documents, "ServiceMonitor") + of_kind(documents, "PrometheusRule")
    assert len(found) == 1 + len(RULES)
    assert all(one["metadata"]["labels"]["release"] == "prom" for one in found)
    assert {one["metadata"]["labels"]["app.kubernetes.io/name"] for one in found} == {"excise-gateway"}
