"""Rules on where a caller is: by the address that the operator's proxies vouch for, and the operator's own file."""

from contextlib import ExitStack

import pytest

from gateway.config import load_config
from gateway.runtime import Runtime
from gateway.server.routes import ROUTE_NAMES
from gateway.yamlio import YamlProblems
from tests.support.mmdb import countries
from tests.support.ruled import Scene
from tests.support.running import write_files
from tests.support.talking import code, get, policy

FILE = countries(NZ="203.0.113.0/24", DE="2001:db8::/48")
AWAY = policy(name="away", more="rules: {nz: {when: {client_country: [NZ]}, then: deny}}\n")
UNKNOWN = [("nz", "not_evaluated", "enforce", "not_evaluated")]
PROXIED = {"port": 0, "trusted_proxies": ["127.0.0.0/8"]}


class Scenery(Scene):
    """Its callers come from where they say, as one of its proxies says."""

    def of(self, address, **more):
        headers = (f"X-Forwarded-For: {address}".encode(),) if address else ()
        return self.ask(headers=headers, **more)


def scenery(stack, folder, data, file=FILE):
    if file is not None:
        (folder / "countries.mmdb").write_bytes(file)
        data = {**data, "country_file": "countries.mmdb"}
    return Scenery(stack, folder, AWAY, settings={"data": data})


@pytest.fixture
def scene(tmp_path):
    with ExitStack() as stack:
        yield scenery(stack, tmp_path, PROXIED)


def test_the_country_of_the_caller_decides(scene):
    answer = scene.of("203.0.113.7")
    assert (answer.status, code(answer), scene.reached) == (403, "policy_denied", 0)
    assert scene.findings == [("nz", "deny", "enforce", "policy_denied")]
    assert scene.record.facts.client_country == "NZ"
    for address in ("2001:db8::7", "8.8.8.8, 2001:db8::7"):
        assert (scene.of(address).status, scene.findings) == (200, [])


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db9::1", "", "unknown", "127.0.0.9"])
def test_where_nobody_knows_the_rule_is_not_evaluated(scene, address):
    assert scene.of(address).status == 200
    assert scene.findings == UNKNOWN
    assert scene.record.facts.client_country is None


@pytest.mark.parametrize(("data", "file"), [(PROXIED, None), ({"port": 0}, FILE)], ids=["no file", "untrusted proxy"])
def test_without_a_file_or_behind_a_proxy_that_nobody_trusts_it_is_not_evaluated(tmp_path, data, file):
    with ExitStack() as stack:
        scene = scenery(stack, tmp_path, data, file)
        assert scene.of("203.0.113.7").status == 200
        assert scene.findings == UNKNOWN


def test_a_new_file_counts_at_once_and_a_broken_one_not_at_all(scene, tmp_path):
    runtime, path = scene.gateway.runtime, tmp_path / "countries.mmdb"

    def reload():
        return scene.gateway.call(runtime.reload()) if scene.gateway.call(runtime.changed()) else None

    assert reload() is None
    first = runtime.snapshot.countries
    assert scene.gateway.call(runtime.reload()) == []
    assert runtime.snapshot.countries is first, "nothing is read again that did not change"
    assert [scene.of(address).status for address in ("203.0.113.7", "192.0.2.1")] == [403, 200]
    path.write_bytes(countries(NZ="192.0.2.0/24"))
    assert reload() == []
    assert [scene.of(address).status for address in ("203.0.113.7", "192.0.2.1")] == [200, 403]
    path.write_bytes(b"cut off")
    [problem] = reload()
    assert problem == f"{path}:1:1: data.country_file: expected a file in MaxMind's DB format (.mmdb)"
    assert scene.of("192.0.2.1").status == 403
    metrics = get(scene.gateway.gateway.ops_port, "/metrics").body.decode()
    assert "gateway_policy_last_reload_successful 0.0" in metrics


def test_the_address_stands_in_no_record_line_or_metric(scene, caplog):
    with caplog.at_level("DEBUG"):
        scene.of("203.0.113.7")
        scene.of("198.51.100.1")
    metrics = get(scene.gateway.gateway.ops_port, "/metrics").body.decode()
    lines = [f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in caplog.records]
    for text in (str(scene.gateway.records()), metrics, "\n".join(lines)):
        assert "203.0.113" not in text
        assert "198.51.100" not in text


def test_a_file_that_is_not_there_never_starts(tmp_path):
    write_files(tmp_path, "http://127.0.0.1:9/v1", settings={"data": {"port": 0, "country_file": "countries.mmdb"}})
    with pytest.raises(YamlProblems, match=r"countries\.mmdb:1:1: data\.country_file: cannot be read: No such file"):
        Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES)
