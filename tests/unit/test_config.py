"""Settings: what may be set, which source wins, and mistakes with the place they were made."""

from pathlib import Path

import pytest

from gateway.config import Config, SecretMissing, UpstreamEntry, load_config, upstream_key
from gateway.config.secrets import read_secret
from gateway.config.show import rows
from gateway.yamlio import YamlProblems

MINIMAL = "upstreams:\n  main: {base_url: http://127.0.0.1:8000/v1}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gateway.yaml"


def load(path: Path, text: str = MINIMAL, env: dict[str, str] | None = None, **flags: str) -> Config:
    path.write_text(text)
    return load_config(path, env or {}, {name.replace("__", "."): value for name, value in flags.items()})


def complaints(path: Path, text: str = MINIMAL, env: dict[str, str] | None = None, **flags: str) -> str:
    with pytest.raises(YamlProblems) as caught:
        load(path, text, env, **flags)
    return str(caught.value).replace(str(path), "g.yaml")


def test_defaults_are_safe(path: Path):
    settings = load(path).settings
    assert (settings.data.host, settings.data.port) == ("127.0.0.1", 8080)
    assert (settings.ops.port, settings.admin.host, settings.admin.port) == (9091, "127.0.0.1", 9092)
    assert settings.admins == ()
    assert settings.store == f"sqlite:{path.parent}/gateway.sqlite"
    assert settings.limits.body_bytes == 64 * 1024 * 1024
    assert settings.timers.head_s == 10
    assert settings.upstreams["main"].on_client_abort == "cancel"
    assert not settings.upstreams["main"].pass_unknown


def test_paths_of_the_file_are_relative_to_it(path: Path):
    settings = load(
        path, MINIMAL + "files: {accounts: a.yaml, models: /m.yaml}\ndecision_log: log\npolicy_archive: old\n"
    ).settings
    assert settings.files.accounts == path.parent / "a.yaml"
    assert settings.files.models == Path("/m.yaml")
    assert settings.files.policies == path.parent / "policies"
    assert settings.decision_log == str(path.parent / "log")
    assert settings.policy_archive == path.parent / "old"


def test_paths_from_outside_the_file_are_relative_to_where_one_stands(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")
    assert load(path, env={"GATEWAY_FILES__MODELS": "m.yaml"}).settings.files.models == Path("/m.yaml")
    assert load(path, files__accounts="a.yaml").settings.files.accounts == Path("/a.yaml")


def test_flags_win_over_environment_over_file_over_defaults(path: Path):
    text = MINIMAL + "data: {port: 1001, host: 0.0.0.0}\nops: {port: 2001}\n"
    config = load(path, text, {"GATEWAY_DATA__PORT": "1002", "GATEWAY_OPS__PORT": "2002"}, data__port="1003")
    settings = config.settings
    assert (settings.data.port, settings.data.host, settings.ops.port, settings.admin.port) == (
        1003,
        "0.0.0.0",
        2002,
        9092,
    )
    sources = {row.name: row.source for row in rows(config)}
    assert sources["data.port"] == "flag data.port"
    assert sources["ops.port"] == "environment GATEWAY_OPS__PORT"
    assert sources["data.host"] == f"{path}:3"
    assert sources["admin.port"] == "default"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("STORE", "memory:", "memory:"),
        ("LIMITS__BODY_BYTES", "1 MiB", 1 << 20),
        ("ADMIN__ALLOWED_HOSTS", "a.example, b.example", ["a.example", "b.example"]),
        ("ADMIN__ALLOWED_HOSTS", "[a.example]", ["a.example"]),
        ("TIMERS__DRAIN_S", "1.5", 1.5),
        ("UPSTREAMS__MAIN__STREAM_USAGE", "true", True),
        ("UPSTREAMS__MAIN__WEIGHT", "3", 3),
        ("RESERVATION__OUTPUT", "worst_case", "worst_case"),
        ("DECISION_LOG", "off", "off"),
        ("DATA__HOST", "::", "::"),
    ],
)
def test_every_kind_of_setting_can_come_from_the_environment(path: Path, name: str, text: str, expected: object):
    found = rows(load(path, env={f"GATEWAY_{name}": text}))
    value = next(row.value for row in found if row.name == name.lower().replace("__", "."))
    assert value == expected


