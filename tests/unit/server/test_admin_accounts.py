"""The admin API of accounts and keys: what is shown, what is changed, who may, and what is logged of it."""

import pytest

from gateway.identity.admins import new_admin_token, token_hash
from gateway.identity.keys import parse
from gateway.stores.base import StoreUnavailable
from tests.support.administering import admin, done, refused
from tests.support.running import running
from tests.support.talking import ask, policy

READER = new_admin_token()
OPERATOR = new_admin_token()
LIMITS = "mine: {unit: requests, per: key, amount: 50, window: 1m}"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    admins = [
        {"name": "ada", "role": "operate", "token_sha256": token_hash(OPERATOR)},
        {"name": "bob", "role": "read", "token_sha256": token_hash(READER)},
    ]
    with running(tmp_path_factory.mktemp("gateway"), settings={"admins": admins}, policies=policy(LIMITS)) as one:
        one.admin_token = OPERATOR
        yield one


@pytest.fixture
def name(gateway):
    """An account of this test alone."""
    counter = getattr(gateway, "made", 0)
    gateway.made = counter + 1
    account = f"made-{counter:03}"
    done(gateway, "PUT", f"accounts/{account}", {"tier": "free"})
    yield account
    admin(gateway, "DELETE", f"accounts/{account}")


def test_an_account_is_shown_as_it_was_written(gateway, name):
    body = {"tier": "paid", "org": "globex", "country": "DE", "owner_country": "FR", "verified": True,
            "attested_age": 18, "declared_purpose": "prose", "tags": ["b", "a"],
            "created": "2026-01-02", "suspended": True}  # fmt: skip
    written = done(gateway, "PUT", f"accounts/{name}", body)
    assert written == done(gateway, "GET", f"accounts/{name}")
    assert written.pop("version") > 0
    assert written == {
        **body, "id": name, "tags": ["a", "b"], "created": "2026-01-02T00:00:00.000Z", "source": "store",
    }  # fmt: skip


def test_what_get_shows_can_be_put_back(gateway, name):
    shown = done(gateway, "GET", f"accounts/{name}")
    body = {key: value for key, value in shown.items() if key not in ("id", "source")}
    assert done(gateway, "PUT", f"accounts/{name}", body) == shown
    assert done(gateway, "PATCH", f"accounts/{name}", {"tier": "paid"})["tier"] == "paid"
    assert "expected version" in refused(gateway, "PUT", f"accounts/{name}", body)[2]


def test_accounts_of_the_file_are_shown_and_not_changed(gateway):
    shown = done(gateway, "GET", "accounts/acme")
    assert (shown["source"], shown["version"], shown["org"], shown["tier"]) == ("file", 0, "acme", "developer")
    for method, path, body in (
        ("PUT", "accounts/acme", {"tier": "free"}), ("PATCH", "accounts/acme", {"tier": "free"}),
        ("DELETE", "accounts/acme", None), ("POST", "accounts/acme/keys", {}),
        ("POST", f"keys/{gateway.keys['acme'][6:18]}/revoke", None),
        ("POST", f"keys/{gateway.keys['acme'][6:18]}/rotate", {}),
    ):  # fmt: skip
        status, code, message = refused(gateway, method, path, body)
        assert (status, code) == (400, "invalid_field")
        assert "is in accounts.yaml: change it there" in message


def test_keys_of_the_file_are_listed_without_a_hash(gateway):
    page = done(gateway, "GET", "accounts/acme/keys")
    assert page == {
        "keys": [{"id": gateway.keys["acme"][6:18], "account": "acme", "label": "", "created": None, "expires": None,
                  "revoked": False, "pepper": None, "source": "file"}],
        "next": None,
    }  # fmt: skip
    assert refused(gateway, "GET", "accounts/acme/keys?limit=0")[:2] == (400, "invalid_field")


def test_keys_come_in_pages_too(gateway, name):
    made = {done(gateway, "POST", f"accounts/{name}/keys", {})["id"] for _ in range(3)}
    first = done(gateway, "GET", f"accounts/{name}/keys?limit=2")
    rest = done(gateway, "GET", f"accounts/{name}/keys?limit=2&after={first['next']}")
    assert [one["id"] for one in first["keys"] + rest["keys"]] == sorted(made)
    assert rest["next"] is None


def test_pages_hold_the_file_and_the_store_in_one_order(gateway):
    names = [f"zz-{number}" for number in range(5)]
    for one in names:
        done(gateway, "PUT", f"accounts/{one}", {"tier": "free"})
    seen, after = [], ""
    while after is not None:
        page = done(gateway, "GET", f"accounts?after={after}&limit=2")
        assert 1 <= len(page["accounts"]) <= 2
        seen += page["accounts"]
        after = page["next"]
    assert [one["id"] for one in seen] == sorted(one["id"] for one in seen)
    assert {one["id"]: one["source"] for one in seen}.items() >= {
        "acme": "file",
        "globex": "file",
        "zz-0": "store",
    }.items()
    assert [one["id"] for one in seen][-5:] == names
    assert done(gateway, "GET", "accounts?after=zz-4") == {"accounts": [], "next": None}
    for one in names:
        assert done(gateway, "DELETE", f"accounts/{one}") == {"deleted": one, "keys": 0}


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1e3", "%C2%B2"])
def test_a_page_of_another_size_is_refused(gateway, limit):
    status, code, message = refused(gateway, "GET", f"accounts?limit={limit}")
    assert (status, code) == (400, "invalid_field")
    assert "expected a number from 1 to 500" in message


