"""The walk over proxies against a model of it that is too simple to be wrong."""

from ipaddress import ip_address, ip_network

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.identity.addresses import MAX_HOPS, Origin, Places, client_address, network, networks, product

TRUSTED = ("10.0.0.0/8", "192.168.7.0/24", "fd00::/8")
OURS = networks(TRUSTED)
ours = st.sampled_from(["10.0.0.1", "10.9.9.9", "192.168.7.200", "fd00::1", "fdff:1::2"])
theirs = st.ip_addresses().map(str)
odd = st.sampled_from(["unknown", "", "_x", "1.2.3", "1.2.3.4.5", "::g", "[::1", '"', "for=1.1.1.1", "1.1.1.1 2.2.2.2"])
entries = st.lists(st.one_of(ours, ours, theirs, odd), max_size=MAX_HOPS)


def naive(peer: str, chain: list[str]) -> str:
    """From the end: go on while whoever said it is ours and what it said is an address."""
    last = peer
    while chain and trusted(last) and plain(chain[-1]) is not None:
        last = chain[-1]
        chain = chain[:-1]
    return str(plain(last) or "")


def plain(text: str):
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def trusted(text: str) -> bool:
    address = plain(text)
    return address is not None and any(address in ip_network(cidr) for cidr in TRUSTED)


@given(st.one_of(ours, theirs), entries)
def test_x_forwarded_for(peer, chain):
    found = client_address(Origin(peer, [", ".join(chain)] if chain else []), OURS)
    assert str(found or "") == naive(peer, chain)


@given(st.one_of(ours, theirs), entries, st.data())
def test_one_header_or_several_are_the_same(peer, chain, data):
    cut = data.draw(st.integers(0, len(chain)))
    headers = [",".join(part) for part in (chain[:cut], chain[cut:]) if part]
    assert client_address(Origin(peer, headers), OURS) == client_address(Origin(peer, [", ".join(chain)]), OURS)


@given(st.one_of(ours, theirs), st.lists(st.one_of(ours, theirs), max_size=MAX_HOPS))
def test_forwarded_says_the_same(peer, chain):
    header = ", ".join(f'for="[{one}]"' if ":" in one else f"for={one};proto=https" for one in chain)
    assert str(client_address(Origin(peer, (), [header]), OURS)) == naive(peer, chain)


@given(
    st.one_of(ours, theirs), st.lists(st.text(max_size=60), max_size=40), st.lists(st.text(max_size=60), max_size=40)
)
@example("10.0.0.1", ["," * 10_000], [])
@example("10.0.0.1", [], [";" * 10_000 + ',for="' * 2000])
def test_whatever_is_said_there_is_an_answer(peer, values, forwarded):
    found = client_address(Origin(peer, values, forwarded), OURS)
    assert network(found)
    if not trusted(peer):
        assert str(found) == str(plain(peer)), "whoever is not ours decides nothing"


@given(st.one_of(ours, theirs), st.lists(theirs, min_size=1, max_size=5), st.lists(st.text(max_size=40), max_size=5))
def test_what_stands_before_the_first_stranger_changes_nothing(peer, chain, made_up):
    honest = client_address(Origin(peer, [", ".join(chain)]), ())
    assert client_address(Origin(peer, [*made_up, ", ".join(chain)]), ()) == honest
    real = next((one for one in reversed(chain) if not trusted(one)), None)
    if real is not None:
        assert client_address(Origin("10.0.0.1", [*made_up, ", ".join(chain)]), OURS) == plain(real)


@given(st.text(max_size=300))
def test_a_product_is_short_plain_and_lower_case(agent):
    found = product(agent)
    assert len(found) <= 32
    assert found == found.lower()
    assert found == "" or (found.isascii() and found.isprintable() and " " not in found and "/" not in found)


@given(st.ip_addresses())
def test_a_network_holds_its_address(address):
    size = 24 if address.version == 4 else 64
    found = ip_network(network(address))
    assert found.prefixlen == size
    assert address in found


@given(
    st.lists(
        st.tuples(
            st.one_of(ours, theirs, odd),
            st.lists(st.lists(st.one_of(ours, theirs, odd), max_size=8).map(", ".join), max_size=3),
            st.lists(theirs.map(lambda one: f'for="[{one}]"' if ":" in one else f"for={one}"), max_size=2),
        ),
        max_size=6,
    )
)
def test_a_place_is_the_network_of_the_caller_however_often_it_is_asked(origins):
    places = Places(OURS)
    for peer, values, forwarded in origins * 2:
        origin = Origin(peer, values, forwarded)
        assert places.of(origin) == network(client_address(origin, OURS))
