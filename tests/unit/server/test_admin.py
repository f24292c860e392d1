"""The admin API: who may do what, from which name, and what is shown."""

import json

import pytest

from gateway.identity.admins import new_admin_token, token_hash
from gateway.stores.base import StoreUnavailable
from tests.support.rawhttp import Raw
from tests.support.running import running
from tests.support.talking import ask, get, policy

TOKENS = {role: new_admin_token() for role in ("read", "operate", "forensic")}
LIMITS = "mine: {unit: requests, per: key, amount: 50, window: 1m}, slots: {unit: concurrent, per: account, amount: 9}"
WATCHED = "watched: {unit: requests, per: account, amount: 70, window: 1h}"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    admins = [{"name": role, "role": role, "token_sha256": token_hash(token)} for role, token in TOKENS.items()]
    policies = policy(LIMITS) | policy(WATCHED, name="watch", mode="audit")
    with running(tmp_path_factory.mktemp("gateway"), policies=policies, settings={"admins": admins}) as one:
        yield one


def admin(gateway, path, token=TOKENS["read"], *, method="GET", host="127.0.0.1:9092", body=b""):
    with Raw(gateway.gateway.admin_port) as raw:
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        head += f"Authorization: Bearer {token}\r\n" if token else ""
        raw.send(head.encode() + b"\r\n" + body)
        return raw.answer()


def shown(gateway, path, token=TOKENS["read"]):
    answer = admin(gateway, "/admin/v1/" + path, token)
    assert answer.status == 200, answer
    return answer.json()


def test_accounts(gateway):
    accounts = {one["id"]: one for one in shown(gateway, "accounts")["accounts"]}
    assert accounts["acme"] == {
        "id": "acme", "org": "acme", "tier": "developer", "verified": False, "suspended": False, "standing": "clear",
        "source": "file",
    }  # fmt: skip


def test_usage_shows_what_callers_do_not_see(gateway):
    ask(gateway)
    gateway.settled()
    usage = shown(gateway, "accounts/acme/usage")
    [key] = usage["keys"]
    assert (key["label"], key["revoked"]) == ("", False)
    key_id = key["id"]
    limits = {limit["limit"]: limit for limit in usage["limits"]}
    assert set(limits) == {"mine", "slots", "watched"}
    assert limits["mine"]["key"] == key_id == gateway.keys["acme"][6:18]
    assert limits["watched"]["mode"] == "audit"
    assert limits["mine"]["used"] >= 1
    assert admin(gateway, "/admin/v1/accounts/nobody/usage").status == 404
    assert shown(gateway, "accounts/ac%6De/usage")["keys"] == usage["keys"], "names may hold slashes: they come encoded"


def test_decisions(gateway):
    answer = ask(gateway, max_tokens=3)
    gateway.settled()
    newest = shown(gateway, "decisions")["decisions"][0]
    assert newest["id"] == answer.header("x-request-id")
    assert shown(gateway, f"decisions/{newest['id']}") == newest
    assert shown(gateway, "decisions?account=acme")["decisions"][0] == newest
    assert shown(gateway, "decisions?account=nobody")["decisions"] == []
    assert (newest["account"], newest["outcome"]) == ("acme", "complete")
    assert admin(gateway, "/admin/v1/decisions/req-nothing").status == 404


def test_reservations_are_shown_while_they_live(gateway):
    async def hold():
        specs = [limit.spec for limit in gateway.runtime.snapshot.policies.limits_for(
            next(iter(gateway.runtime.snapshot.directory.keys.values())).principal,
            gateway.runtime.snapshot.catalogue.models, 0)]  # fmt: skip
        await gateway.runtime.store.reserve("req-held", specs, {"requests": 1, "concurrent": 1}, {}, 60_000)

    gateway.call(hold())
    [held] = shown(gateway, "reservations")["reservations"]
    assert (held["id"], held["amounts"]) == ("req-held", {"requests": 1, "concurrent": 1})
    assert held["expires_at_ms"] - held["reserved_at_ms"] == 60_000
    gateway.runtime.store.settle("req-held", {})


def test_upstreams_and_policies(gateway):
    assert shown(gateway, "upstreams")["upstreams"][0].items() >= {"name": "main", "healthy": True}.items()
    policies = shown(gateway, "policies")
    assert policies["revision"] == gateway.runtime.snapshot.policies.revision
    assert {one["id"]: one["mode"] for one in policies["policies"]} == {"tight": "enforce", "watch": "audit"}


@pytest.mark.parametrize(("role", "status"), [("read", 403), ("operate", 200), ("forensic", 200)])
def test_only_operators_reload(gateway, role, status):
    answer = admin(gateway, "/admin/v1/reload", TOKENS[role], method="POST", body=b"{}")
    assert answer.status == status
    if status == 200:
        assert answer.json()["reloaded"]
    else:
        assert answer.json()["error"]["code"] == "policy_denied"
        assert "operate" in answer.json()["error"]["message"]


@pytest.mark.parametrize("token", [None, "", "x", "unknown", "key"])
def test_strangers_and_callers_learn_nothing(gateway, token):
    token = {"key": gateway.keys["acme"], "unknown": new_admin_token()}.get(token, token)
    for path in ("/admin/v1/accounts", "/admin/v1/nothing", "/"):
        answer = admin(gateway, path, token)
        assert answer.status == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
    if token and token.startswith("sk-ex-"):
        assert "admin token" in answer.json()["error"]["message"]


def test_admin_tokens_never_call_inference(gateway):
    for token in TOKENS.values():
        assert ask(gateway, key=token).status == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9092", "127.0.0.1.evil.example", "", "127.0.0.1@evil"])
def test_a_page_that_makes_a_browser_call_is_refused_by_its_host(gateway, host):
    answer = admin(gateway, "/admin/v1/accounts", host=host)
    assert answer.status == 400
    assert "acme" not in answer.body.decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "127.0.0.1:9092", "[::1]:9092", "[::1]"])
def test_loopback_names_are_fine(gateway, host):
    assert admin(gateway, "/admin/v1/accounts", host=host).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("GET", "/admin/v1/"), ("GET", "/admin/v1/nothing"), ("POST", "/admin/v1/accounts"),
        ("GET", "/admin/v1/reload"), ("GET", "/admin/v1/accounts/acme/usage/more"), ("GET", "/admin/v2/accounts"),
    ],
)  # fmt: skip
def test_other_paths_are_404_and_list_what_is_served(gateway, method, path):
    answer = admin(gateway, path, TOKENS["forensic"], method=method)
    assert answer.status == 404
    assert "/admin/v1/accounts" in answer.json()["error"]["message"]


def test_a_store_that_is_down_is_said(gateway):
    async def down(*_):
        raise StoreUnavailable("down")

    store = gateway.runtime.store
    before = store.peek
    store.peek = down
    try:
        assert admin(gateway, "/admin/v1/accounts/acme/usage").status == 503
        own = get(gateway.gateway.data_port, "/v1/usage", gateway.keys["acme"])
        assert own.json()["error"]["code"] == "limiter_unavailable"
    finally:
        store.peek = before


def test_a_bad_reload_is_told_with_its_problems(gateway):
    folder = gateway.runtime.settings.files.policies
    path = folder / "tight.yaml"
    text = path.read_text()
    path.write_text(text.replace("limits", "limts"))
    try:
        answer = admin(gateway, "/admin/v1/reload", TOKENS["operate"], method="POST")
        assert not answer.json()["reloaded"]
        assert "tight.yaml:" in json.dumps(answer.json()["problems"])
    finally:
        path.write_text(text)