def test_a_key_lives_from_its_making_to_its_end(gateway, name):
    made = done(gateway, "POST", f"accounts/{name}/keys", {"label": "ci", "expires": "2099-01-01"})
    assert parse(made["key"]).id == made["id"]
    assert ask(gateway, key=made["key"]).status == 200
    [listed] = done(gateway, "GET", f"accounts/{name}/keys")["keys"]
    assert listed.items() >= {
        "id": made["id"], "account": name, "label": "ci", "expires": "2099-01-01T00:00:00.000Z", "revoked": False,
        "pepper": "test", "source": "store",
    }.items()  # fmt: skip
    assert set(listed) == {"id", "account", "label", "expires", "revoked", "pepper", "created", "source"}
    rotated = done(gateway, "POST", f"keys/{made['id']}/rotate", {"grace_s": 0})
    assert (rotated["label"], rotated["old"]["id"]) == ("ci", made["id"])
    assert ask(gateway, key=rotated["key"]).status == 200
    expired = ask(gateway, key=made["key"])
    assert (expired.status, "expired" in expired.json()["error"]["message"]) == (401, True)
    assert done(gateway, "POST", f"keys/{rotated['id']}/revoke")["revoked"]
    assert done(gateway, "POST", f"keys/{rotated['id']}/revoke", {})["revoked"]
    gone = ask(gateway, key=rotated["key"])
    assert (gone.status, "revoked" in gone.json()["error"]["message"]) == (401, True)
    assert "revoked" in refused(gateway, "POST", f"keys/{rotated['id']}/rotate", {})[2]


def test_usage_is_shown_of_accounts_in_the_store(gateway, name):
    made = done(gateway, "POST", f"accounts/{name}/keys", {})
    ask(gateway, key=made["key"])
    gateway.settled()
    usage = done(gateway, "GET", f"accounts/{name}/usage")
    assert usage["keys"] == [{"id": made["id"], "label": "", "revoked": False}]
    assert [(limit["limit"], limit["key"], limit["used"]) for limit in usage["limits"]] == [("mine", made["id"], 1)]


def test_a_suspended_account_and_org_are_refused_by_name(gateway, name):
    key = done(gateway, "POST", f"accounts/{name}/keys", {})["key"]
    for path, on in ((f"accounts/{name}", "PATCH"), (f"orgs/{name}", "PUT")):
        done(gateway, on, path, {"suspended": True})
        answer = ask(gateway, key=key)
        assert (answer.status, answer.json()["error"]["code"]) == (403, "account_suspended")
        done(gateway, on, path, {"suspended": False})
        assert ask(gateway, key=key).status == 200
    assert done(gateway, "GET", f"orgs/{name}")["suspended"] is False


def test_a_deleted_account_takes_its_keys_along(gateway, name):
    key = done(gateway, "POST", f"accounts/{name}/keys", {})["key"]
    assert ask(gateway, key=key).status == 200
    assert done(gateway, "DELETE", f"accounts/{name}") == {"deleted": name, "keys": 1}
    assert ask(gateway, key=key).status == 401
    assert refused(gateway, "GET", f"accounts/{name}")[:2] == (404, "unknown_route")
    assert refused(gateway, "GET", f"accounts/{name}/keys")[:2] == (404, "unknown_route")
    assert refused(gateway, "GET", f"accounts/{name}/usage")[:2] == (404, "unknown_route")


YAML = b"""\
accounts:
  imported: {tier: free}
keys:
  impo00000000: {account: imported, hash: HASH, pepper: test}
""".replace(b"HASH", b"0" * 64)


def test_a_file_is_imported_as_yaml_or_json(gateway):
    expected = {"orgs": 0, "accounts": 1, "keys": 1, "changed": 2, "in_file": 0, "first_in_file": []}
    assert done(gateway, "POST", "import", YAML, media="application/yaml; charset=utf-8") == expected
    document = {"accounts": {"imported": {"tier": "free"}, "acme": {"tier": "free"}},
                "keys": {"impo00000000": {"account": "imported", "hash": "0" * 64, "pepper": "test"}}}  # fmt: skip
    again = done(gateway, "POST", "import", document)
    assert again == {**expected, "accounts": 2, "changed": 1, "in_file": 1, "first_in_file": ["acme"]}
    assert done(gateway, "GET", "accounts/acme")["tier"] == "developer", "the file wins"
    gateway.call(gateway.runtime.reload())
    assert done(gateway, "DELETE", "accounts/imported")["keys"] == 1


