"""The files behind a gateway: all or nothing, and every change is seen."""

from ipaddress import ip_address

import pytest
import yaml

from gateway.config import SecretMissing, load_config
from gateway.sources import fingerprint, load_snapshot, peppers_of, upstream_settings
from gateway.yamlio import YamlProblems
from tests.support.mmdb import countries
from tests.support.running import OPEN_POLICY, write_files

NOW = 1_800_000_000_000


def settings_of(folder, **more):
    write_files(folder, "http://127.0.0.1:9/v1", **more)
    return load_config(folder / "gateway.yaml", env={}).settings


def snapshot(settings):
    return load_snapshot(settings, peppers_of(settings), NOW)


def test_a_good_set_becomes_a_snapshot(tmp_path):
    one = snapshot(settings_of(tmp_path))
    assert set(one.directory.accounts) == {"ada", "acme", "globex"}
    assert one.catalogue.lookup("sim-small") is not None
    assert [policy.id for policy in one.policies.policies] == ["open"]


def test_a_tier_that_nobody_has_is_no_fault(tmp_path):
    snapshot(settings_of(tmp_path, policies={"open": OPEN_POLICY.replace("match: all", "match: {tier: nobody}")}))


def test_an_exception_that_ran_out_is_over_and_stops_nothing(tmp_path):
    text = OPEN_POLICY + "exceptions: [{account: acme, reason: trial, owner: x, until: 2001-01-01}]\n"
    assert snapshot(settings_of(tmp_path, policies={"open": text})).policies.policies


@pytest.mark.parametrize(
    "rules",
    [
        "{r: {when: {seed: true}, then: flag, until: 2001-01-01}}",
        "{r: {when: {text: {phrases: x}}, then: deny, per_request: true}}",
        "{r: {when: {seed: true}, then: deny}, s: {when: {seed: true}, then: {slow: 1s}}}",
        "{r: {when: {n: {below: 2}}, then: {reduce: {max_n: 1}}}}",
    ],
)
def test_a_rule_that_is_over_or_superfluous_stops_nothing(tmp_path, rules):
    text = OPEN_POLICY + f"rules: {rules}\n"
    assert snapshot(settings_of(tmp_path, policies={"open": text})).policies.policies


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("{r: {when: {seed: true, not: {seed: true}}, then: deny}}", "P205"),
        ("{r: {when: {route: [/v1/message, /v1/messages]}, then: deny}}", "P209"),
        ("{r: {when: {usage: {limit: open/gone, at_least: 0.5}}, then: deny}}", "P305"),
        ("{r: {when: {terms: {profile: gone}}, then: deny}}", "P402"),
    ],
)
def test_a_rule_that_leaves_open_what_it_seems_to_close_stops_the_gateway(tmp_path, rules, code):
    with pytest.raises(YamlProblems) as caught:
        snapshot(settings_of(tmp_path, policies={"open": OPEN_POLICY + f"rules: {rules}\n"}))
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_model_under_terms_that_nobody_wrote_stops_the_gateway(tmp_path):
    settings = settings_of(tmp_path)
    models = tmp_path / "models.yaml"
    models.write_text(models.read_text().replace("max_output", "terms: closed\n    max_output", 1))
    with pytest.raises(YamlProblems) as caught:
        snapshot(settings)
    [problem] = caught.value.problems
    assert (problem.code, problem.source) == ("P402", str(models))
    terms = "version: 1\nterms: {closed: {document: D, distillation: forbidden}}\n"
    (tmp_path / "policies" / "definitions.yaml").write_text(terms)
    assert snapshot(settings).catalogue.lookup("sim-small") is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OPEN_POLICY.replace("amount: 1000000", "amount: none"), "amount"),
        (OPEN_POLICY.replace("match: all", "match: {dialect: telex}"), "telex"),
        (OPEN_POLICY.replace("version: 1", "version: 1\nversion: 1"), "version"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path, text, says):
    with pytest.raises(YamlProblems) as caught:
        snapshot(settings_of(tmp_path, policies={"open": text}))
    [problem] = caught.value.problems
    assert says in problem.message
    assert problem.line > 1
    assert str(problem).startswith(str(tmp_path / "policies" / "open.yaml"))


