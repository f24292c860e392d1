"""`gateway accounts` and the verbs of `gateway keys` that talk to a running gateway."""

import json
import sys

import pytest

from gateway.cli import account_import
from gateway.cli.admin_client import AdminClient, AdminFailed
from gateway.cli.main import main
from tests.support.administering import done
from tests.support.talking import ask


def test_an_account_from_its_making_to_its_suspension(gateway, run):
    status, out, err = run(
        "accounts", "create", "shop", "--tier", "free", "--country", "DE", "--tag", "a", "--tag", "b"
    )
    assert (status, err) == (0, "")
    assert 'tier: "free"' in out.splitlines()
    assert 'tags: ["a", "b"]' in out.splitlines()
    assert run("accounts", "create", "shop", "--tier", "free")[0] == 1
    facts = json.loads(run("accounts", "set", "shop", "--owner-country", "FR", "--attested-age", "18", "--json")[1])
    assert (facts["owner_country"], facts["attested_age"], facts["country"]) == ("FR", 18, "DE")
    status, out, _ = run("accounts", "set", "shop", "--tier", "paid", "--verified", "true", "--json")
    version = json.loads(out)["version"]
    assert (json.loads(out)["tier"], json.loads(out)["verified"], json.loads(out)["country"]) == ("paid", True, "DE")
    assert run("accounts", "set", "shop", "--purpose", "prose", "--if-version", str(version - 1))[0] == 1
    assert run("accounts", "set", "shop", "--purpose", "prose", "--if-version", str(version))[0] == 0
    assert json.loads(run("accounts", "show", "shop", "--json")[1])["declared_purpose"] == "prose"
    key = run("keys", "create", "--account", "shop")[1].strip()
    assert ask(gateway, key=key).status == 200
    assert run("accounts", "suspend", "shop")[0] == 0
    assert ask(gateway, key=key).status == 403
    assert run("accounts", "suspend", "shop", "--lift")[0] == 0
    assert ask(gateway, key=key).status == 200
    assert run("accounts", "suspend", "shop", "--org")[0] == 0
    assert ask(gateway, key=key).status == 403
    assert run("accounts", "suspend", "shop", "--org", "--lift")[0] == 0
    assert ask(gateway, key=key).status == 200


def test_a_key_is_on_standard_output_alone(gateway, run):
    done(gateway, "PUT", "accounts/lab", {"tier": "free"})
    status, out, err = run("keys", "create", "--account", "lab", "--label", "ci", "--expires", "2099-01-01")
    key = out.strip()
    assert (status, out) == (0, key + "\n")
    assert key not in err
    assert key[6:18] in err
    status, out, err = run("keys", "rotate", key[6:18], "--grace", "60", "--label", "new")
    newer = out.strip()
    assert (status, f"{key[6:18]} works until" in err) == (0, True)
    assert ask(gateway, key=newer).status == ask(gateway, key=key).status == 200
    assert json.loads(run("keys", "rotate", key[6:18], "--json")[1])["old"]["id"] == key[6:18]
    status, out, _ = run("keys", "list", "--account", "lab")
    rows = {row.split()[0]: row for row in out.splitlines()}
    assert "until 2099-01-01" in rows[newer[6:18]]
    assert rows[newer[6:18]].endswith("store  new")
    assert run("keys", "revoke", newer[6:18])[0] == 0
    assert ask(gateway, key=newer).status == 401
    listed = json.loads(run("keys", "list", "--account", "lab", "--json")[1])["keys"]
    assert {one["id"]: one["revoked"] for one in listed}[newer[6:18]]
    assert json.loads(run("keys", "revoke", newer[6:18], "--json")[1])["revoked"]


def test_a_list_says_how_to_go_on(gateway, run):
    for number in range(3):
        done(gateway, "PUT", f"accounts/many-{number}", {"tier": "free", "suspended": number == 1})
    _, out, err = run("accounts", "list", "--after", "many", "--limit", "2")
    assert [(row.split()[0], row.split()[-1]) for row in out.splitlines()] == [
        ("many-0", "store"), ("many-1", "suspended"),
    ]  # fmt: skip
    assert err == "more: gateway accounts list --after many-1\n"
    assert json.loads(run("accounts", "list", "--after", "many-1", "--json")[1])["accounts"][0]["id"] == "many-2"
    assert "file" in run("accounts", "list", "--limit", "1")[1]