def test_upstream_names_may_hold_dashes_and_capitals(path: Path):
    text = "upstreams:\n  My-Model.2: {base_url: http://u/v1}\n"
    config = load(path, text, {"GATEWAY_UPSTREAMS__MY_MODEL_2__WEIGHT": "7"})
    assert config.settings.upstreams["My-Model.2"].weight == 7


def test_a_whole_upstream_can_come_from_the_environment():
    settings = load_config(None, {"GATEWAY_UPSTREAMS__MAIN__BASE_URL": "https://u.example/v1"}).settings
    assert settings.upstreams["main"].base_url == "https://u.example/v1"


def test_a_value_can_come_from_a_file_and_is_masked(path: Path, tmp_path: Path):
    (tmp_path / "store").write_text("memory:\n")
    config = load(path, env={"GATEWAY_STORE_FILE": str(tmp_path / "store")})
    assert config.settings.store == "memory:"
    assert next(row.value for row in rows(config) if row.name == "store") == "********"


def test_the_pepper_variable_names_the_only_pepper(path: Path):
    settings = load(
        path, MINIMAL + "key_pepper_files: [{file: a}, {file: b}]\n", {"GATEWAY_KEY_PEPPER_FILE": "/p"}
    ).settings
    assert [entry.file for entry in settings.key_pepper_files] == [Path("/p")]


def test_variables_that_kubernetes_sets_are_not_ours(path: Path):
    env = {"GATEWAY_PORT": "tcp://10.0.0.1:80", "GATEWAY_SERVICE_HOST": "10.0.0.1", "GATEWAY_PORT_80_TCP_ADDR": "x",
           "GATEWAY_SERVICE_PORT_HTTP": "80", "GATEWAY_ADMIN_PORT": "tcp://", "OTHER": "y",
           "GATEWAY_CONFIG": "x"}  # fmt: skip
    env |= {"GATEWAY_DATA_SERVICE_PORT": "80", "GATEWAY_DATA_PORT_80_TCP_PORT": "80"}
    assert load(path, env=env).settings.data.port == 8080


def test_variables_of_the_command_line_are_no_settings(path: Path):
    env = {"GATEWAY_ADMIN_TOKEN": "sk-adm-x", "GATEWAY_ADMIN_TOKEN_FILE": "/absent", "GATEWAY_ACCOUNTS__STALE_S": "30"}
    assert load(path, env=env).settings.accounts.stale_s == 30


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"GATEWAY_STOER": "x"}, "environment GATEWAY_STOER:1:1: unknown setting 'stoer', did you mean 'store'?"),
        ({"GATEWAY_DATA__PROT": "1"}, "environment GATEWAY_DATA__PROT:1:1: unknown setting 'data.prot'"),
        ({"GATEWAY_DATA__PORT": "x"}, "environment GATEWAY_DATA__PORT:1:1: data.port: expected a whole number"),
        ({"GATEWAY_DATA__PORT": "{"}, "environment GATEWAY_DATA__PORT:1:1: expected a number"),
        ({"GATEWAY_STORE_FILE": "/absent"}, "environment GATEWAY_STORE_FILE:1:1: the file it names cannot be read"),
        ({"GATEWAY_DATA__PORT__X": "1"}, "unknown setting 'data.port.x'"),
        ({"GATEWAY_DATA_PORT": "9000"}, "unknown setting 'data_port', did you mean 'data.port'?"),
        ({"GATEWAY_UPSTREAMS__MIAN__WEIGHT": "2"}, "environment GATEWAY_UPSTREAMS__MIAN__WEIGHT:1:1: missing key"),
    ],
)
def test_mistakes_in_the_environment(path: Path, env: dict[str, str], expected: str):
    assert expected in complaints(path, env=env)


def test_mistakes_in_flags(path: Path):
    assert complaints(path, data__port="x").startswith("flag data.port:1:1: data.port: expected a whole number")