def test_an_upstream_that_is_not_configured_is_a_fault_of_the_models(tmp_path):
    settings = settings_of(tmp_path)
    models = yaml.safe_load((tmp_path / "models.yaml").read_text())
    models["models"]["sim-small"]["upstreams"] = ["mian"]
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(models))
    with pytest.raises(YamlProblems, match="did you mean 'main'"):
        snapshot(settings)


def test_every_setting_of_an_upstream_arrives(tmp_path):
    for name in ("key", "ca.pem", "cert.pem", "cert.key"):
        (tmp_path / name).write_text("content\n")
    said = {
        "kind": "vllm", "auth": "api-key", "weight": 3, "ca_file": "ca.pem", "client_cert_file": "cert.pem",
        "client_key_file": "cert.key", "stream_usage": True, "on_client_abort": "drain", "drain_max_s": 7,
        "drain_max_bytes": 1234, "max_connections": 5, "keepalive_s": 6, "connect_s": 1, "first_byte_s": 2,
        "between_bytes_s": 3, "total_s": 4, "max_response_bytes": 2048, "max_stream_bytes": 4096, "api_key_file": "key",
    }  # fmt: skip
    [one] = upstream_settings(settings_of(tmp_path, upstream_settings=said))
    files = {"ca_file": "ca.pem", "client_cert_file": "cert.pem", "client_key_file": "cert.key"}
    for name, value in said.items():
        if name in files:
            assert getattr(one, name) == str(tmp_path / files[name])
        elif name == "api_key_file":
            assert one.api_key == "content"
        elif hasattr(one, name):
            assert getattr(one, name) == value, name
        else:
            assert getattr(one.timeouts, name) == value, name
    assert one.name == "main"
    assert not one.pass_unknown


def test_a_credential_may_come_from_the_environment(tmp_path):
    settings = settings_of(tmp_path, upstream_settings={"api_key_env": "UPSTREAM_KEY"})
    assert upstream_settings(settings, {"UPSTREAM_KEY": "abc"})[0].api_key == "abc"
    with pytest.raises(SecretMissing, match="UPSTREAM_KEY"):
        upstream_settings(settings, {})


@pytest.mark.parametrize("file", ["accounts.yaml", "models.yaml", "policies/open.yaml", "pepper", "upstream-key"])
def test_every_file_counts_and_so_does_its_absence(tmp_path, file):
    (tmp_path / "upstream-key").write_text("key")
    settings = settings_of(tmp_path, upstream_settings={"api_key_file": "upstream-key"})
    seen = [fingerprint(settings)]
    path = tmp_path / file
    path.write_bytes(path.read_bytes() + b"\n")
    seen.append(fingerprint(settings))
    path.unlink()
    seen.append(fingerprint(settings))
    assert len(set(seen)) == 3
    assert fingerprint(settings) == seen[2]


def test_a_policy_that_appears_or_a_directory_that_goes_is_a_change(tmp_path):
    settings = settings_of(tmp_path)
    first = fingerprint(settings)
    (tmp_path / "policies" / "more.yaml").write_text("")
    second = fingerprint(settings)
    for path in (tmp_path / "policies").iterdir():
        path.unlink()
    (tmp_path / "policies").rmdir()
    assert len({first, second, fingerprint(settings)}) == 3


COUNTRIES = {"data": {"port": 0, "country_file": "countries.mmdb"}}


def test_a_country_file_is_part_of_the_set(tmp_path):
    assert snapshot(settings_of(tmp_path)).countries is None
    settings = settings_of(tmp_path, settings=COUNTRIES)
    with pytest.raises(YamlProblems, match="country_file: cannot be read: No such file"):
        snapshot(settings)
    (tmp_path / "countries.mmdb").write_bytes(countries(NZ="192.0.2.0/24"))
    assert snapshot(settings).countries.of(ip_address("192.0.2.7")) == "NZ"


def test_a_country_file_that_is_written_over_replaced_or_gone_is_a_change(tmp_path):
    settings = settings_of(tmp_path, settings=COUNTRIES)
    path = tmp_path / "countries.mmdb"
    seen = [fingerprint(settings)]
    path.write_bytes(b"1")
    seen.append(fingerprint(settings))
    path.write_bytes(b"22")
    seen.append(fingerprint(settings))
    (tmp_path / "new").write_bytes(b"33")
    (tmp_path / "new").rename(path)
    seen.append(fingerprint(settings))
    assert len(set(seen)) == 4
    assert fingerprint(settings) == seen[3]
    path.unlink()
    assert fingerprint(settings) == seen[0]