def documents(folder, number, accounts=1):
    """A file with some accounts, each with one key."""
    names = [f"imp-{number}-{one}" for one in range(accounts)]
    ids = {f"{number:04}{at:08}": name for at, name in enumerate(names)}
    lines = ["accounts:", *(f"  {name}: {{tier: free}}" for name in names), "keys:"]
    lines += [f"  '{key}': {{account: {name}, hash: '{'0' * 64}', pepper: test}}" for key, name in ids.items()]
    path = folder / f"{number}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_files_are_imported_one_after_the_other(gateway, run, tmp_path):
    files = [str(documents(tmp_path, number, accounts=3)) for number in range(2)]
    status, out, err = run("accounts", "import", *files)
    assert (status, out) == (0, "")
    assert err == "6 account(s), 6 key(s), 0 org(s); 12 row(s) changed\n"
    again = json.loads(run("accounts", "import", *files, "--json")[1])
    assert (again["accounts"], again["changed"], again["in_file"]) == (6, 0, 0)
    mine = tmp_path / "mine.yaml"
    mine.write_text("accounts: {acme: {tier: free}}\n")
    assert "1 of them are in accounts.yaml too, which wins: acme" in run("accounts", "import", str(mine))[2]


def test_a_mistake_is_shown_at_its_line_and_nothing_of_its_file_is_sent(gateway, run, tmp_path):
    good, bad = documents(tmp_path, 7), documents(tmp_path, 8)
    bad.write_text(bad.read_text().replace("tier", "teir"))
    status, out, err = run("accounts", "import", str(good), str(bad))
    assert (status, out) == (1, "")
    assert f"{bad}:2:" in err
    assert run("accounts", "show", "imp-7-0")[0] == 0
    assert run("accounts", "show", "imp-8-0")[0] == 1
    bad.write_text(bad.read_text().replace("teir", "tier").replace("pepper: test", "pepper: other"))
    assert (
        f"{bad}: 400 invalid_field: keys.000800000000.pepper: no pepper 'other'"
        in run("accounts", "import", str(bad))[2]
    )
    assert "cannot be read" in run("accounts", "import", str(tmp_path / "absent.yaml"))[2]


def test_a_person_at_a_terminal_sees_how_far_it_is(gateway, run, tmp_path, monkeypatch):
    files = [str(documents(tmp_path, number)) for number in range(20, 23)]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(account_import, "_PATIENCE_S", -1.0)
    err = run("accounts", "import", *files)[2]
    assert "2/3 files, 2 keys" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("accounts", "show", "nobody"), "404 unknown_route: no such account"),
        (("accounts", "set", "acme", "--tier", "free"), "is in accounts.yaml"),
        (("accounts", "create", "a b", "--tier", "free"), "id: expected text"),
        (("accounts", "create", "x", "--tier", "free", "--country", "Germany"), "country"),
        (("keys", "create", "--account", "nobody"), "no such account"),
        (("keys", "create", "--account", "acme"), "is in accounts.yaml"),
        (("keys", "revoke", "nobody000000"), "no such key"),
        (("keys", "rotate", "nobody000000"), "no such key"),
        (("keys", "list", "--account", "nobody"), "no such account"),
    ],
)
def test_what_the_gateway_refuses_is_said(run, words, says):
    status, out, err = run(*words)
    assert (status, out) == (1, "")
    assert f"gateway {words[0]} {words[1]}: " in err
    assert says in err


def test_the_token_comes_from_a_file_or_a_variable_and_is_never_shown(gateway, run, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text(gateway.admin_token + "\n")
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "wrong")
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN_FILE", str(token))
    assert run("accounts", "list")[0] == 0
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN_FILE", str(tmp_path / "absent"))
    status, _, err = run("accounts", "list")
    assert (status, "cannot be read" in err) == (2, True)
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE")
    status, _, err = run("accounts", "list")
    assert (status, "401 invalid_api_key" in err, "wrong" in err) == (1, True, False)
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "two\nlines")
    assert run("accounts", "list")[0] == 2
    monkeypatch.delenv("GATEWAY_ADMIN_TOKEN")
    status, _, err = run("keys", "list", "--account", "acme")
    assert (status, "GATEWAY_ADMIN_TOKEN_FILE" in err, "hash-admin" in err) == (2, True, True)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:9092", "ftp://x", "http://", "http://127.0.0.1:9092/admin/v1", "http://x:y"]
)
def test_an_address_that_is_none_is_wrong_usage(url, monkeypatch, capsys):
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "t")
    assert main(["accounts", "list", "--admin-url", url]) == 2
    assert "--admin-url: expected an address like http://127.0.0.1:9092" in capsys.readouterr().err


def test_a_gateway_that_is_not_there_or_another_server_is_said(gateway, monkeypatch, capsys):
    monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", "t")
    assert main(["accounts", "list", "--admin-url", "http://127.0.0.1:1"]) == 1
    assert "127.0.0.1:1: Connection refused: is the gateway running" in capsys.readouterr().err
    with pytest.raises(AdminFailed, match="404: the answer is not the admin API's"):
        AdminClient(gateway.ops_url, "t").call("GET", "accounts")
