"""The admin API of standings, proposals and switches: what it shows, who may, what is logged, what callers notice."""

import json
import time

import pytest

from gateway.identity.admins import new_admin_token, token_hash
from gateway.identity.entries import moment_text
from tests.support.administering import admin, done, refused
from tests.support.running import OPEN_POLICY, running
from tests.support.talking import ask, get

READER = new_admin_token()
OPERATOR = new_admin_token()
CLOSED = OPEN_POLICY.replace("id: open", "id: closed").replace("match: all", "match: {tier: closed}").replace(
    "limits:\n", "access: {models: [sim-large]}\nlimits:\n"
)  # fmt: skip


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    settings = {
        "admins": [
            {"name": "ada", "role": "operate", "token_sha256": token_hash(OPERATOR)},
            {"name": "bob", "role": "read", "token_sha256": token_hash(READER)},
        ],
        "accounts": {"appeal": "trust@example.com"},
    }
    folder = tmp_path_factory.mktemp("gateway")
    with running(folder, settings=settings, policies={"open": OPEN_POLICY, "closed": CLOSED}) as one:
        one.admin_token = OPERATOR
        yield one


def soon(seconds: int = 3600) -> str:
    return moment_text(time.time_ns() // 1_000_000 + seconds * 1000)


def ruled(standing: str = "blocked", **more) -> dict:
    return {"standing": standing, "reason": "case 71, sells its key", "until": soon(), **more}


@pytest.mark.parametrize("dialect", ["chat", "messages"])
def test_a_blocked_account_of_the_file_is_refused_at_once_and_told_how_to_appeal(gateway, dialect):
    assert ask(gateway, dialect).status == 200
    put = done(gateway, "PUT", "accounts/acme/standing", ruled())
    answer = ask(gateway, dialect)
    text = answer.body.decode()
    assert answer.status == 403
    assert "account_suspended" in text
    assert f"the account is blocked until {put['until']} (to appeal: trust@example.com)" in text
    assert "case 71" not in text
    assert get(gateway.gateway.data_port, "/v1/models", gateway.keys["acme"]).status == 403
    assert {one["id"]: one["standing"] for one in done(gateway, "GET", "accounts")["accounts"]} == {
        "acme": "blocked", "ada": "clear", "globex": "clear",
    }  # fmt: skip
    lifted = done(gateway, "PUT", "accounts/acme/standing", {"standing": "clear", "reason": "appeal granted"})
    assert ask(gateway, dialect).status == 200
    assert [(one["standing"], one["by"]) for one in lifted["history"][:2]] == [("clear", "ada"), ("blocked", "ada")]
    assert done(gateway, "GET", "accounts/acme/standing", token=READER) == lifted


def test_watched_and_limited_are_served(gateway):
    for standing in ("watched", "limited"):
        done(gateway, "PUT", "accounts/globex/standing", ruled(standing))
        assert ask(gateway, key=gateway.keys["globex"]).status == 200
    gateway.call(gateway.runtime.accounts.count())
    assert 'gateway_accounts{standing="limited"} 1.0' in gateway.runtime.metrics.render().decode()
    done(gateway, "PUT", "accounts/globex/standing", {"standing": "clear", "reason": "case 71 closed"})


def test_accounts_of_the_store_have_one_too_and_a_suspension_stays_a_thing_of_its_own(gateway):
    done(gateway, "PUT", "accounts/shop", {"tier": "free"})
    key = done(gateway, "POST", "accounts/shop/keys", {})["key"]
    done(gateway, "PUT", "accounts/shop/standing", ruled())
    assert ask(gateway, key=key).status == 403
    assert done(gateway, "GET", "accounts/shop")["suspended"] is False
    done(gateway, "PATCH", "accounts/shop", {"suspended": True})
    done(gateway, "PUT", "accounts/shop/standing", {"standing": "clear", "reason": "case closed"})
    assert "the account is suspended" in ask(gateway, key=key).json()["error"]["message"]
    done(gateway, "PATCH", "accounts/shop", {"suspended": False})
    assert ask(gateway, key=key).status == 200
    done(gateway, "DELETE", "accounts/shop")


def test_only_operators_change_anything(gateway):
    for method, path, body in (
        ("PUT", "accounts/acme/standing", ruled()),
        ("PUT", "switches/all", {"reason": "case 71", "until": soon()}),
        ("DELETE", "switches/all", None),
    ):
        assert refused(gateway, method, path, body, token=READER)[:2] == (403, "policy_denied")
    for path in ("accounts/acme/standing", "proposals", "switches"):
        assert admin(gateway, "GET", path, token=READER).status == 200
        assert admin(gateway, "GET", path, token=gateway.keys["acme"]).status == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("accounts/nobody/standing", ruled(), 404),
        ("accounts/a%00b%1b/standing", ruled(), 404),
        (f"accounts/{'x' * 3000}/standing", ruled(), 404),
        ("accounts//standing", ruled(), 404),
        ("accounts/acme/standing", ruled(reason="x" * 501), 400),
        ("accounts/acme/standing", ruled(reason="a\u001b[31m"), 400),
        ("accounts/acme/standing", ruled(until="2001-01-01"), 400),
        ("accounts/acme/standing", ruled(by="somebody else"), 400),
        ("accounts/acme/standing", b'{"standing": "clear", "standing": "blocked", "reason": "case"}', 400),
        ("accounts/acme/standing", b"[" * 100_000, 400),
        ("accounts/acme/standing", b'{"reason": "' + b"x" * (3 << 20) + b'"}', 413),
        ("switches/opne", {"reason": "case 71", "until": soon()}, 400),
        ("switches/open", {"reason": "case 71"}, 400),
        ("switches/open", {"reason": "case 71", "until": "2001-01-01"}, 400),
        ("switches/open", {"reason": "case\n71", "until": soon()}, 400),
        ("switches/open", {"reason": "case 71", "until": soon(31 * 86_400)}, 400),
        (f"switches/{'y' * 3000}", {"reason": "case 71", "until": soon()}, 400),
    ],
)
def test_hostile_input_changes_nothing(gateway, path, body, status):
    answer = admin(gateway, "PUT", path, body)
    assert (answer.status, len(answer.body) < 4000) == (status, True)
    assert ask(gateway).status == 200
    assert done(gateway, "GET", "switches")["switches"] == []


