"""What the chart refuses, before anything reaches a cluster, and that it says what to do instead."""

import pytest

from tests.support.helm import REDIS, TRIAL, Doc, refused, render

pytestmark = pytest.mark.deploy

MISTAKES = {
    "replica": ({"replica": 2}, "'replica' not allowed"),
    "nested": ({"store": {"persistence": {"sise": "1Gi"}}}, "'sise' not allowed"),
    "setting": ({"config": {"timer": {"drain_s": 1}}}, "'timer' not allowed"),
    "admin": ({"config": {"admins": [{"name": "ada", "token": "x"}]}}, "missing property 'token_sha256'"),
    "port": ({"ports": {"data": 0}}, "/ports/data"),
    "store": ({"store": {"url": "postgres://db"}}, "/store/url"),
    "text for a number": ({"replicas": "two"}, "/replicas"),
    "digest": ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
    "policy name": ({"policies": {"inline": {"free.yml": "version: 1"}}}, "'free.yml' not allowed"),
    "root": ({"runAsUser": 0}, "/runAsUser"),
    "what the chart sets": ({"config": {"data": {"port": 9}}}, "/config/data/port"),
    "a country file of nowhere": (
        {"config": {"data": {"country_file": "countries.mmdb"}}},
        "/config/data/country_file",
    ),
    "a master secret of nowhere": (
        {"config": {"watermark": {"secret_file": "watermark.key"}}},
        "/config/watermark/secret_file",
    ),
    "a secret's path": (
        {"config": {"upstreams": {"main": {"api_key_file": "x"}}}},
        "/config/upstreams/main/api_key_file",
    ),
    "a setting as variable": ({"extraEnv": {"GATEWAY_TIMERS__DRAIN_S": "9"}}, "/extraEnv/GATEWAY_TIMERS__DRAIN_S"),
    "a manifest of nothing": ({"extraManifests": {"one": {"kind": "Pod"}}}, "missing property 'apiVersion'"),
}
REFUSALS = {
    "two owners of a file": ({"replicas": 2}, "sqlite:/var/lib/gateway/usage.sqlite belongs to one process"),
    "an autoscaled file": ({"autoscaling": {"enabled": True}}, "belongs to one process"),
    "two memories": ({"replicas": 3, "store": {"url": "memory:"}}, "memory: belongs to one process"),
    "a name that begins with a digit": ({"fullnameOverride": "1abc"}, "1abc: this name"),
    "a name in capitals": ({"nameOverride": "UP"}, "excise-gateway-UP: this name"),
    "a name with a dot": ({"fullnameOverride": "a.b"}, "set fullnameOverride"),
    "a folder for a file": ({"store": {"url": "sqlite:/var/lib/gateway/"}}, "expected sqlite:/var/lib/gateway/NAME"),
    "a file beside the volume": (
        {"store": {"url": "sqlite:/var/lib/gateway/../usage"}}, "expected sqlite:/var/lib/gateway/NAME"
    ),
    "a file nobody keeps": ({"store": {"url": "sqlite:/tmp/usage"}}, "expected sqlite:/var/lib/gateway/NAME"),
    "a grace too short": ({"terminationGracePeriodSeconds": 49}, "49 is too short"),
    "no pepper": ({"pepper": {"secretName": ""}}, "gateway keys new-pepper"),
    "a key for nobody": ({"upstreamSecrets": {"mian": {"secretName": "s", "key": "k"}}}, "no upstream of this name"),
    "two sources of policies": (
        {"policies": {"existingConfigMap": "mine", "inline": {"a.yaml": "x"}}}, "inline or existingConfigMap"
    ),
    "two sources of accounts": (
        {"accounts": {"existingConfigMap": "a", "existingSecret": "b"}}, "existingConfigMap or existingSecret"
    ),
    "a fence without a gate": ({"networkPolicy": {"enabled": True}}, "no upstream can be reached"),
    "an entrance without a name": ({"ingress": {"enabled": True}}, "name at least one host"),
    "a route to nowhere": ({"httpRoute": {"enabled": True}}, "name the Gateway"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_the_schema_refuses(name: str):
    values, expected = MISTAKES[name]
    said = refused(TRIAL, values)
    assert "values don't meet the specifications of the schema" in said
    assert expected in said


@pytest.mark.parametrize("name", REFUSALS)
def test_the_templates_refuse(name: str):
    values, expected = REFUSALS[name]
    said = refused(TRIAL, values)
    assert expected in said
    assert "execution error" in said


def test_nothing_is_installed_from_defaults_alone():
    assert "config.upstreams: name at least one model server" in refused({})


@pytest.mark.parametrize("url", ["redis://:hunter2@redis:6379", "rediss://u:p@redis", "redis://redis?password=p"])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str):
    said = refused(REDIS, {"store": {"url": url}})
    assert "store.passwordSecret" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis:6379/0",
        "rediss://gateway@redis:6379",
        "redis+sentinel://a:26379,b:26379/main",
        "rediss+cluster://a:1,[::1]:2",
    ],
)
def test_every_kind_of_redis_is_taken(url: str):
    assert render(REDIS, {"store": {"url": url}})


def test_redis_needs_its_gate_in_the_fence():
    allowed: Doc = {"egress": {"store": None}}
    assert "Redis cannot be reached" in refused(REDIS, {"networkPolicy": allowed})


def test_the_shortest_grace_that_is_taken():
    # 30 s to drain, 10 s before it, 10 s to say goodbye.
    assert render(TRIAL, {"terminationGracePeriodSeconds": 50})
