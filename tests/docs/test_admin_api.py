"""docs/admin-api.md has every route with its role, and its examples have the shape of real answers."""

import http.client
import json
import re

import pytest

from gateway.identity.admins import new_admin_token, token_hash
from gateway.server.admin import AdminPlane
from tests.support.markdown import ROOT
from tests.support.running import running

PAGE = (ROOT / "docs" / "admin-api.md").read_text()
SECTIONS = dict(re.findall(r"^### `(\w+ /[^`]+)`\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = {
    name: json.loads(found[1])
    for name, text in SECTIONS.items()
    if (found := re.search(r"```json\n(.*?)```", text, re.DOTALL))
}
READER = new_admin_token()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    tester = new_admin_token()
    admins = [
        {"name": "tester", "role": "operate", "token_sha256": token_hash(tester)},
        {"name": "reader", "role": "read", "token_sha256": token_hash(READER)},
    ]
    folder = tmp_path_factory.mktemp("gateway")
    limits = {"pace": {"unit": "requests", "amount": 500, "window": "1m"}}
    with running(
        folder, settings={"admins": admins}, policies=ROOT / "policies", delay_s=0.05,
        upstream_settings={"limits": limits},
    ) as one:  # fmt: skip
        one.admin_token = tester
        yield one


def call(port, method, path, token="", host=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if host is not None:
        headers["host"] = host
    if body is not None:
        headers["content-type"] = "application/json"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def admin(gateway, method, path, token=None, **more):
    status, body = call(gateway.gateway.admin_port, method, path, token or gateway.admin_token, **more)
    return status, json.loads(body)


def shape(value):
    """Names and types; of lists the first element."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value).__name__


def test_every_route_is_documented_with_its_role():
    routes = AdminPlane(None)._routes
    assert set(SECTIONS) == {f"{method} /admin/v1/{pattern}" for method, pattern in routes}
    for (method, pattern), (role, *_) in routes.items():
        assert f"Role `{role.name.lower()}`." in SECTIONS[f"{method} /admin/v1/{pattern}"]


@pytest.mark.parametrize("name", ["accounts", "upstreams", "policies"])
def test_examples_are_real_answers(gateway, name):
    status, real = admin(gateway, "GET", f"/admin/v1/{name}")
    assert status == 200
    assert shape(real) == shape(EXAMPLES[f"GET /admin/v1/{name}"])


def test_the_examples_of_changes_are_real_answers(gateway):
    def example(name):
        return shape(EXAMPLES[name])

    def call_of(method, path, body=None):
        status, real = admin(gateway, method, f"/admin/v1/{path}", body=None if body is None else json.dumps(body))
        assert status == 200, real
        return real

    full = {"tier": "free", "org": "labs", "tags": ["beta"], "created": "2026-01-02"}
    assert shape(call_of("PUT", "accounts/ada-labs", full)) == example("GET /admin/v1/accounts/*")
    assert shape(call_of("GET", "accounts/ada-labs")) == example("GET /admin/v1/accounts/*")
    assert shape(call_of("PATCH", "accounts/ada-labs", {"tier": "paid"})) == example("GET /admin/v1/accounts/*")
    made = call_of("POST", "accounts/ada-labs/keys", {"label": "ci"})
    assert shape(made) == example("POST /admin/v1/accounts/*/keys")
    assert shape(call_of("GET", "accounts/ada-labs/keys")) == example("GET /admin/v1/accounts/*/keys")
    assert shape(call_of("POST", f"keys/{made['id']}/rotate", {})) == example("POST /admin/v1/keys/*/rotate")
    revoked = call_of("POST", f"keys/{made['id']}/revoke")
    assert set(revoked) == set(EXAMPLES["POST /admin/v1/keys/*/rotate"]["old"])
    assert shape(call_of("PUT", "orgs/labs", {"suspended": False})) == example("GET /admin/v1/orgs/*")
    assert shape(call_of("GET", "orgs/labs")) == example("GET /admin/v1/orgs/*")
    document = {"orgs": {"labs": {}}, "accounts": {"x": {"tier": "free"}}}
    assert shape(call_of("POST", "import", document)) == example("POST /admin/v1/import")
    assert shape(call_of("DELETE", "accounts/ada-labs")) == example("DELETE /admin/v1/accounts/*")


def test_the_example_of_usage_is_a_real_answer(gateway):
    status, real = admin(gateway, "GET", "/admin/v1/accounts/ada/usage")
    limits = {limit["limit"]: limit for limit in real.pop("limits")}
    example = dict(EXAMPLES["GET /admin/v1/accounts/*/usage"])
    assert status == 200
    for shown in example.pop("limits"):
        assert shape(limits[shown["limit"]]) == shape(shown)
    assert shape(real) == shape(example)


def test_the_examples_of_reservations_and_decisions_are_real_answers(gateway):
    body = json.dumps({"model": "sim-small", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    connection = http.client.HTTPConnection("127.0.0.1", gateway.gateway.data_port, timeout=20)
    headers = {"authorization": f"Bearer {gateway.keys['acme']}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    answer.read(10)
    example = EXAMPLES["GET /admin/v1/reservations"]["reservations"][0]
    real = admin(gateway, "GET", "/admin/v1/reservations")[1]["reservations"][0]
    answer.read()
    connection.close()
    assert shape(real) == shape(example)
    gateway.settled()
    records = admin(gateway, "GET", "/admin/v1/decisions")[1]
    assert set(records) == set(EXAMPLES["GET /admin/v1/decisions"])
    assert admin(gateway, "GET", f"/admin/v1/decisions/{records['decisions'][0]['id']}")[1] == records["decisions"][0]
    assert admin(gateway, "GET", "/admin/v1/decisions/nothing")[0] == 404


def test_reload_needs_its_role_and_answers_as_documented(gateway, caplog):
    assert admin(gateway, "POST", "/admin/v1/reload", READER)[0] == 403
    assert admin(gateway, "GET", "/admin/v1/accounts", READER)[0] == 200
    with caplog.at_level("INFO", "gateway"):
        status, real = admin(gateway, "POST", "/admin/v1/reload")
    assert status == 200
    assert shape(real) == shape(EXAMPLES["POST /admin/v1/reload"])
    logged = [record.fields for record in caplog.records if record.message == "admin call"]
    assert logged == [{"admin": "tester", "method": "POST", "path": "/admin/v1/reload"}]


def test_strangers_are_refused(gateway):
    assert admin(gateway, "GET", "/admin/v1/accounts", gateway.keys["acme"])[0] == 401
    assert admin(gateway, "GET", "/admin/v1/accounts", host="evil.example")[0] == 400
    assert call(gateway.gateway.admin_port, "GET", "/admin/v1/accounts")[0] == 401
    assert call(gateway.gateway.data_port, "GET", "/v1/models", gateway.admin_token)[0] == 401


def test_the_ops_endpoints_answer_as_documented(gateway):
    documented = re.findall(r"^\| `GET (/\w+)` \|", PAGE, re.MULTILINE)
    assert documented == ["/healthz", "/readyz", "/metrics"]
    port = gateway.gateway.ops_port
    assert call(port, "GET", "/healthz") == (200, b"ok\n")
    assert call(port, "GET", "/readyz") == (200, b"ready\n")
    assert call(port, "GET", "/metrics")[0] == 200
    assert call(port, "GET", "/other") == (404, f"served here: {' '.join(documented)}\n".encode())