def test_what_policies_propose_is_shown_until_somebody_decides(gateway):
    proposals = gateway.runtime.pipeline.rulebook.proposals

    async def note():
        proposals.note("acme", "open", "many-prompts", 1_800_000_000_000)
        proposals.note("acme", "open", "many-prompts", 1_800_000_060_000)
        proposals.note("ada", "open", "other", 1_800_000_120_000)

    gateway.call(note())
    shown = done(gateway, "GET", "proposals")["proposals"]
    assert shown[1] == {
        "account": "acme", "policy": "open", "rule": "many-prompts", "count": 2,
        "first": "2027-01-15T08:00:00.000Z", "last": "2027-01-15T08:01:00.000Z",
    }  # fmt: skip
    assert ask(gateway).status == 200, "a proposal alone blocks nobody"
    refused(gateway, "PUT", "accounts/acme/standing", {})
    assert len(done(gateway, "GET", "proposals")["proposals"]) == 2
    done(gateway, "PUT", "accounts/acme/standing", ruled("watched"))
    assert [one["account"] for one in done(gateway, "GET", "proposals")["proposals"]] == ["ada"]
    done(gateway, "PUT", "accounts/acme/standing", {"standing": "clear", "reason": "case closed"})
    done(gateway, "PUT", "accounts/ada/standing", {"standing": "clear", "reason": "nothing in it"})


def test_a_switch_takes_a_policy_out_of_force_and_back(gateway):
    done(gateway, "PUT", "accounts/lab", {"tier": "closed"})
    key = done(gateway, "POST", "accounts/lab/keys", {})["key"]
    assert ask(gateway, key=key).status == 403
    for policy in ("closed", "all"):
        row = done(gateway, "PUT", f"switches/{policy}", {"reason": "case 71", "until": soon()})
        assert ask(gateway, key=key).status == 200
        assert done(gateway, "GET", f"switches/{policy}", token=READER) == row
        assert f'gateway_policy_switches{{policy="{policy}"}} 1.0' in gateway.runtime.metrics.render().decode()
        assert gateway.call(gateway.runtime.reload()) == []
        assert ask(gateway, key=key).status == 200, "a reload does not bring it back into force"
        done(gateway, "PUT", f"switches/{policy}", {"reason": "longer than thought", "until": soon(7200)})
        lifted = done(gateway, "DELETE", f"switches/{policy}")
        assert (lifted["by"], lifted["lifted_by"]) == ("ada", "ada")
        assert ask(gateway, key=key).status == 403
        assert refused(gateway, "GET", f"switches/{policy}")[:2] == (404, "unknown_route")
    listed = done(gateway, "GET", "switches")
    over = [one["policy"] for one in listed["over"] if one["policy"] != "open"]
    assert (listed["switches"], over) == ([], ["all", "closed"])
    done(gateway, "DELETE", "accounts/lab")


def test_every_change_is_one_line_with_who_and_what(gateway, caplog):
    with caplog.at_level("INFO", "gateway"):
        put = done(gateway, "PUT", "accounts/ada/standing", ruled("watched"))
        off = done(gateway, "PUT", "switches/open", {"reason": "case 71", "until": soon()})
        done(gateway, "DELETE", "switches/open")
        done(gateway, "PUT", "accounts/ada/standing", {"standing": "clear", "reason": "case closed"})
        refused(gateway, "DELETE", "switches/open")
    lines = [record.fields for record in caplog.records if record.message == "admin call"]
    expected = [
        {"what": "standing set", "account": "ada", "standing": "watched", "until": put["until"]},
        {"what": "policy switched off", "policy": "open", "until": off["until"]},
        {"what": "policy switched on", "policy": "open"},
        {"what": "standing set", "account": "ada", "standing": "clear", "until": ""},
        {"what": "policy switched on", "policy": "open", "refused": "unknown_route"},
    ]
    bare = [{name: value for name, value in line.items() if name not in ("method", "path")} for line in lines]
    assert bare == [{"admin": "ada", **one} for one in expected]
    switched = [record.message for record in caplog.records if record.message.startswith("a policy is")]
    assert switched == ["a policy is switched off", "a policy is in force again"]
    assert "case 71" not in json.dumps([getattr(record, "fields", {}) for record in caplog.records])
