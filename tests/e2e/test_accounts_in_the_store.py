"""Accounts and keys that no file holds: they work at once, stop at once, and outlive the process."""

import openai
import pytest

from tests.support.administering import done
from tests.support.running import running
from tests.support.talking import ask, get


def chat(gateway, key):
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=key, max_retries=0) as client:
        return client.chat.completions.create(model="sim-small", messages=[{"role": "user", "content": "hi"}])


def test_from_nothing_to_a_call_and_back_without_a_reload(tmp_path):
    with running(tmp_path) as gateway:
        done(gateway, "PUT", "accounts/ada-labs", {"tier": "free", "org": "labs"})
        made = done(gateway, "POST", "accounts/ada-labs/keys", {})
        assert chat(gateway, made["key"]).choices[0].message.content
        shown = get(gateway.gateway.data_port, "/v1/usage", made["key"]).json()
        assert (shown["account"], shown["tier"]) == ("ada-labs", "free")
        gateway.settled()
        assert [(r.account, r.tier) for r in gateway.records()][:2] == [("ada-labs", "free")] * 2
        done(gateway, "PATCH", "accounts/ada-labs", {"tier": "paid"})
        assert get(gateway.gateway.data_port, "/v1/usage", made["key"]).json()["tier"] == "paid"
        done(gateway, "POST", f"keys/{made['id']}/revoke")
        with pytest.raises(openai.AuthenticationError, match="revoked"):
            chat(gateway, made["key"])
        assert ask(gateway).status == 200


def test_accounts_outlive_the_process(tmp_path):
    settings = {"store": f"sqlite:{tmp_path / 'usage.sqlite'}"}
    with running(tmp_path, settings=settings) as gateway:
        done(gateway, "PUT", "accounts/ada-labs", {"tier": "free"})
        good = done(gateway, "POST", "accounts/ada-labs/keys", {})["key"]
        bad = done(gateway, "POST", "accounts/ada-labs/keys", {})
        done(gateway, "POST", f"keys/{bad['id']}/revoke")
    with running(tmp_path, settings=settings) as gateway:
        assert ask(gateway, key=good).status == 200
        assert ask(gateway, key=bad["key"]).status == 401
    assert (tmp_path / "usage.sqlite.accounts").stat().st_size > 0


def test_an_id_in_both_is_told_at_start_and_at_reload_and_the_file_wins(tmp_path, caplog):
    settings = {"store": f"sqlite:{tmp_path / 'usage.sqlite'}"}
    with running(tmp_path, settings=settings) as gateway:
        done(gateway, "POST", "import", {"accounts": {"acme": {"tier": "stored"}}})
        with caplog.at_level("WARNING", "gateway"):
            assert gateway.call(gateway.runtime.reload()) == []
        assert get(gateway.gateway.data_port, "/v1/usage", gateway.keys["acme"]).json()["tier"] == "developer"
        said = [record.fields["hint"] for record in caplog.records if record.message == "check the configuration"]
        assert said[-1] == "1 id(s) are in accounts.yaml and in the store; the file is used: account acme"
    caplog.clear()
    with caplog.at_level("WARNING", "gateway"), running(tmp_path, settings=settings):
        assert any("the file is used: account acme" in str(getattr(one, "fields", "")) for one in caplog.records)


def test_a_file_moves_into_the_store_without_anyone_noticing(tmp_path):
    with running(tmp_path) as gateway:
        file = tmp_path / "accounts.yaml"
        done(gateway, "POST", "import", file.read_bytes(), media="application/yaml")
        assert ask(gateway).status == 200
        file.write_text("accounts: {}\n")
        assert gateway.call(gateway.runtime.reload()) == []
        assert ask(gateway).status == 200
        assert done(gateway, "GET", "accounts/acme")["source"] == "store"


def test_an_org_that_the_file_suspends_counts_for_accounts_in_the_store(tmp_path):
    with running(tmp_path) as gateway:
        done(gateway, "PUT", "accounts/ada-labs", {"tier": "free", "org": "labs"})
        key = done(gateway, "POST", "accounts/ada-labs/keys", {})["key"]
        assert ask(gateway, key=key).status == 200
        file = tmp_path / "accounts.yaml"
        text = file.read_text()
        file.write_text(text + "orgs: {labs: {suspended: true}}\n")
        assert gateway.call(gateway.runtime.reload()) == []
        assert ask(gateway, key=key).status == 403
        assert done(gateway, "GET", "orgs/labs")["suspended"]
        file.write_text(text)
        assert gateway.call(gateway.runtime.reload()) == []
        assert ask(gateway, key=key).status == 200


def test_a_store_that_another_gateway_owns_stops_the_start(tmp_path):
    settings = {"store": f"sqlite:{tmp_path / 'usage.sqlite'}"}
    with running(tmp_path, settings=settings):
        other = tmp_path / "other"
        # The usage database is free, the accounts are not: nothing is left open behind.
        (tmp_path / "other.sqlite.accounts").symlink_to(tmp_path / "usage.sqlite.accounts")
        with pytest.raises(Exception, match="another process owns it"):
            with running(other, settings={"store": f"sqlite:{tmp_path / 'other.sqlite'}"}):
                pass