@pytest.mark.parametrize(
    ("body", "media", "status", "words"),
    [
        (YAML.replace(b"tier", b"teir"), "application/yaml", 400, ["body:2:", "missing key 'accounts.imported.tier'"]),
        (YAML.replace(b"test", b"toast"), "text/yaml", 400, ["no pepper 'toast' is configured"]),
        (b"\xff", "application/yaml", 400, ["not UTF-8"]),
        ({"accounts": {"x": {"tier": 1}}}, "application/json", 400, ["accounts.x.tier: expected text"]),
        ({"accounts": {"x": {"tier": "f", "a": 1}}}, "application/json", 400, ["accounts.x.a: unknown key 'a'"]),
        (b"{", "application/json", 400, ["not valid JSON"]),
        (b"{}", "text/plain", 415, ["content-type must be application/json"]),
        (b"[" + b" " * (2 << 20) + b"]", "application/json", 413, ["over the limit"]),
        (b"a: " + b"b" * (1 << 20), "application/yaml", 400, ["file too large"]),
        (b"a: " + b"b" * (2 << 20), "application/yaml", 413, ["over the limit"]),
    ],
    ids=["wrong key", "pepper", "utf-8", "type", "unknown", "json", "media", "size", "yaml size", "yaml body size"],
)
def test_an_import_that_is_none_is_refused_with_its_place(gateway, body, media, status, words):
    found, _code, message = refused(gateway, "POST", "import", body, media=media)
    assert found == status
    assert all(word in message for word in words), message
    assert len(message) < 3000


def test_many_mistakes_are_cut_short(gateway):
    accounts = {f"a{number}": {"tear": "x"} for number in range(50)}
    assert refused(gateway, "POST", "import", {"accounts": accounts})[2].endswith("; and 80 more")


CHANGES = [
    ("PUT", "accounts/x"), ("PATCH", "accounts/x"), ("DELETE", "accounts/x"), ("POST", "accounts/x/keys"),
    ("POST", "keys/x/rotate"), ("POST", "keys/x/revoke"), ("PUT", "orgs/x"), ("POST", "import"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_readers_change_nothing(gateway, method, path):
    assert refused(gateway, method, path, {}, token=READER)[:2] == (403, "policy_denied")


def test_every_change_is_one_line_and_no_line_holds_a_secret(gateway, name, caplog):
    with caplog.at_level("INFO", "gateway"):
        made = done(gateway, "POST", f"accounts/{name}/keys", {"label": "ci"})
        rotated = done(gateway, "POST", f"keys/{made['id']}/rotate", {})
        done(gateway, "POST", f"keys/{rotated['id']}/revoke")
        done(gateway, "PATCH", f"accounts/{name}", {"tier": "paid", "verified": True})
        refused(gateway, "PATCH", f"accounts/{name}", {"teir": "paid"})
        done(gateway, "PUT", "orgs/globex", {"suspended": False})
    lines = [record.fields for record in caplog.records if record.message == "admin call"]
    assert all(line.pop("path").startswith("/admin/v1/") for line in lines)
    common, new = {"admin": "ada"}, rotated["id"]
    assert lines == [
        {**common, "method": "POST", "what": "key created", "account": name, "key": made["id"]},
        {**common, "method": "POST", "what": "key rotated", "key": made["id"], "account": name, "new_key": new},
        {**common, "method": "POST", "what": "key revoked", "key": new},
        {**common, "method": "PATCH", "what": "account changed", "account": name, "members": "tier, verified"},
        {**common, "method": "PATCH", "what": "account changed", "account": name, "members": "teir",
         "refused": "invalid_field"},
        {**common, "method": "PUT", "what": "org written", "org": "globex"},
    ]  # fmt: skip
    secrets = [parse(one["key"]).secret.decode() for one in (made, rotated)]
    assert not any(secret in caplog.text or secret in str(lines) for secret in secrets)
    assert all(record.every for record in caplog.records if record.message == "admin call")


def test_a_store_that_is_down_is_said_and_known_keys_go_on(gateway, name, monkeypatch):
    known = done(gateway, "POST", f"accounts/{name}/keys", {})["key"]
    cold = done(gateway, "POST", f"accounts/{name}/keys", {})["key"]
    assert ask(gateway, key=known).status == 200

    async def down(*_):
        raise StoreUnavailable("down")

    book = gateway.runtime.accounts.book
    with monkeypatch.context() as patched:
        for call in ("find", "get", "write", "accounts", "keys", "changes"):
            patched.setattr(book, call, down)
        assert ask(gateway, key=known).status == 200
        assert ask(gateway).status == 200, "the file needs no store"
        answer = ask(gateway, key=cold)
        assert (answer.status, answer.json()["error"]["code"]) == (503, "limiter_unavailable")
        assert answer.header("retry-after") == "1"
        assert refused(gateway, "GET", f"accounts/{name}")[:2] == (503, "limiter_unavailable")
        assert done(gateway, "GET", "accounts/acme")["source"] == "file"
    assert ask(gateway, key=cold).status == 200
