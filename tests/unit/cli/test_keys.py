"""`gateway keys`: what is made works, and the file it is written to keeps every other line."""

import json
import stat
from pathlib import Path

import pytest

from gateway import yamlio
from gateway.cli.key_entry import insert, replace_file
from gateway.cli.main import main
from gateway.core.account import Principal
from gateway.identity.admins import Admin, Role, authenticate_admin, token_hash
from gateway.identity.authenticate import authenticate, claim
from gateway.identity.directory import load_directory
from gateway.identity.keys import parse
from gateway.identity.peppers import load_peppers
from gateway.yamlio import YamlProblems
from tests.support.config_dir import write_config

NOW = 1_800_000_000_000


def test_a_written_key_opens_its_account(tmp_path: Path, capsys):
    config = write_config(tmp_path)
    accounts = tmp_path / "accounts.yaml"
    accounts.chmod(0o640)
    arguments = ["keys", "new", "--account", "acme", "--label", "no", "--config", str(config), "--write", str(accounts)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    key = shown.out.strip()
    assert key.startswith("sk-ex-")
    assert key not in shown.err
    assert "# the first" in accounts.read_text()
    assert key not in accounts.read_text()
    assert stat.S_IMODE(accounts.stat().st_mode) == 0o640
    directory = load_directory(accounts, load_peppers([("p1", tmp_path / "pepper")]))
    who = authenticate(claim(None, key), directory, NOW)
    assert isinstance(who, Principal)
    assert who.account.id == "acme"
    assert directory.keys[who.key_id].label == "no"
    assert main(arguments) == 0
    assert len(load_directory(accounts, load_peppers([("p1", tmp_path / "pepper")])).keys) == 2


def test_a_printed_entry_can_be_pasted(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    write_config(tmp_path)
    monkeypatch.setenv("GATEWAY_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    assert main(["keys", "new", "--account", "acme", "--expires", "2099-01-01"]) == 0
    key, entry = capsys.readouterr().out.split("\n", 1)
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text(accounts.read_text() + "keys:\n" + entry)
    directory = load_directory(accounts, load_peppers([("", tmp_path / "pepper")]))
    assert isinstance(authenticate(claim(None, key), directory, NOW), Principal)
    assert not isinstance(authenticate(claim(None, key), directory, 4_070_908_800_000), Principal)


def test_a_pepper_without_a_name_is_named_by_its_fingerprint(tmp_path: Path, capsys):
    write_config(tmp_path)
    pepper = tmp_path / "pepper"
    assert main(["keys", "new", "--account", "acme", "--pepper-file", str(pepper), "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)["entry"]
    assert entry["pepper"] == load_peppers([("", pepper)])[0].id
    assert main(["keys", "hash-admin", "--name", "ada", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["entry"]["token_sha256"] == token_hash(found["token"])


def test_json_output_holds_key_and_entry(tmp_path: Path, capsys):
    config = write_config(tmp_path)
    assert main(["keys", "new", "--account", "acme", "--config", str(config), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    parsed = parse(found["key"])
    assert parsed is not None
    assert parsed.id == found["id"]
    assert found["entry"]["pepper"] == "p1"


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        (["--account", "acne"], 1, "no account 'acne', did you mean 'acme'?"),
        (["--account", "acme", "--expires", "soon"], 2, "--expires: expected a date"),
        (["--account", "acme", "--expires", "2020-01-01"], 2, "--expires: expected a moment to come"),
    ],
)
def test_mistakes(tmp_path: Path, capsys, more: list[str], status: int, says: str):
    config = write_config(tmp_path)
    before = (tmp_path / "accounts.yaml").read_text()
    write = ["--config", str(config), "--write", str(tmp_path / "accounts.yaml")]
    assert main(["keys", "new", *write, *more]) == status
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.out == ""
    assert (tmp_path / "accounts.yaml").read_text() == before


def test_without_a_pepper_it_says_how_to_make_one(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GATEWAY_KEY_PEPPER_FILE", raising=False)
    assert main(["keys", "new", "--account", "acme"]) == 2
    assert "gateway keys new-pepper" in capsys.readouterr().err


def test_an_absent_file_is_named(tmp_path: Path, capsys):
    config = write_config(tmp_path)
    absent = str(tmp_path / "absent.yaml")
    assert main(["keys", "new", "--account", "acme", "--config", str(config), "--write", absent]) == 1
    shown = capsys.readouterr()
    assert "No such file" in shown.err
    assert shown.out == ""


def test_a_new_pepper_is_for_its_owner_only_and_never_replaces_one(tmp_path: Path, capsys):
    file = tmp_path / "pepper"
    assert main(["keys", "new-pepper", str(file)]) == 0
    content = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(load_peppers([("", file)])[0].value) == 64
    assert content.strip() not in capsys.readouterr().err
    assert main(["keys", "new-pepper", str(file)]) == 1
    assert file.read_text() == content


def test_an_admin_token_matches_its_entry(capsys):
    assert main(["keys", "hash-admin", "--name", "ada", "--role", "operate"]) == 0
    token, entry = capsys.readouterr().out.split("\n", 1)
    (written,) = yamlio.load("admins:\n" + entry, "f").value["admins"]
    admin = Admin(written["name"], Role[written["role"].upper()], bytes.fromhex(written["token_sha256"]))
    assert authenticate_admin(f"Bearer {token}", [admin]) is admin


ENTRY = {"account": "a", "hash": "0" * 64, "pepper": "p"}
OLD = f"x00000000000: {{account: a, hash: '{'1' * 64}', pepper: p}}"
ACCOUNTS = "accounts: {a: {tier: t}}\n"


@pytest.mark.parametrize(
    "text",
    [
        ACCOUNTS,
        ACCOUNTS.rstrip("\n"),
        ACCOUNTS + "# the end\n",
        ACCOUNTS + "keys:\n",
        ACCOUNTS + "keys:  # all of them\n  # one\n  " + OLD + "\n",
        ACCOUNTS + "keys: {}\n",
        "keys:\n    " + OLD + "\n" + ACCOUNTS,
        ("keys:\n  " + OLD + "\n" + ACCOUNTS).replace("\n", "\r\n"),
    ],
)
def test_insert_adds_the_key_and_keeps_every_other_line(text: str):
    result = insert(text, "a.yaml", "n00000000000", ENTRY)
    before, after = yamlio.load(text, "f").value, yamlio.load(result, "f").value
    assert after == before | {"keys": (before.get("keys") or {}) | {"n00000000000": ENTRY}}
    kept = [line for line in text.splitlines() if line != "keys: {}"]
    assert [line for line in result.splitlines() if line in kept] == kept
    assert ("\r\n" in result) == ("\r\n" in text)


@pytest.mark.parametrize(
    "text",
    [ACCOUNTS + "keys: {" + OLD + "}\n", "{accounts: {a: {tier: t}}}", ACCOUNTS + "keys: {  }\n", "accounts: {\n"],
)
def test_a_layout_it_cannot_extend_is_refused(text: str):
    with pytest.raises(YamlProblems):
        insert(
            text, "a.yaml", "n00000000000", {**ENTRY, "label": "x"} if "  }" not in text else {**ENTRY, "account": "b"}
        )


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    replace_file(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_file(tmp_path / "file", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"