UPSTREAM = MINIMAL.replace("}", ", %s}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: {}\n", "g.yaml:1:1: missing key 'upstreams'"),
        ("upstreams: {}\n", "g.yaml:1:1: upstreams: expected at least 1, found an empty mapping"),
        (MINIMAL + "date: {port: 1}\n", "g.yaml:3:1: unknown key 'date', did you mean 'data'?"),
        (MINIMAL + "data: {prot: 1}\n", "g.yaml:3:8: unknown key 'prot', did you mean 'port'?"),
        (MINIMAL + "data: {port: 70000}\n", "g.yaml:3:14: data.port: expected less than or equal"),
        (MINIMAL + "data: {host: 'http://x'}\n", "expected an address or name without port"),
        (MINIMAL + "data: {host: '0.0.0.0:8080'}\n", "expected an address or name without port"),
        (MINIMAL + "timers: {drain_s: 5m}\n", "timers.drain_s: expected a number of seconds, without a unit, found"),
        (MINIMAL + "ops: {port: 8080}\n", "expected three different ports"),
        (MINIMAL + "store: redis://x:y\n", "g.yaml:3:8: store: a port of the Redis store must be a number"),
        (MINIMAL + "store: redis://:hunter2@x\n", "g.yaml:3:8: store: a password does not belong into the store's URL"),
        (MINIMAL + "store: 'sqlite:'\n", "g.yaml:3:8: store: expected memory:, sqlite:PATH or redis://"),
        (MINIMAL + "limits: {body_bytes: 1 TiB}\n", "expected bytes as a whole number or with a unit, like 64 MiB"),
        (MINIMAL + "limits: {body_bytes: 1 GiB}\n", "expected at most inflight_body_bytes_per_account"),
        (MINIMAL + "limits: {inflight_body_bytes: 100 MiB}\n", "expected at most inflight_body_bytes"),
        (MINIMAL + "timers: {head_s: 0}\n", "timers.head_s: expected greater than 0, found 0"),
        (MINIMAL + "timers: {head_s: .inf}\n", "timers.head_s: expected a number"),
        (MINIMAL + "reservation: {output: guess}\n", "expected 'estimate' or 'worst_case', found the text 'guess'"),
        (MINIMAL + "files: {accounts: 5}\n", "g.yaml:3:19: files.accounts: expected a path"),
        (MINIMAL + "key_pepper_files: [{file: a}, {file: b}, {file: c}]\n", "expected at most 2 entries, found a list"),
        (MINIMAL + "admins: [{name: a, role: root, token_sha256: '0'}]\n", "expected 'read', 'operate' or 'forensic'"),
        (UPSTREAM % "api_key: sk-secret", "g.yaml:2:46: unknown key 'api_key', did you mean 'api_key_env"),
        (UPSTREAM % "api_key_env: A, api_key_file: b", "expected api_key_file or api_key_env, found both"),
        (UPSTREAM % "api_key_env: a-b", "upstreams.main.api_key_env"),
        (UPSTREAM % "client_key_file: b", "client_key_file needs client_cert_file"),
        (UPSTREAM % "kind: vllm, pass_unknown: true", "pass_unknown: the fields of kind vllm are all known"),
        (UPSTREAM % "dialects: [chat, chta]", "upstreams.main.dialects[1]: expected 'chat',"),
        (UPSTREAM % "dialects: []", "upstreams.main.dialects"),
        (MINIMAL.replace("http://127.0.0.1:8000/v1", "ftp://x"), "expected an address like http://127.0.0.1:8000/v1"),
        (MINIMAL.replace("127.0.0.1:8000", "u:p@x"), "expected no credential in the address"),
        (MINIMAL.replace("/v1", "/v1/chat/completions"), "expected the address without a route"),
        (MINIMAL.replace("/v1", "/v1?a=b"), "expected no query and no fragment"),
        (MINIMAL.replace("8000", "99999"), "base_url: Port out of range 0-65535"),
    ],
)  # fmt: skip
def test_mistakes_in_the_file(path: Path, text: str, expected: str):
    found = complaints(path, text)
    assert expected in found
    assert "sk-secret" not in found


