"""Where a request came from, told from its connection and from what trusted proxies say. Pure.

Whoever is no trusted proxy may write anything into a forwarding header, so the chain is read from its end: each
address was added by the one after it, and counts while that one is trusted. Only two coarse values leave this file: the
network an address is in, and the name of the client program.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_HOPS: Final = 16
"""Entries of a chain that are looked at: nobody has more proxies of their own in a row."""
MAX_CHARS: Final = 4096
"""Of a chain, from its end."""
MAX_PRODUCT: Final = 32
KEPT: Final = 4096
"""Texts whose address is remembered, and origins whose place is: the same few come again and again."""
MAX_KEPT_CHARS: Final = 256
"""Of what proxies say, so that nobody fills the memory with long chains."""
_PREFIX: Final = {4: 24, 6: 64}
"""What one customer of a provider is given: addresses that share it count as one place."""


def networks(cidrs: Iterable[str]) -> tuple[Network, ...]:
    """Networks as the settings name them. Raises ValueError."""
    return tuple(ip_network(cidr) for cidr in cidrs)


class Origin:
    """The address at the other end of a connection, and the headers in which proxies may say more."""

    __slots__ = ("forwarded", "peer", "x_forwarded_for")

    def __init__(self, peer: str = "", x_forwarded_for: Sequence[str] = (), forwarded: Sequence[str] = ()) -> None:
        self.peer = peer
        self.x_forwarded_for = x_forwarded_for
        self.forwarded = forwarded
        """Read only where there is no X-Forwarded-For: a proxy that adds the one passes the other on as it came."""


def client_address(origin: Origin, trusted: Sequence[Network]) -> Address | None:
    """The last address of the chain that is no trusted proxy, None when the peer has none.

    An entry that is no address ends the walk at the proxy that passed it on.
    """
    address = _address(origin.peer.partition("%")[0])
    if address is None or not _among(address, trusted):
        return address
    entries = map(str.strip, _tail(origin.x_forwarded_for)) if origin.x_forwarded_for else _for(origin.forwarded)
    for entry in reversed(list(entries)):
        before = _address(_without_port(entry))
        if before is None:
            break
        address = before
        if not _among(address, trusted):
            break
    return address


def known_address(origin: Origin, trusted: Sequence[Network]) -> Address | None:
    """The same, None where nobody can say who is behind a proxy: one of ours that named nobody, or one in a private
    network that names somebody and is not trusted. What a stranger on the Internet adds changes nothing.
    """
    address = client_address(origin, trusted)
    if address is None or _among(address, trusted):
        return None
    named = bool(origin.x_forwarded_for or origin.forwarded)
    return None if named and address.is_private and str(address) == origin.peer.partition("%")[0] else address


def network(address: Address | None) -> str:
    """The network of an address that counts as one place: /24 or /64. Empty for None."""
    if address is None:
        return ""
    kind = IPv4Network if isinstance(address, IPv4Address) else IPv6Network
    return str(kind((int(address), _PREFIX[address.version]), strict=False))


class Places:
    """The network that counts as one place, of the caller behind each origin."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._peer = lru_cache(KEPT)(self._of_peer)
        self._chain = lru_cache(KEPT)(self._of_chain)

    def of(self, origin: Origin) -> str:
        """`network` of `client_address`."""
        place = self._peer(origin.peer)
        if place is not None:
            return place
        chains = tuple(origin.x_forwarded_for), tuple(origin.forwarded)
        if sum(map(len, chains[0])) + sum(map(len, chains[1])) > MAX_KEPT_CHARS:
            return self._of_chain(origin.peer, *chains)
        return self._chain(origin.peer, *chains)

    def _of_peer(self, peer: str) -> str | None:
        """None where it is a proxy that is believed."""
        address = _address(peer.partition("%")[0])
        return None if address is not None and _among(address, self._trusted) else network(address)

    def _of_chain(self, peer: str, x_forwarded_for: tuple[str, ...], forwarded: tuple[str, ...]) -> str:
        return network(client_address(Origin(peer, x_forwarded_for, forwarded), self._trusted))


def product(user_agent: str) -> str:
    """The program's name in a User-Agent: `openai` of `OpenAI/Python 1.2`. Empty when it is none."""
    return _product(user_agent[: 4 * MAX_PRODUCT])


@lru_cache(1024)
def _product(beginning: str) -> str:
    name = beginning.partition("/")[0].strip(" ").partition(" ")[0]
    return name[:MAX_PRODUCT].lower() if name.isascii() and name.isprintable() else ""


def _for(values: Sequence[str]) -> Iterator[str]:
    """The `for` of the entries of Forwarded headers (RFC 7239), empty where there is none.

    Commas in quotes are not heeded: what a stranger quotes must not swallow what a proxy adds after it.
    """
    for entry in _tail(values):
        pairs = [pair.strip().partition("=") for pair in entry.split(";")]
        named = [value for name, _, value in pairs if name.lower() == "for"]
        value = named[0] if len(named) == 1 else ""
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        yield value[1:-1] if quoted else value


def _tail(values: Sequence[str]) -> list[str]:
    """The last entries of headers that are one list (RFC 9110, 5.3), in their order."""
    entries = ",".join(values)[-MAX_CHARS:].rsplit(",", MAX_HOPS)
    return entries[1:] if len(entries) > MAX_HOPS else entries


def _without_port(entry: str) -> str:
    """`192.0.2.1:443` and `[2001:db8::1]:443` without their ports; other text as it is."""
    if entry.startswith("["):
        host, bracket, port = entry[1:].partition("]")
        sane = bracket and (not port or (port[0] == ":" and _is_port(port[1:])))
        return host if sane and ":" in host else ""
    host, colon, port = entry.partition(":")
    return host if colon and ":" not in port and _is_port(port) else entry


def _is_port(text: str) -> bool:
    return 0 < len(text) <= 5 and text.isascii() and text.isdigit()


def _address(text: str) -> Address | None:
    """An address without zone; one of IPv4 that is written as IPv6 is one of IPv4."""
    return _parsed(text) if 0 < len(text) <= 45 and "%" not in text else None


@lru_cache(KEPT)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


def _among(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
