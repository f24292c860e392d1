"""Who is behind a chain of proxies, and how coarse what is kept of it is."""

from ipaddress import ip_address

import pytest

from gateway.identity.addresses import (
    MAX_CHARS,
    MAX_HOPS,
    MAX_KEPT_CHARS,
    Origin,
    Places,
    client_address,
    network,
    networks,
    product,
)

OURS = networks(["10.0.0.0/8", "fd00::/8"])
PROXY = "10.0.0.1"


def client(peer: str, *values: str, forwarded: tuple[str, ...] = ()) -> str:
    return str(client_address(Origin(peer, values, forwarded), OURS) or "")


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        (PROXY, [], PROXY),
        (PROXY, ["198.51.100.7"], "198.51.100.7"),
        (PROXY, ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (PROXY, ["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        (PROXY, ["1.1.1.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (PROXY, ["198.51.100.7:4711"], "198.51.100.7"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        (PROXY, ["[2001:db8::1]"], "2001:db8::1"),
        (PROXY, ["[2001:db8::1]:443"], "2001:db8::1"),
        (PROXY, ["198.51.100.7, fd00::5"], "198.51.100.7"),
        ("fd00::5", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        (PROXY, ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("", ["198.51.100.7"], ""),
        ("/run/gateway.sock", ["198.51.100.7"], ""),
    ],
)
def test_the_first_address_from_the_end_that_is_not_ours(peer, values, expected):
    assert client(peer, *values) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "unknown", "", "_hidden", "evil.example", "198.51.100.7.", "198.51.100", "198.51.100.07", "0x7f.1", "127.1",
        "198.51.100.7:", "198.51.100.7:x", "198.51.100.7:123456", "198.51.100.7 x", "[198.51.100.7]", "[2001:db8::1",
        "2001:db8::1]", "[2001:db8::1]443", "[2001:db8::1]:x", "fe80::1%eth0", "2001:db8::1%25x", "1" * 5000, "٣.1.1.1",
        "198.51.100.7\x00", "2001:db8:::1",
    ],
)  # fmt: skip
def test_what_is_no_address_ends_the_walk_at_the_last_proxy(entry):
    assert client(PROXY, entry) == PROXY
    assert client(PROXY, f"1.1.1.1, {entry}, 10.0.0.2") == "10.0.0.2"


def test_nobody_is_trusted_by_default():
    assert str(client_address(Origin(PROXY, ["198.51.100.7"]), ())) == PROXY


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=198.51.100.7", "198.51.100.7"),
        ("For=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7"),
        ('proto=https; for="198.51.100.7:4711"', "198.51.100.7"),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=1.1.1.1, for=198.51.100.7, for=10.0.0.2", "198.51.100.7"),
        ("for=unknown", PROXY),
        ("for=_hidden", PROXY),
        ("proto=https", PROXY),
        ("for=198.51.100.7;for=1.1.1.1", PROXY),
        ('for="198.51.100.7', PROXY),
        ('for="', PROXY),
        # A quote that a stranger left open must not swallow what the proxy wrote behind it.
        ('for="1.1.1.1, for=198.51.100.7', "198.51.100.7"),
        ('for="1.1.1.1;x=\\", for="198.51.100.7:1"', "198.51.100.7"),
    ],
)
def test_forwarded_headers_of_rfc_7239(value, expected):
    assert client(PROXY, forwarded=(value,)) == expected


def test_forwarded_is_not_read_beside_x_forwarded_for():
    assert client(PROXY, "198.51.100.7", forwarded=("for=1.1.1.1",)) == "198.51.100.7"
    assert client(PROXY, "unknown", forwarded=("for=1.1.1.1",)) == PROXY


def test_a_chain_is_read_only_so_far():
    hops = ["10.0.1.1"] * (MAX_HOPS - 1)
    assert client(PROXY, ", ".join(["198.51.100.7", *hops])) == "198.51.100.7"
    assert client(PROXY, ", ".join(["198.51.100.7", *hops, "10.0.1.1"])) == "10.0.1.1"
    assert client(PROXY, *["198.51.100.7"] * 5000, *hops) == "198.51.100.7"
    assert client(PROXY, "198.51.100.7," + " " * MAX_CHARS + "10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("203.0.113.1", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_counts_as_its_network(address, expected):
    assert network(ip_address(address)) == expected


def test_no_address_is_no_network():
    assert network(None) == ""


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("OpenAI/Python 1.2.3", "openai"),
        ("python-requests/2.31", "python-requests"),
        ("curl", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/1", "mozilla"),
        ("My Program/1.0", "my"),
        ("  Spaced/1", "spaced"),
        ("", ""),
        ("/1.0", ""),
        ("x" * 100, "x" * 32),
        ("x" * 100_000, "x" * 32),
        ("Ümlaut/1", ""),
        ("tab\tbed/1", ""),
        ("bad\x00/1", ""),
    ],
)
def test_the_product_of_a_user_agent(agent, expected):
    assert product(agent) == expected


def test_nobody_fills_the_memory_with_long_chains():
    places = Places(OURS)
    for number in range(3):
        values = [", ".join([f"203.0.113.{number}"] * MAX_KEPT_CHARS)]
        assert places.of(Origin(PROXY, values)) == "203.0.113.0/24"
    assert places._chain.cache_info().currsize == 0
    assert places.of(Origin(PROXY, ["203.0.113.7"])) == "203.0.113.0/24"
    assert places._chain.cache_info().currsize == 1


def test_what_a_stranger_says_is_not_looked_at():
    places = Places(OURS)
    for number in range(5):
        assert places.of(Origin("198.51.100.7", [f"203.0.113.{number}"])) == "198.51.100.0/24"
    assert (places._chain.cache_info().currsize, places._peer.cache_info().currsize) == (0, 1)
