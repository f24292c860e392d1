"""Where requests come from, over real sockets: what detectors are told of it, and that it stands nowhere else."""

from dataclasses import replace

import pytest

from tests.support.rawhttp import Raw, request
from tests.support.running import running
from tests.support.talking import PATHS, STREAMED, ask, get

pytestmark = pytest.mark.interpreted

CALLER = "203.0.113.77"
PROXY = "198.51.100.9"
AGENT = "CanaryProgram/7.3 (canary-host)"


class Tower:
    """Notes what it is told."""

    accounts = dropped = 0

    def __init__(self):
        self.facts = []

    def see(self, facts):
        self.facts.append(facts)


@pytest.fixture
def gateway(tmp_path):
    with running(
        tmp_path, settings={"data": {"port": 0, "trusted_proxies": ["127.0.0.0/8", "198.51.100.0/24"]}}
    ) as one:
        one.tower = Tower()
        one.runtime.pipeline.sight = replace(one.runtime.pipeline.sight, watchtower=one.tower)
        yield one


def seen(gateway):
    gateway.settled()
    return gateway.tower.facts


def test_the_caller_behind_our_proxies(gateway):
    chain = (f"X-Forwarded-For: 1.1.1.1, {CALLER}".encode(), f"X-Forwarded-For: {PROXY}".encode())
    assert ask(gateway, headers=(*chain, f"User-Agent: {AGENT}".encode())).status == 200
    [facts] = seen(gateway)
    assert (facts.network, facts.client) == ("203.0.113.0/24", "canaryprogram")


def test_forwarded_by_rfc_7239(gateway):
    assert ask(gateway, headers=(b"Forwarded: for=203.0.113.5;proto=https",)).status == 200
    assert seen(gateway)[0].network == "203.0.113.0/24"


def test_a_hostile_chain_costs_nothing_and_is_not_believed(gateway):
    for chain in (b"," * 8000, b"\xff\xfe", b'for="', b"1.1.1.1 , unknown"):
        assert ask(gateway, headers=(b"X-Forwarded-For: " + chain, b"User-Agent: \xc3\xbc")).status == 200
    assert {(facts.network, facts.client) for facts in seen(gateway)} == {("127.0.0.0/24", "")}


@pytest.mark.parametrize("dialect", STREAMED)
def test_streams_are_seen_with_their_usage(gateway, dialect):
    assert ask(gateway, dialect, stream=True).status == 200
    [facts] = seen(gateway)
    assert facts.stream
    assert facts.completed
    assert facts.head == "hi"
    assert facts.input_tokens > 0
    assert facts.output_tokens > 0


def test_who_leaves_in_the_middle_has_not_read_to_the_end(gateway):
    gateway.simulator.delay_s = 0.05
    body = (
        b'{"model": "sim-small", "stream": true, "max_tokens": 4000, "messages": [{"role": "user", "content": "hi"}]}'
    )
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(PATHS["chat"], body, key=gateway.keys["acme"]))
        assert raw.head().status == 200
    [facts] = seen(gateway)
    assert not facts.completed


def test_addresses_and_programs_are_recorded_nowhere(gateway, caplog):
    caplog.set_level("DEBUG")
    headers = (f"X-Forwarded-For: {CALLER}".encode(), f"User-Agent: {AGENT}".encode())
    ask(gateway, headers=headers)
    ask(gateway, headers=headers, model="no-such-model")
    gateway.settled()
    records = b"".join(record.as_line() for record in gateway.records())
    metrics = get(gateway.gateway.ops_port, "/metrics").body
    assert b"acme" in records
    for word in (CALLER, "203.0.113", "127.0.0", "canary"):
        assert word.encode() not in records.lower()
        assert word.encode() not in metrics.lower()
        assert word not in caplog.text.lower()