def test_admin_names_are_unique(path: Path):
    admin = f"{{name: a, token_sha256: '{'0' * 64}'}}"
    assert "two of them have the same name" in complaints(path, MINIMAL + f"admins: [{admin}, {admin}]\n")


def test_token_hashes_are_masked_and_stay_out_of_repr(path: Path):
    config = load(path, MINIMAL + f"admins: [{{name: a, role: operate, token_sha256: '{'7' * 64}'}}]\n")
    assert "777" not in repr(config.settings)
    assert "777" not in str(rows(config))
    assert "7" * 64 not in complaints(path, MINIMAL + f"admins: [{{name: a, token_sha256: '{'7' * 65}'}}]\n")


def test_warnings_name_what_should_not_stay(path: Path):
    text = MINIMAL.replace("}", ", api_key_env: K, pass_unknown: true}") + "store: 'memory:'\nadmin: {host: 0.0.0.0}\n"
    warnings = "\n".join(load(path, text).warnings)
    for word in ("memory:", "key_pepper_files", "admin.host", "pass_unknown", "without TLS"):
        assert word in warnings
    assert load(path, MINIMAL + "key_pepper_files: [{file: p}]\n").warnings == ()


def entry(**values: object) -> UpstreamEntry:
    return UpstreamEntry.model_validate({"base_url": "http://u/v1", **values})


def test_upstream_keys_come_from_the_environment_or_a_file(tmp_path: Path):
    (tmp_path / "key").write_text("  sk-up\n")
    assert upstream_key("u", entry(), {}) == ""
    assert upstream_key("u", entry(api_key_env="K"), {"K": "sk-up\n"}) == "sk-up"
    assert upstream_key("u", entry(api_key_file=tmp_path / "key"), {}) == "sk-up"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "found 0 bytes"), (b"x" * 20_000, "found 16385"), (b"a\nb", "one line"), (b"\xe9", "one line")],
)
def test_unusable_secrets_are_refused_without_quoting_them(tmp_path: Path, content: bytes, says: str):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretMissing, match=says):
        read_secret(tmp_path / "key")


def test_missing_secrets_say_where_they_were_expected(tmp_path: Path):
    with pytest.raises(SecretMissing, match="the variable K is not set"):
        upstream_key("u", entry(api_key_env="K"), {"K": " "})
    with pytest.raises(SecretMissing, match="No such file"):
        read_secret(tmp_path / "absent")


def test_nobody_is_a_trusted_proxy_unless_named(path: Path):
    assert load(path).settings.data.trusted_proxies == ()
    text = MINIMAL + "data: {trusted_proxies: [10.0.0.0/8, 'fd00::/8', 192.0.2.1]}\n"
    assert load(path, text).settings.data.trusted_proxies == ("10.0.0.0/8", "fd00::/8", "192.0.2.1")
    config = load(path, env={"GATEWAY_DATA__TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8"})
    assert config.settings.data.trusted_proxies == ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("cidr", "says"),
    [
        ("10.0.0.1/8", "without host bits"),
        ("proxy.example", "expected a network like"),
        ("10.0.0.0/33", "expected a network like"),
        ("0.0.0.0/0", "everybody's"),
        ("::/0", "everybody's"),
    ],
)
def test_a_network_of_proxies_must_be_one(path: Path, cidr: str, says: str):
    assert says in complaints(path, MINIMAL + f"data: {{trusted_proxies: ['{cidr}']}}\n")


def test_what_is_watched_is_bounded(path: Path):
    assert (load(path).settings.observe.top_accounts, load(path).settings.observe.sketch_accounts) == (0, 20_000)
    assert load(path, env={"GATEWAY_OBSERVE__TOP_ACCOUNTS": "100"}).settings.observe.top_accounts == 100
    for text in ("{top_accounts: 101}", "{top_accounts: -1}", "{sketch_accounts: 0}"):
        assert "observe." in complaints(path, MINIMAL + f"observe: {text}\n")
