"""The exact route table: what is not in it is 404, in the right dialect."""

import pytest

from gateway.core import reasons
from gateway.dialects import ANTHROPIC, DIALECTS, OPENAI
from gateway.server.routes import ROUTE_NAMES, Route, family_of, find


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_dialect_has_its_path(dialect):
    for target in (dialect.path, dialect.path + "?beta=true"):
        route = find("POST", target, None)
        assert (route.name, route.dialect, route.family) == (dialect.name, dialect, dialect.family)
    family, refusal = find("GET", dialect.path, None)
    assert refusal.reason is reasons.METHOD_NOT_ALLOWED
    assert refusal.details == {"allow": "POST"}
    assert family is dialect.family


@pytest.mark.parametrize(("version", "family"), [(None, OPENAI), ("2023-06-01", ANTHROPIC), ("", ANTHROPIC)])
def test_shared_routes_speak_as_they_are_spoken_to(version, family):
    assert family_of(version) is family
    assert find("GET", "/v1/models", version) == Route("models", "GET", family)
    assert find("GET", "/v1/usage?x", version) == Route("usage", "GET", family)
    assert find("GET", "/v1/models/a/b%2Fc?x", version) == Route("model", "GET", family, model_id="a/b%2Fc")
    assert find("GET", "/v1/receipts/req-1?x", version) == Route("receipt", "GET", family, receipt_id="req-1")
    assert find("GET", "/v1/receipts/keys", version) == Route("receipt", "GET", family)
    assert find("POST", "/v1/receipts/req-1", version)[1].details == {"allow": "GET"}
    assert find("POST", "/v1/models", version)[1].details == {"allow": "GET"}
    assert find("GET", "/v1/nothing", version)[0] is family


@pytest.mark.parametrize(
    "target",
    [
        "/", "/v1", "/v1/", "/v1/chat/completions/", "/v1//chat/completions", "/V1/chat/completions",
        "/v1/chat/../chat/completions", "/v1/chat%2Fcompletions", "/v1/chat/completions;x", "/v1/models/",
        "/v1/chat/completions#x", "/v1/files", "/healthz", "/metrics", "/admin/v1/accounts", "*", "/v1/usage/",
        "/v1/receipts", "/v1/receipts/",
    ],
)  # fmt: skip
def test_nothing_else_is_served(target):
    _, refusal = find("POST", target, None)
    assert refusal.reason is reasons.UNKNOWN_ROUTE


def test_unknown_paths_below_messages_are_answered_as_anthropic_would():
    family, refusal = find("POST", "/v1/messages/batches", None)
    assert family is ANTHROPIC
    assert "/v1/messages" in refusal.message


def test_a_base_url_with_v1_twice_is_explained():
    assert "twice" in find("POST", "/v1/v1/messages", None)[1].message
    assert "lacks /v1" in find("POST", "/chat/completions", None)[1].message
    assert "lacks /v1" in find("GET", "/models", None)[1].message
    assert "no such path" in find("GET", "/", None)[1].message


def test_names_are_unique():
    assert len(set(ROUTE_NAMES)) == len(ROUTE_NAMES)
