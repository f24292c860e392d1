"""That the parts fit: ports, selectors, probes, grace periods, scaling, fences."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.helm import EXAMPLES, REDIS, TRIAL, VLLM, Doc, named, of_kind, pod, render, settings, workload

pytestmark = pytest.mark.deploy
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def gateway(documents: list[Doc]) -> Doc:
    (container,) = pod(documents)["containers"]
    return container


def selects(selector: Doc, labels: Doc) -> bool:
    return selector.items() <= labels.items()


@examples
def test_listeners_ports_and_services_agree(example: Path):
    documents = render(example, {"ports": {"data": 1001, "ops": 1002}, "service": {"port": 443}})
    found = settings(documents)
    ports = {port["name"]: port["containerPort"] for port in gateway(documents)["ports"]}
    assert ports.pop("ops") == found["ops"]["port"] == 1002
    assert ports == {"https" if "tls" in found["data"] else "http": 1001}
    assert found["data"]["port"] == 1001
    assert found["data"]["host"] == found["ops"]["host"] == "0.0.0.0"
    data, ops = named(documents, "Service", "excise-gateway"), named(documents, "Service", "-ops")
    assert [(port["port"], port["targetPort"]) for port in data["spec"]["ports"]] == [(443, *ports)]
    assert [(port["port"], port["targetPort"]) for port in ops["spec"]["ports"]] == [(1002, "ops")]
    assert (ops["spec"]["clusterIP"], ops["spec"]["publishNotReadyAddresses"]) == ("None", True)


@examples
def test_selectors_find_the_gateway_and_not_the_test(example: Path):
    documents = render(example)
    labels = workload(documents)["spec"]["template"]["metadata"]["labels"]
    (test,) = (one["metadata"]["labels"] for one in of_kind(documents, "Pod"))
    selectors = [service["spec"]["selector"] for service in of_kind(documents, "Service")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in of_kind(documents, "PodDisruptionBudget")]
    selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in of_kind(documents, "NetworkPolicy")]
    selectors += [spread["labelSelector"]["matchLabels"] for spread in pod(documents)["topologySpreadConstraints"]]
    selectors += [workload(documents)["spec"]["selector"]["matchLabels"]]
    assert len(selectors) >= 6
    assert all(selects(selector, labels) and not selects(selector, test) for selector in selectors)
    for monitor in of_kind(documents, "ServiceMonitor"):
        found = [
            service["metadata"]["name"]
            for service in of_kind(documents, "Service")
            if selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
        ]
        assert found == ["excise-gateway-ops"]
        assert [end["port"] for end in monitor["spec"]["endpoints"]] == ["ops"]


def test_probes_ask_the_ops_listener_and_liveness_never_asks_for_readiness():
    container = gateway(render(TRIAL))
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert asked == {
        "startup": {"path": "/healthz", "port": "ops"},
        "readiness": {"path": "/readyz", "port": "ops"},
        "liveness": {"path": "/healthz", "port": "ops"},
    }
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60


@pytest.mark.parametrize(
    ("timers", "sleep", "given", "expected"),
    [({}, 10, 0, 325), ({"drain_s": 600}, 20, 0, 635), ({"drain_s": 0.5}, 0, 0, 16), ({"drain_s": 30}, 10, 99, 99)],
)
def test_the_grace_covers_the_drain(timers: Doc, sleep: int, given: int, expected: int):
    values = {"preStopSleepS": sleep, "terminationGracePeriodSeconds": given}
    documents = render(VLLM, {"config": {"timers": {"drain_s": None, **timers}}}, values)
    assert pod(documents)["terminationGracePeriodSeconds"] == expected
    assert ("lifecycle" in gateway(documents)) == bool(sleep)


@pytest.mark.parametrize(("kube", "native"), [("1.28.0", False), ("1.29.9", False), ("1.30.0", True), ("1.37.0", True)])
def test_the_pause_before_the_drain_suits_the_cluster(kube: str, native: bool):
    hook = gateway(render(TRIAL, kube=kube))["lifecycle"]["preStop"]
    if native:
        assert hook == {"sleep": {"seconds": 10}}
    else:
        assert hook == {"exec": {"command": ["python", "-c", "import time; time.sleep(10)"]}}


def test_a_file_has_one_owner_and_its_volume_outlives_the_release():
    documents = render(TRIAL)
    found = workload(documents)
    assert (found["kind"], found["spec"]["replicas"]) == ("StatefulSet", 1)
    assert found["spec"]["serviceName"] == named(documents, "Service", "-ops")["metadata"]["name"]
    claim = named(documents, "PersistentVolumeClaim", "-usage")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    volumes = {volume["name"]: volume for volume in pod(documents)["volumes"]}
    assert volumes["usage"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    mounts = {mount["name"]: mount["mountPath"] for mount in gateway(documents)["volumeMounts"]}
    assert settings(documents)["store"].startswith(f"sqlite:{mounts['usage']}/")


def test_a_claim_of_ones_own():
    documents = render(TRIAL, {"store": {"persistence": {"existingClaim": "mine"}}})
    assert of_kind(documents, "PersistentVolumeClaim") == []
    volumes = {volume["name"]: volume for volume in pod(documents)["volumes"]}
    assert volumes["usage"] == {"name": "usage", "persistentVolumeClaim": {"claimName": "mine"}}


def test_stores_decide_how_pods_are_replaced():
    memory = workload(render(TRIAL, {"store": {"url": "memory:"}}))
    assert (memory["kind"], memory["spec"]["strategy"]) == ("Deployment", {"type": "Recreate"})
    redis = workload(render(REDIS))
    assert redis["kind"] == "Deployment"
    assert redis["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_autoscaler_owns_the_number_of_replicas():
    documents = render(REDIS)
    (scaler,) = of_kind(documents, "HorizontalPodAutoscaler")
    found = workload(documents)
    assert "replicas" not in found["spec"]
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == (found["kind"], found["metadata"]["name"])
    cpu, in_flight = scaler["spec"]["metrics"]
    assert cpu["resource"]["target"]["averageUtilization"] == 70
    assert in_flight["pods"]["metric"]["name"] == "gateway_requests_in_flight"
    assert in_flight["pods"]["target"]["averageValue"] == "400"
    assert workload(render(REDIS, {"autoscaling": {"enabled": False}, "replicas": 4}))["spec"]["replicas"] == 4
    assert (
        len(
            of_kind(render(REDIS, {"autoscaling": {"inFlightPerPod": 0}}), "HorizontalPodAutoscaler")[0]["spec"][
                "metrics"
            ]
        )
        == 1
    )


def rules(documents: list[Doc], direction: str) -> Iterator[tuple[set[int], list[Doc] | None]]:
    (policy,) = of_kind(documents, "NetworkPolicy")
    for rule in policy["spec"][direction]:
        yield {port["port"] for port in rule["ports"]}, rule.get("from", rule.get("to"))


def test_the_fence_opens_the_ports_that_are_served():
    documents = render(REDIS, {"ports": {"data": 1001, "ops": 1002}})
    found = settings(documents)
    ingress = dict((min(ports), peers) for ports, peers in rules(documents, "ingress"))  # noqa: C402 - sets of one
    assert set(ingress) == {found["data"]["port"], found["ops"]["port"]}
    names = [peer.get("namespaceSelector", {}).get("matchLabels") for peer in ingress[1002]]
    assert names == [{"kubernetes.io/metadata.name": "monitoring"}, None]
    (test,) = (one["metadata"]["labels"] for one in of_kind(documents, "Pod"))
    for peers in ingress.values():
        assert selects(peers[-1]["podSelector"]["matchLabels"], test), "helm test gets through"
    assert [ports for ports, _ in rules(documents, "egress")] == [{53}, {443}, {6379}]


def test_without_callers_named_everyone_may_call_and_nobody_the_rest():
    gate = {"main": {"to": {"podSelector": {}}, "ports": [8000]}}
    fence = {"enabled": True, "ingress": {"opsFrom": {"monitoring": None}}, "egress": {"upstreams": gate}}
    (_, everyone), (_, scrapers) = rules(render(TRIAL, {"networkPolicy": fence}), "ingress")
    assert everyone is None
    assert [list(peer) for peer in scrapers] == [["podSelector"]]


def test_the_admin_api_stays_inside_unless_it_is_exposed():
    documents = render(VLLM)
    assert settings(documents)["admin"] == {"host": "127.0.0.1", "port": 9092}
    assert not [one for one in of_kind(documents, "Service") if one["metadata"]["name"].endswith("-admin")]
    peers = {"networkPolicy": {"ingress": {"adminFrom": {"ops": {"podSelector": {}}}}}}
    assert len(list(rules(render(VLLM, peers), "ingress"))) == 2

    exposed = render(VLLM, peers, {"admin": {"expose": True, "allowedHosts": ["admin.example.com"]}})
    admin = settings(exposed)["admin"]
    assert admin["host"] == "0.0.0.0"
    assert {"localhost", "excise-gateway-admin.inference.svc", "admin.example.com"} <= set(admin["allowed_hosts"])
    assert named(exposed, "Service", "-admin")["spec"]["ports"][0]["targetPort"] == "admin"
    assert [ports for ports, _ in rules(exposed, "ingress")][-1] == {9092}
    assert len(list(rules(render(VLLM, {"admin": {"expose": True}}), "ingress"))) == 2, "exposed, and nobody let in"


def test_ways_in_from_outside():
    hosts = {"a.example": {"tlsSecretName": "a"}, "b.example": {"path": "/v1", "pathType": "Exact"}}
    outside = {
        "ingress": {"enabled": True, "hosts": hosts},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "g"}]},
    }
    documents = render(VLLM, outside)
    (ingress,), (route,) = of_kind(documents, "Ingress"), of_kind(documents, "HTTPRoute")
    first, second = ingress["spec"]["rules"]
    assert (first["host"], first["http"]["paths"][0]["path"]) == ("a.example", "/")
    assert first["http"]["paths"][0]["backend"]["service"] == {"name": "excise-gateway", "port": {"name": "https"}}
    assert (second["http"]["paths"][0]["path"], second["http"]["paths"][0]["pathType"]) == ("/v1", "Exact")
    assert ingress["spec"]["tls"] == [{"hosts": ["a.example"], "secretName": "a"}]
    (rule,) = route["spec"]["rules"]
    assert rule == {"backendRefs": [{"name": "excise-gateway", "port": 8080}], "timeouts": {"request": "0s"}}
    assert of_kind(render(VLLM, outside, apis=()), "HTTPRoute") == []


def test_zones_are_spread_over_as_asked():
    spreads = {one["topologyKey"]: one["whenUnsatisfiable"] for one in pod(render(REDIS))["topologySpreadConstraints"]}
    assert spreads == {"kubernetes.io/hostname": "ScheduleAnyway", "topology.kubernetes.io/zone": "DoNotSchedule"}


def test_a_budget_lets_unready_pods_go():
    (budget,) = of_kind(render(REDIS), "PodDisruptionBudget")
    assert (budget["spec"]["maxUnavailable"], budget["spec"]["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_redis_gets_its_files_and_knows_how_many_share_it():
    ca = {"store": {"caSecret": {"secretName": "redis-ca"}}, "config": {"redis": {"on_loss": {"new": "open"}}}}
    documents = render(REDIS, ca)
    assert settings(documents)["redis"] == {
        "replicas": 12,
        "password_file": "/etc/gateway/secrets/store/password",
        "ca_file": "/etc/gateway/secrets/store/ca.crt",
        "undelivered_file": "/var/lib/gateway/undelivered.jsonl",
        "on_loss": {"new": "open"},
    }
    fixed = {"autoscaling": {"enabled": False}, "replicas": 4}
    assert settings(render(REDIS, fixed))["redis"]["replicas"] == 4
    assert "redis" not in settings(render(TRIAL))
